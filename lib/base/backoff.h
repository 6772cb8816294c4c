/* SPDX-License-Identifier: MIT */

#ifndef WS_BASE_BACKOFF_H
#define WS_BASE_BACKOFF_H

#include <stdint.h>

/*
 * When to connect again: exponential backoff with full jitter, so that clients
 * which have lost their server together do not come back together.  All times
 * are milliseconds, and the caller's to know.
 */
struct ws__backoff {
    int64_t base;   /* the most to wait after the first failure */
    int64_t max;    /* the most to wait after any */
    int64_t stable; /* a connection that lasts so long makes up for all */
    unsigned failures;
    int64_t since; /* when the connection that there is was made; 0: none */
};

void ws__backoff_connected(struct ws__backoff *b, int64_t now);

/* An attempt has failed, or the connection has ended. */
void ws__backoff_failed(struct ws__backoff *b, int64_t now);

/* How long to wait before the next attempt; any 64 bits decide. */
int64_t ws__backoff_delay(const struct ws__backoff *b, uint64_t bits);

#endif
