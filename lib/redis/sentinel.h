/* SPDX-License-Identifier: MIT */

#ifndef WS_REDIS_SENTINEL_H
#define WS_REDIS_SENTINEL_H

#include "redis/session.h"
#include "redis/subscription.h"
#include "redis/url.h"

/*
 * Sentinels, who know which server is the master.  They are asked in turn, first
 * the one that answered last; and one of them is listened to, so that a change is
 * heard of while the old master still is there.
 */
struct ws__redis_sentinels;

/* The way and the url are those to the master, and stay as long; changed is set
 * whenever there may be another one.  NULL: there is no memory. */
struct ws__redis_sentinels *ws__redis_sentinels_new(
    const struct ws__redis_way *way, const struct ws__redis_url *url,
    ws_event *changed);

/* Nobody may be using them, nor run it; NULL is fine. */
void ws__redis_sentinels_free(struct ws__redis_sentinels *s);

/* Ask who is the master: a ws__redis_find, whose arg is the Sentinels. */
int ws__redis_sentinels_find(struct ws__redis_host *h, int64_t deadline,
                             ws_event *cancel, void *arg, ws_error *err);

/* Is the master another one than was found last?  Waits for an answer. */
bool ws__redis_sentinels_differ(struct ws__redis_sentinels *s,
                                ws_event *cancel);

/* Listen. */
void ws__redis_sentinels_run(struct ws__redis_sentinels *s);
void ws__redis_sentinels_stop(struct ws__redis_sentinels *s);

#endif
