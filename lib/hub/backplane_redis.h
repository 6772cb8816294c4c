/* SPDX-License-Identifier: MIT */

#ifndef WS_HUB_BACKPLANE_REDIS_H
#define WS_HUB_BACKPLANE_REDIS_H

#include "hub/backplane.h"

/* Connect h, by o (none of its fields is 0), with others over the Redis of
 * o->redis.  Both stay as long as it does.  NULL: *err says why; that there is no
 * Redis to be reached is no reason. */
struct ws__backplane *ws__backplane_redis_new(ws_hub *h,
                                              const ws_hub_options *o,
                                              ws_error *err);

#endif
