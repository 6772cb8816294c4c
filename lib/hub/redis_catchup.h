/* SPDX-License-Identifier: MIT */

#ifndef WS_HUB_REDIS_CATCHUP_H
#define WS_HUB_REDIS_CATCHUP_H

#include "hub/node.h"

/* Look at the logs that are due, each until the hub has all that is in it.  Runs
 * in fibers that it starts, until the node stops; returns then. */
void ws__redis_catchup_run(struct ws__node *n);

#endif
