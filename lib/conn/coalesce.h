/* SPDX-License-Identifier: MIT */

#ifndef WS_CONN_COALESCE_H
#define WS_CONN_COALESCE_H

#include "conn/conn.h"

/*
 * Small messages of the reading fiber that wait in the send buffer on purpose, so
 * that a burst of requests gets its answers in one packet.  The rule stands at
 * ws_flush in silverback/conn.h.
 *
 * Both with the outbox's lock held, and a send buffer.
 */

/* May a message of the caller, which is in the buffer, wait there? */
bool ws__coalesce_wanted(ws_conn *c);

/* It does.  The caller's fiber sends it before it waits anywhere, and has a
 * reference until then. */
void ws__coalesce(ws_conn *c);

#endif
