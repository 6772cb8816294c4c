/* SPDX-License-Identifier: MIT */

#ifndef TOOL_TUNNEL_H
#define TOOL_TUNNEL_H

#include <stdbool.h>

#include <silverback.h>

/* Carry what a WebSocket says to a stream of bytes, and back in binary messages,
 * until either has ended; what the other says then still goes.  Takes fd. */
void tunnel(ws_conn *c, int fd);

#endif
