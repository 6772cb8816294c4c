/* SPDX-License-Identifier: MIT */

#ifndef WS_CONN_WRITE_PIECES_H
#define WS_CONN_WRITE_PIECES_H

#include "conn/conn.h"

/* Send what the caller's message in pieces has so far; 0 if there is none. */
int ws__write_pieces_flush(ws_conn *c);

#endif
