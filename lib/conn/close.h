/* SPDX-License-Identifier: MIT */

#ifndef WS_CONN_CLOSE_H
#define WS_CONN_CLOSE_H

#include "conn/conn.h"

/*
 * A connection that is not its owner's to close, but the library's: the owner has
 * left it to ws_on_message, or it is that of a route's socket or of a ws_redial.
 * ws_close is a mistake from then on: it is logged, once, and noted, and does not
 * free what is in use.  From any thread; a close by another one than the reading
 * fiber, which the caller of keep is, or within a handler of control frames, shuts
 * the connection down, so that who keeps it wakes.  keep returns false if it was
 * closed already.
 */
bool ws__close_keep(ws_conn *c);
bool ws__close_was_asked(const ws_conn *c);

/* ws_close, by who keeps it. */
void ws__close_kept(ws_conn *c);

#endif
