/* SPDX-License-Identifier: MIT */

#ifndef WS_CONN_TURN_H
#define WS_CONN_TURN_H

#include "conn/conn.h"

/*
 * The turn to write a message of several frames, or one that is compressed with
 * what went before.  Control frames need none, and a message of one frame that
 * is not compressed needs none while nobody is the author of one in pieces (see
 * conn/message_lock).
 *
 * Who waits for it is queued under the address of the connection's end, so that
 * the end wakes all of them (rule 5 of conn/outbox).
 *
 * For connections with extras of their own.  take returns 0, WS_ERR_TIMEOUT, or
 * WS_ERR_CANCELED when the connection ends meanwhile.
 */
bool ws__turn_try(ws_conn *c);
int ws__turn_take(ws_conn *c, int64_t deadline);
void ws__turn_give(ws_conn *c);

#endif
