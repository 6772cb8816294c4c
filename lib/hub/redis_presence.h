/* SPDX-License-Identifier: MIT */

#ifndef WS_HUB_REDIS_PRESENCE_H
#define WS_HUB_REDIS_PRESENCE_H

#include "hub/node.h"

/*
 * Who is present at which node.  A node says that it lives (PREFIXnodes, by when
 * it is to be thought dead), and for each topic how many connections it has and
 * which members, one a line, in a key of its own.  What nodes say that do not
 * live does not count.
 */

/* Say so, now and then and what changes soon, until the node stops.  Takes a
 * fiber each. */
void ws__redis_presence_live(struct ws__node *n);
void ws__redis_presence_run(struct ws__node *n);

/* This node ends: nobody has to wait until it is thought dead. */
void ws__redis_presence_end(struct ws__node *n);

/* Call fn with what the others said.  Returns 0 or a code, by the deadline. */
int ws__redis_presence_ask(struct ws__node *n, const char *topic,
                           int64_t deadline, ws__present_fn fn, void *arg);

#endif
