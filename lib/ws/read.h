/* SPDX-License-Identifier: MIT */

#ifndef WS_WS_READ_H
#define WS_WS_READ_H

#include "ws/conn.h"

/* Read the rest of a message, or a whole one, and drop it.  Returns what
 * ws_read_message does. */
int ws__read_skip(ws_conn *c);

#endif
