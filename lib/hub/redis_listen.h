/* SPDX-License-Identifier: MIT */

#ifndef WS_HUB_REDIS_LISTEN_H
#define WS_HUB_REDIS_LISTEN_H

#include "hub/node.h"

/* What comes by channels: to the hub, or the log is to be looked at. */
struct ws__redis_listener ws__redis_listen(struct ws__node *n);

#endif
