/* SPDX-License-Identifier: MIT */

#ifndef SILVERBACK_HUB_H
#define SILVERBACK_HUB_H

#include "conn.h"
#include "queue.h"
#include "tls.h"

WS_BEGIN_DECLS

/*
 * A hub: connections join topics, and what is published to a topic is sent to
 * all of them.
 *
 *   Order     All subscribers of a topic get its publications in the same order,
 *             each once.  Between topics there is no order.
 *   Places    Each publication has its place in the topic's log.  The newest of
 *             them are kept, so that whoever was away for a while joins since
 *             the last place it knows of, and gets what it missed first: without
 *             a gap, without a duplicate; or is told that the log does not reach
 *             back so far.
 *   Slowness  A publisher waits for no subscriber.  What a subscriber does not
 *             take waits for it, in a queue with a bound (queue.h), and what is
 *             done when that is full, is an option.
 *
 * A topic begins with its first subscriber or publication.  It is over, and so
 * is its epoch, when it has had no subscriber, and nothing was published, for
 * history_ms.
 *
 * Concurrency: any fiber, any thread.  The hub holds references: a connection
 * that ends, or is closed, leaves all its topics by itself.  Connections of
 * either end may join, also several hubs.  Functions of the options (frame, lost)
 * must not call the hub: that is WS_ERR_BUSY.
 *
 * A topic, a prefix and a member are 1 to 255 bytes of UTF-8 without control
 * characters: else WS_ERR_INVALID.
 */
typedef struct ws_hub ws_hub;

/* Where in a log. */
typedef struct ws_place {
    uint64_t epoch;  /* of the log: another one when that was lost; never 0 */
    uint64_t offset; /* counts from 1; 0: before the first */
} ws_place;

typedef struct ws_publication {
    const char *topic;
    ws_type type; /* WS_TEXT or WS_BINARY */
    const void *data;
    size_t len;
    const char *key; /* NULL: none; at most 255 bytes.  Of publications with the
                      * same one, what waits for a subscriber that has joined
                      * with `latest` is the newest alone. */
    ws_place place;  /* the hub's: not read when it is published */
} ws_publication;

/* Zero is default.  Strings are copied. */
typedef struct ws_hub_options {
    long history; /* publications kept of each topic; 0: 1024, -1: none */
    size_t history_bytes; /* of each topic, payloads; 0: 1 MiB */
    int history_ms;       /* for how long; 0: 300 000 (5 min) */

    ws_queue_options queue; /* of each subscriber, set as it first joins; all of
                             * it zero: as it is (ws_set_queue) */

    /*
     * What subscribers receive of a publication, so that it can carry its place;
     * NULL: its bytes alone.  Called once for each publication, in the order of
     * its topic's (in every process, where there are several), with a lock held:
     * it must not wait.  Returns what ws_prepare made, which the hub takes, or
     * NULL: nothing is delivered of this one.
     */
    ws_prepared *(*frame)(const ws_publication *p, void *arg);

    /*
     * What subscribers receive when publications of their topic cannot be had any
     * more, and the next one will be behind *now; as frame does otherwise.  NULL:
     * they are cut with 1013, to join again, and so they are if it returns NULL.
     * In one process that happens when memory runs out.
     */
    ws_prepared *(*lost)(const char *topic, const ws_place *now, void *arg);

    void *arg; /* handed to both */

    /* ---- Beyond one process, by Redis ----------------------------------- */

    const char *redis;        /* its URL; NULL: this process alone */
    const ws_tls *redis_tls;  /* for rediss://; NULL: verify with the system's
                               * roots.  As a dialer's; lives as long as the hub */
    const char *redis_prefix; /* of keys and channels; NULL: "ws:" */
    int publish_timeout_ms;   /* of ws_hub_publish, and for a join to hear where
                               * the log stands; 0: 5000 */
    int presence_ttl_ms; /* how long a node that died is thought to be there; 0:
                          * 10 000 */
} ws_hub_options;

/* NULL when memory ran out or an option is wrong, and *err (which may be NULL)
 * says why.  o NULL: all zero. */
WS_API ws_hub *ws_hub_new(const ws_hub_options *o, ws_error *err);

/* No other call on h may be under way, or come.  Who is still subscribed gets
 * nothing more of it than what a worker is just sending, and goes on as a
 * connection.  NULL is allowed. */
WS_API void ws_hub_free(ws_hub *h);

/* ---- Subscribing -------------------------------------------------------- */

/* Zero is default. */
typedef struct ws_join_options {
    /*
     * First whatever was published after this place.  NULL: nothing, from now on.
     * Epoch 0 stands for the present one, so {0} is all that is kept.
     */
    const ws_place *since;

    bool prefix; /* topic is what topics begin with: all of them, also those to
                  * come.  Not with since (WS_ERR_INVALID): from now on. */
    bool latest; /* of publications that wait for c and have the same key, the
                  * newest alone, where the first of them stood */
    const char *member; /* who this is, for ws_hub_presence; NULL: c is counted,
                         * and not listed */
} ws_join_options;

typedef struct ws_joined {
    ws_place place; /* of the last publication before the first live one; of a
                     * prefix {0} */

    /* Nothing is missing behind since; true without it.  If false nothing was
     * replayed, but with epoch 0 what is kept; or, when c took what it missed more
     * slowly than that left the log, the first of it. */
    bool recovered;
    size_t replayed; /* publications */
} ws_joined;

/*
 * Subscribe c.  What was missed is sent before anything live, in this call, as
 * far as there is more than the queue is to hold: so that it waits for c, by its
 * write deadline.  how and joined may be NULL.
 *
 * A connection that is subscribed already gets `latest` and `member` anew, and
 * since is not looked at: recovered is true.  By a name and by a prefix of it are
 * two subscriptions, and c gets publications by each.
 *
 * Returns 0, or
 *   WS_ERR_INVALID   an argument is wrong
 *   WS_ERR_CANCELED  c has ended
 *   WS_ERR_TIMEOUT   c took too long to take what it missed; or Redis did not
 *                    tell in time where the log stands
 *   WS_ERR_BUSY      called by a function of the options
 *   -ENOMEM
 *   or what ws_write_prepared, or Redis, returned.  c is not subscribed then, or
 *   as it was before; but a part may have been replayed.
 */
WS_API int ws_hub_join(ws_hub *h, ws_conn *c, const char *topic,
                       const ws_join_options *how, ws_joined *joined);

/* Unsubscribe c.  When it returns nothing more of the topic is put into c's
 * queue; what was before still goes.  Leaving by a prefix is for who has joined
 * by it.  Returns 0, also when c was not subscribed; WS_ERR_INVALID; or
 * WS_ERR_BUSY. */
WS_API int ws_hub_leave(ws_hub *h, ws_conn *c, const char *topic);
WS_API int ws_hub_leave_prefix(ws_hub *h, ws_conn *c, const char *prefix);

/* ---- Publishing --------------------------------------------------------- */

/*
 * Publish len bytes to all who have joined the topic.  *place (NULL: not wanted)
 * is set to where it stands in the log.  Data is copied; that text be UTF-8 is for
 * the caller to see to.
 *
 * Waits for no subscriber.  It does when the workers that are to send are behind
 * by 64 MiB of publications, or a fiber's own worker by 64 that its fibers have
 * published (for each topic or prefix that is joined there); and with Redis for
 * its answer: until the deadline (a point in time, 0: never), which ws_hub_publish
 * sets publish_timeout_ms ahead.
 *
 * Returns 0, or
 *   WS_ERR_INVALID  an argument is wrong
 *   WS_ERR_TIMEOUT  the deadline passed.  Without Redis: it was not published
 *   WS_ERR_BUSY     called by a function of the options
 *   -ENOMEM         it was not published
 *   or another code of Redis's: see docs/hub.md for what is known then
 */
WS_API int ws_hub_publish(ws_hub *h, const char *topic, ws_type type,
                          const void *data, size_t len, ws_place *place);
WS_API int ws_hub_publish_by(ws_hub *h, const ws_publication *p,
                             int64_t deadline, ws_place *place);

/* ---- Who is there, and how it goes -------------------------------------- */

/* Who has joined a topic by its name.  Those who joined by a prefix are not
 * among them. */
typedef struct ws_presence {
    size_t connections;
    size_t n;
    const char *const *members; /* sorted by their bytes, each once */
} ws_presence;

/* One block, for ws_free.  With Redis also those of other processes, as these
 * have said last: waits for publish_timeout_ms at most.  Returns 0, or *p is NULL
 * and it is WS_ERR_INVALID, WS_ERR_BUSY, -ENOMEM, or a code of Redis's. */
WS_API int ws_hub_presence(ws_hub *h, const char *topic, ws_presence **p);

typedef struct ws_hub_stats {
    uint64_t published; /* by this hub's own publishers */
    uint64_t delivered; /* to a subscriber each: sent, or put into its queue */
    uint64_t dropped;   /* of these, by WS_SLOW_DROP_OLDEST or _NEWEST */
    uint64_t conflated; /* of these, replaced by a newer one (`latest`) */
    uint64_t cut;       /* subscribers, for being slow or for a loss */
    uint64_t recovered; /* joins with since: all was there, */
    uint64_t not_recovered; /* or not */

    uint64_t repaired;   /* publications fetched from Redis after a gap */
    uint64_t reconnects; /* to Redis */

    size_t topics;
    size_t subscribers;   /* connections that have joined something */
    size_t subscriptions; /* and what they have joined */
    bool connected;       /* to Redis; true without it */
} ws_hub_stats;

/* All zero for NULL. */
WS_API void ws_hub_stats_get(ws_hub *h, ws_hub_stats *s);

WS_END_DECLS

#endif
