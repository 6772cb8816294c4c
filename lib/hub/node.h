/* SPDX-License-Identifier: MIT */

#ifndef WS_HUB_NODE_H
#define WS_HUB_NODE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <silverback/fiber.h>

#include "hub/backplane.h"
#include "hub/redis_log.h"
#include "hub/redis_topics.h"

/*
 * This process as a node of a hub over Redis.  What it does by itself, it does in
 * fibers of one thread: so the hub is called by one at a time.
 */
struct ws__node {
    struct ws__backplane ops; /* first */
    ws_hub *hub;
    struct ws__redis *client;
    struct ws__redis_log log;
    struct ws__redis_script alive;
    struct ws__redis_script announce;
    struct ws__redis_topics topics;
    struct ws__str nodes;     /* key: which ones live; for ws_free */
    struct ws__str directory; /* key, and channel: which topics there are; for
                               * ws_free */
    struct ws__redis_prefix *prefixes; /* under the lock of topics, as is */
    uint64_t newest_prefix;            /* its number */
    int presence_ttl_ms;
    int64_t audit_ms; /* how often the log is looked at unasked */

    pthread_t thread;
    ws_event due[WS__REDIS_LISTS]; /* a list has something, or it stops */
    ws_event directory_due;        /* it is to be looked at */
    ws_event stopping;             /* wakes who pauses */
    ws_event ended;                /* the thread has */
    unsigned lookers;              /* fibers; the thread's own */

    atomic_uint_least64_t number; /* of its last publication */
    atomic_uint_least64_t repaired;
    atomic_uint_least64_t reconnects;
    atomic_bool connected;
    atomic_bool lost; /* a channel was, since it was connected */
};

/* Has stop been asked for? */
static inline bool ws__node_stops(const struct ws__node *n)
{
    return ws_event_is_set(&n->stopping);
}

/* Wait so long, or until it stops. */
static inline void ws__node_pause(struct ws__node *n, int64_t ms)
{
    ws_event_wait(&n->stopping, ws_after(ms));
}

/* With the lock of its topics held: t is to be seen to. */
static inline void ws__node_put(struct ws__node *n, enum ws__redis_list list,
                                struct ws__redis_topic *t)
{
    ws__redis_topics_put(&n->topics, list, t);
    ws_event_set(&n->due[list]);
}

/* The next one of a list, which is used from now on; NULL: there is none. */
static inline struct ws__redis_topic *ws__node_take(struct ws__node *n,
                                                    enum ws__redis_list list)
{
    pthread_mutex_lock(&n->topics.lock);
    struct ws__redis_topic *t = ws__redis_topics_take(&n->topics, list);
    if (t)
        t->users++;
    pthread_mutex_unlock(&n->topics.lock);
    return t;
}

#endif
