/* SPDX-License-Identifier: MIT */

#ifndef WS_HUB_BACKPLANE_H
#define WS_HUB_BACKPLANE_H

#include <stdbool.h>
#include <stdint.h>

#include <silverback/hub.h>

/*
 * What a hub asks of what connects it with the hubs of other processes.  A hub
 * without one (NULL) numbers, keeps and delivers by itself.
 *
 * With one, it is the backplane that numbers: publications come back to the hub,
 * its own among them, by ws__hub_deliver (hub/deliver).  The hub keeps what was
 * delivered of topics that have subscribers here, up to its own history, and asks
 * the backplane for what lies before that.
 *
 * Threads: all of these may be called from any fiber or thread.  Those that say
 * so are called with a lock of the hub held: they neither wait nor call the hub.
 * So the backplane calls the hub with none of the locks held that these take.
 * It calls the hub from one thread, or one fiber, at a time for each topic.
 */
struct ws__backplane;

/* One publication of a log; all is borrowed for the call.  Returns 0, or a code
 * that ends the walk and is returned by it. */
typedef int (*ws__publication_fn)(const ws_publication *p, void *arg);

/* What another node has of a topic: so many connections, and once for each
 * member of its (connections is 0 then). */
typedef void (*ws__present_fn)(const char *member, size_t connections,
                               void *arg);

struct ws__backplane_ops {
    /* Number p (its place is not set), put it into the topic's log, tell all
     * nodes.  Waits, until the deadline (never 0).  Returns 0 and *place;
     * WS_ERR_TIMEOUT or another code when it was not, or it is not known that
     * it was (the contract of ws_hub_publish_by says which). */
    int (*publish)(struct ws__backplane *b, const ws_publication *p,
                   int64_t deadline, ws_place *place);

    /*
     * The topic has its first subscriber here, or has no more.  With a lock held.
     * After want the backplane subscribes to it, finds out where its log stands,
     * calls ws__hub_synced with that place, and from then on ws__hub_deliver for
     * each publication behind it, in order, without a gap: what was missed while
     * the connection was lost is delivered when it is back.  What cannot be
     * delivered any more, or another epoch, is ws__hub_lost.  After unwant
     * deliveries of the topic are dropped by the hub, until it is wanted again
     * and was synced again.
     *
     * want returns 0, or -ENOMEM: then it is not wanted, and the join fails.
     */
    int (*want)(struct ws__backplane *b, const char *topic);
    void (*unwant)(struct ws__backplane *b, const char *topic);

    /* The same for all topics that begin so, also those to come; with a lock
     * held.  They need no ws__hub_synced: the first publication of a topic that
     * was not wanted by name begins where it says.  Returns 0, -ENOMEM, or
     * WS_ERR_INVALID where there is no such thing (a sharded channel). */
    int (*want_prefix)(struct ws__backplane *b, const char *prefix);
    void (*unwant_prefix)(struct ws__backplane *b, const char *prefix);

    /* Call fn for the publications of the topic behind since and before the
     * offset `before`, in order.  Waits, until the deadline.  Returns 0, and
     * whether the log reached back to since, with the same epoch: if not, fn
     * was not called.  Epoch 0 stands for the present one: then fn is called
     * with what there is, and whole says whether that is all.  Or a code; fn may
     * have been called then. */
    int (*range)(struct ws__backplane *b, const char *topic,
                 const ws_place *since, uint64_t before, int64_t deadline,
                 ws__publication_fn fn, void *arg, bool *whole);

    /* Who is present here in the topic has changed: the backplane asks by
     * ws__hub_present (hub/presence) for all of it when it likes, soon, and
     * now and then, and tells the others.  With a lock held. */
    void (*present)(struct ws__backplane *b, const char *topic);

    /* Call fn with what OTHER nodes have.  Waits, until the deadline.  Returns
     * 0 or a code. */
    int (*presence)(struct ws__backplane *b, const char *topic,
                    int64_t deadline, ws__present_fn fn, void *arg);

    /* Set its fields of *s: repaired, reconnects, connected. */
    void (*stats)(struct ws__backplane *b, ws_hub_stats *s);

    /* End it: publishes under way return WS_ERR_CANCELED, its thread ends, and
     * it calls the hub no more.  Waits for that. */
    void (*free)(struct ws__backplane *b);
};

/* The first member of a backplane's own struct. */
struct ws__backplane {
    const struct ws__backplane_ops *ops;
};

#endif
