/* SPDX-License-Identifier: MIT */

#ifndef TOOL_RELAY_H
#define TOOL_RELAY_H

#include <silverback.h>

/* Carry messages between two connections until either has ended, and tell the
 * other how.  peer: the number that goes with what is shown.  Both remain to be
 * closed. */
void relay(ws_conn *client, ws_conn *target, int64_t peer);

#endif
