/* SPDX-License-Identifier: MIT */

#ifndef WS_HUB_SUBSCRIPTION_H
#define WS_HUB_SUBSCRIPTION_H

#include "hub/replay.h"
#include "hub/subscriber.h"

/* The most that is replayed when a subscription begins: what is more is to be
 * written before. */
enum { WS__REPLAY_AT_ONCE = WS__TOGETHER };

/* A subscription that is to begin. */
struct ws__enter {
    struct ws__subscriber *subscriber;
    struct ws__topic *topic; /* in use by the caller; NULL: a prefix */
    const char *name;
    const ws_join_options *how;
    struct ws__replay replay;
    size_t replay_bytes; /* the most at once */
    ws_place place;      /* set: where the topic stood */
    bool more;           /* set: too much is missing, and it has not begun */
    int error;
};

/* At the subscriber's desk; arg is a struct ws__enter. */
void ws__subscription_begin(void *arg);

/* The same; arg is a struct ws__leave. */
struct ws__leave {
    struct ws__subscriber *subscriber;
    const char *name;
    bool prefix;
};
void ws__subscription_end(void *arg);

/* All of a subscriber's, at its desk. */
void ws__subscriptions_end(struct ws__subscriber *s);

#endif
