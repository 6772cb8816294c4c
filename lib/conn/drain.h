/* SPDX-License-Identifier: MIT */

#ifndef WS_CONN_DRAIN_H
#define WS_CONN_DRAIN_H

#include "conn/conn.h"

/* From the outqueue into the send buffer: with the outbox's lock held, and not
 * while a message in pieces is under way (the rules stand in conn/outbox). */

/* Send what there is without waiting, behind what is in the buffer, until a
 * control frame is to go.  Returns whether some is left for want of room. */
bool ws__drain_send(ws_conn *c);

/* Move what there is room for, to be sent by the caller.  Returns 0 or what ends
 * sending. */
int ws__drain_move(ws_conn *c);

#endif
