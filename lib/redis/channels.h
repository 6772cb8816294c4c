/* SPDX-License-Identifier: MIT */

#ifndef WS_REDIS_CHANNELS_H
#define WS_REDIS_CHANNELS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

/* Where a channel's subscription is: asked for and not answered yet, or there. */
enum ws__redis_state {
    WS__REDIS_OFF,
    WS__REDIS_ASKED_ON,
    WS__REDIS_ON,
    WS__REDIS_ASKED_OFF,
};

struct ws__redis_channel {
    struct ws__str name; /* first: what it is found by */
    bool wanted;
    bool queued; /* in a queue, by next */
    void *owner; /* who listens to it: redis/cluster */
    enum ws__redis_state state;
    struct ws__redis_channel *next;
    struct ws__redis_channel *newer;
    struct ws__redis_channel *older;
};

/* Channels by their names.  The caller sees to it that one at a time uses it. */
struct ws__redis_channels {
    void *tree; /* of tsearch(3) */
    struct ws__redis_channel *newest;
    size_t n;
};

/* NULL: there is none. */
struct ws__redis_channel *ws__redis_channels_find(
    const struct ws__redis_channels *all, struct ws__str name);

/* The one of this name, a new one if need be.  NULL: there is no memory. */
struct ws__redis_channel *ws__redis_channels_get(struct ws__redis_channels *all,
                                                 struct ws__str name);

/* Free it. */
void ws__redis_channels_remove(struct ws__redis_channels *all,
                               struct ws__redis_channel *c);

void ws__redis_channels_fini(struct ws__redis_channels *all);

/* Channels in the order of their coming; each is in one queue at most. */
struct ws__redis_queue {
    struct ws__redis_channel *first;
    struct ws__redis_channel **end; /* NULL: it is empty */
};

void ws__redis_queue_put(struct ws__redis_queue *q,
                         struct ws__redis_channel *c);
struct ws__redis_channel *ws__redis_queue_take(struct ws__redis_queue *q);

#endif
