/* SPDX-License-Identifier: MIT */

#ifndef WS_CONN_ENQUEUE_H
#define WS_CONN_ENQUEUE_H

#include "conn/outqueue.h"

/* Messages were put into c's queue: have its bounds kept, and see to it that what
 * there is goes, by the caller itself if at_once.  Never waits.  Returns 0, or
 * WS_ERR_SLOW if c was cut. */
int ws__enqueue_settle(ws_conn *c, bool at_once, struct ws__outqueue_counts *n);

/* Cut c, which has a queue, with 1013 and the reason: as a full queue does. */
void ws__enqueue_cut(ws_conn *c, const char *reason,
                     struct ws__outqueue_counts *n);

#endif
