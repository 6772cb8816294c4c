/* SPDX-License-Identifier: MIT */

#ifndef WS_SERVER_TURNED_AWAY_H
#define WS_SERVER_TURNED_AWAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <silverback/fiber.h>

enum { WS__TURNED_AWAY = 16 };

/*
 * Connections that there is no room for.  They are held for a while, since
 * closing one before its request has come sends a reset, which may overtake the
 * answer.  Zeroed is none.
 *
 * Concurrency: any fiber, any thread.
 */
struct ws__turned_away {
    ws_mutex lock;
    struct {
        int fd;
        int64_t until;
    } held[WS__TURNED_AWAY]; /* a ring, the oldest first */
    size_t oldest;
    size_t n;
};

/* Say the end to a connection that was answered, and hold it; it is taken. */
void ws__turn_away(struct ws__turned_away *t, int fd);

/* Close those that were held long enough at that time. */
void ws__turned_away_close(struct ws__turned_away *t, int64_t now);

/* When the next one is; 0: there is none. */
int64_t ws__turned_away_due(struct ws__turned_away *t);

#endif
