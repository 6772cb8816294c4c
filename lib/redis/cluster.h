/* SPDX-License-Identifier: MIT */

#ifndef WS_REDIS_CLUSTER_H
#define WS_REDIS_CLUSTER_H

#include <stdbool.h>

#include "redis/listener.h"
#include "redis/node.h"
#include "redis/url.h"

/*
 * A cluster: which of its masters has a slot, and a node for each of them.  The
 * map is read (CLUSTER SLOTS) at the beginning, and again when a node says that a
 * slot has moved, or cannot be reached.
 */
struct ws__redis_cluster;

/* All that is handed in stays as long as the cluster.  NULL: there is no
 * memory. */
struct ws__redis_cluster *ws__redis_cluster_new(
    const struct ws__redis_way *way, const struct ws__redis_url *url,
    const struct ws__redis_listener *listener);

/* Nobody may be using it, nor run it; NULL is fine. */
void ws__redis_cluster_free(struct ws__redis_cluster *cl);

/* As ws__redis_run and ws__redis_stop. */
void ws__redis_cluster_run(struct ws__redis_cluster *cl);
void ws__redis_cluster_stop(struct ws__redis_cluster *cl);

/* ---- From any thread ---------------------------------------------------- */

/* Who has key; of an empty one, or when nobody is known to have it, whoever may
 * know.  A node stays as long as the cluster. */
struct ws__redis_node *ws__redis_cluster_node(struct ws__redis_cluster *cl,
                                              struct ws__str key);

/* A node has answered MOVED: others know it from now on; or ASK: *asked is the node
 * to be asked now, this time.  Returns false for another answer. */
bool ws__redis_cluster_redirected(struct ws__redis_cluster *cl,
                                  const struct ws__redis_node *from,
                                  const struct ws__redis_reply *reply,
                                  struct ws__redis_node **asked);

/* As ws__redis_subscribe and ws__redis_unsubscribe. */
int ws__redis_cluster_subscribe(struct ws__redis_cluster *cl,
                                struct ws__str channel);
void ws__redis_cluster_unsubscribe(struct ws__redis_cluster *cl,
                                   struct ws__str channel);

#endif
