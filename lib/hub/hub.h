/* SPDX-License-Identifier: MIT */

#ifndef WS_HUB_HUB_H
#define WS_HUB_HUB_H

#include <stdatomic.h>

#include <silverback/hub.h>

#include "hub/backplane.h"
#include "hub/desk.h"
#include "hub/hash.h"
#include "hub/history.h"
#include "hub/subscriber.h"
#include "hub/topic.h"

/*
 * Locks: of a shard of topics (or of all shards, in their order), or of the
 * subscribers; then that of the desks; then that of a desk.  Nothing is waited for
 * under any, and no connection is touched with the lock of a shard or a desk.  The
 * others of this folder stand alone.
 */
struct ws_hub {
    atomic_size_t holders; /* its owner, subscribers, desks */
    void (*free)(ws_hub *h);
    ws_hub_options o; /* with the defaults; strings: only while it is made */
    struct ws__history_limits limits;
    struct ws__hash_key key;
    struct ws__backplane *back; /* NULL: none; until the hub is freed, which
                                 * those see who hold the lock of a shard */
    struct ws__topics topics;
    struct ws__subscribers subscribers;
    struct ws__desks desks;

    size_t replay_bytes; /* the most as a subscription begins */

    atomic_bool ended;    /* nothing more is delivered */
    atomic_size_t behind; /* desks where too much waits; publishers wait for
                           * none to be */
    atomic_size_t ahead;  /* desks whose own fibers are ahead of them */
    atomic_size_t joined; /* subscribers that have a subscription */
    atomic_size_t subscriptions;
    _Atomic uint64_t published;
    _Atomic uint64_t recovered;
    _Atomic uint64_t not_recovered;
};

static inline void ws__hub_hold(ws_hub *h)
{
    atomic_fetch_add_explicit(&h->holders, 1, memory_order_relaxed);
}

static inline void ws__hub_let_go(ws_hub *h)
{
    if (atomic_fetch_sub_explicit(&h->holders, 1, memory_order_acq_rel) == 1)
        h->free(h);
}

#endif
