/* SPDX-License-Identifier: MIT */

#ifndef WS_CONN_ERROR_H
#define WS_CONN_ERROR_H

#include "conn/conn.h"

/*
 * A connection's first final error, with words for it: from any thread.  Who
 * fails without a caller to tell records nothing: that is left to the next call
 * (see conn/write_error).
 */

/* Record it, if it is the first.  Returns code. */
int ws__conn_fail(ws_conn *c, int code, const char *fmt, ...) WS_PRINTF(3, 4);

/* The same for a close frame that has come; the words for it, which are seldom
 * read, are made when they are asked for.  Returns WS_ERR_CLOSED. */
int ws__conn_closed(ws_conn *c);

/* The same for an operation that the transport failed with code.  Returns code,
 * or WS_ERR_CANCELED if this side broke it. */
int ws__conn_transport_error(ws_conn *c, int code);

/* Copy the reason of the peer's close frame, of at most WS__REASON_MAX bytes,
 * before close_code is set.  Returns the copy. */
const char *ws__conn_keep_reason(ws_conn *c, const char *reason, size_t len);

#endif
