/* SPDX-License-Identifier: MIT */

#ifndef WS_HUB_REDIS_SWEEP_H
#define WS_HUB_REDIS_SWEEP_H

#include "hub/node.h"

/* Now and then, until the node stops: have logs looked at that nothing came of
 * for a while (which also keeps Redis from forgetting them), unsubscribe from
 * what nobody wants any more, and then forget it. */
void ws__redis_sweep_run(struct ws__node *n);

#endif
