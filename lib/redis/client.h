/* SPDX-License-Identifier: MIT */

#ifndef WS_REDIS_CLIENT_H
#define WS_REDIS_CLIENT_H

#include <stdint.h>

#include <silverback/fiber.h>
#include <silverback/tls.h>

#include "redis/command.h"
#include "redis/listener.h"
#include "redis/reply.h"
#include "redis/script.h"

/*
 * A program's way to Redis: a server, what three Sentinels call its master, or a
 * cluster.  It runs in a thread of its own; what is asked of it waits there in
 * a fiber, or in a thread.
 */
struct ws__redis;

struct ws__redis_options {
    const char *url;
    const ws_tls *tls; /* of rediss; NULL: verify with the system's roots */
    int connect_timeout_ms; /* of each attempt; 0: 5,000 */
    int silence_ms; /* after so much of it a server is asked whether it is there,
                     * and given up after twice as much again; 0: 5,000 */
    struct ws__redis_listener listener;
};

/* Options and url are copied; what tls points to stays as long as the client.
 * Nothing is connected yet.  NULL: *err says why: WS_ERR_URL, -ENOMEM, or
 * -ENOTSUP in a build without hiredis. */
struct ws__redis *ws__redis_new(const struct ws__redis_options *o,
                                ws_error *err);

/* Run it, in a fiber of a worker (ws_run); all its fibers are of this worker.
 * Returns 0 once ws__redis_stop was called, from any thread, before or after,
 * and all of its fibers have ended; or -ENOMEM, at once. */
int ws__redis_run(struct ws__redis *r);
void ws__redis_stop(struct ws__redis *r);

/* Nobody may be using it. */
void ws__redis_free(struct ws__redis *r);

/*
 * Have a command done by the deadline (0: never), which waits while the server
 * is away.  From any fiber or thread; those of one caller are done in its order.
 *
 * Returns 0, and *reply is the caller's to free: it may be an error, but none
 * that a new attempt mends (MOVED, ASK, TRYAGAIN, CLUSTERDOWN, READONLY, LOADING,
 * MASTERDOWN, BUSY, NOREPLICAS), for these are made here.  Or, with *err, a code:
 * WS_ERR_TIMEOUT; WS_ERR_DEAD, the connection broke before there was an answer;
 * WS_ERR_CANCELED after ws__redis_stop; WS_ERR_TOO_BIG for a command of more than
 * WS__REDIS_COMMAND_MAX bytes; -ENOMEM.  After a code *done (may be NULL) says
 * whether the command may have been done all the same: if not, it certainly was
 * not.
 */
int ws__redis_call(struct ws__redis *r, const struct ws__redis_command *c,
                   int64_t deadline, struct ws__redis_reply **reply, bool *done,
                   ws_error *err);

/* The same with a script: c's words are what follows "EVALSHA SHA": the number
 * of keys, the keys, the arguments.  A server that does not know it (any more) is
 * told its text. */
int ws__redis_eval(struct ws__redis *r, const struct ws__redis_script *s,
                   const struct ws__redis_command *c, int64_t deadline,
                   struct ws__redis_reply **reply, bool *done, ws_error *err);

/* Subscribe to a channel (in a cluster: to its shard's), or no longer.  Said twice
 * is said once.  Never waits; from any thread, and from the listener.  Returns 0
 * or -ENOMEM. */
int ws__redis_subscribe(struct ws__redis *r, struct ws__str channel);
void ws__redis_unsubscribe(struct ws__redis *r, struct ws__str channel);

/* Is it a cluster, so that publishing is SPUBLISH, and keys that belong together
 * need one hash tag? */
bool ws__redis_is_cluster(const struct ws__redis *r);

#endif
