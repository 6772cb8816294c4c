/* SPDX-License-Identifier: MIT */

#ifndef WS_HUB_REDIS_DIRECTORY_H
#define WS_HUB_REDIS_DIRECTORY_H

#include "hub/node.h"

/*
 * Which topics there are, for those who have joined by a prefix: PREFIXtopics, a
 * sorted set of them and a channel of what is new.  A node announces a topic before
 * it first publishes to it, and now and then while it is used; one that has
 * prefixes wants all topics that begin so: from now on those that were there when
 * the prefix came, from their beginning those that come later.
 */

/* A prefix that this node's hub wants. */
struct ws__redis_prefix {
    struct ws__redis_prefix *next;
    uint64_t number; /* of all that were ever wanted */
    bool settled;    /* the topics that there were are known */
    size_t len;
    char name[];
};

/* Returns 0 or -ENOMEM.  Neither waits. */
int ws__redis_directory_want(struct ws__node *n, const char *prefix);
void ws__redis_directory_unwant(struct ws__node *n, const char *prefix);

/* Say that a topic is there, by the deadline.  Returns 0 or a code. */
int ws__redis_directory_announce(struct ws__node *n, struct ws__redis_topic *t,
                                 int64_t deadline);

/* What comes by its channel; and that it is subscribed. */
bool ws__redis_directory_is_at(const struct ws__node *n,
                               struct ws__str channel);
void ws__redis_directory_heard(struct ws__node *n, struct ws__str topic);
void ws__redis_directory_subscribed(struct ws__node *n);

/* Look which topics there are when that is due, and announce those that are, until
 * the node stops.  Takes a fiber each. */
void ws__redis_directory_run(struct ws__node *n);
void ws__redis_directory_announce_run(struct ws__node *n);

/* Of a node that is no more. */
void ws__redis_directory_fini(struct ws__node *n);

#endif
