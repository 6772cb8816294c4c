/* SPDX-License-Identifier: MIT */

#ifndef WS_REDIS_NODE_H
#define WS_REDIS_NODE_H

#include <stdbool.h>

#include "redis/pipe.h"
#include "redis/subscription.h"

/* A server with its two connections, which run in two fibers. */
struct ws__redis_node {
    struct ws__redis_host host; /* where it is; "": whoever is found */
    struct ws__redis_pipe *pipe;
    struct ws__redis_subscription *subscription;
    ws_fiber *fibers[2]; /* NULL: not started */
};

/* find as in redis/session; NULL: host, which else may be NULL.  Returns NULL if
 * there is no memory. */
struct ws__redis_node *ws__redis_node_new(
    const struct ws__redis_way *way, const struct ws__redis_host *host,
    ws__redis_find find, void *arg, bool sharded,
    const struct ws__redis_listener *listener);

/* It is stopped, or was never started; NULL is fine. */
void ws__redis_node_free(struct ws__redis_node *n);

/* In the worker that it is to run in.  Returns 0 or -ENOMEM. */
int ws__redis_node_start(struct ws__redis_node *n);

/* Begin to stop it; and wait for its end. */
void ws__redis_node_stop(struct ws__redis_node *n);
void ws__redis_node_join(struct ws__redis_node *n);

/* Have both connect anew. */
void ws__redis_node_reset(struct ws__redis_node *n);

#endif
