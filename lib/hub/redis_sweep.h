/* SPDX-License-Identifier: MIT */

#ifndef WS_HUB_REDIS_SWEEP_H
#define WS_HUB_REDIS_SWEEP_H

#include <stdatomic.h>

#include "hub/node.h"

/* Now and then, until the node stops: have logs looked at that nothing came of
 * for a while (which also keeps Redis from forgetting them), unsubscribe from
 * what nobody wants any more, and then forget it. */
void ws__redis_sweep_run(struct ws__node *n);

/* For tests.  How often that is, and how long what nobody wants stays, twice; in
 * ms. */
extern atomic_int ws__redis_sweep_ms;
extern atomic_int ws__redis_linger_ms;

#endif
