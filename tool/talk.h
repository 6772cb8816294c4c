/* SPDX-License-Identifier: MIT */

#ifndef TOOL_TALK_H
#define TOOL_TALK_H

#include "link.h"
#include "status.h"

/* Read a connection until it has ended, with what was given (-m, -f) sent
 * meanwhile; when the link's end is wished for, say goodbye and wait for the
 * answer.  It remains to be closed. */
enum status talk(struct link *l, ws_conn *c);

#endif
