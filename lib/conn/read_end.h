/* SPDX-License-Identifier: MIT */

#ifndef WS_CONN_READ_END_H
#define WS_CONN_READ_END_H

#include <sys/types.h>

#include "conn/conn.h"

/* What ends reading, for good: for the reading fiber. */

/* Nothing more will be read, and if no close frame has come, none will.  What has
 * come of a message goes.  Returns error, and so does every later read. */
int ws__read_end(ws_conn *c, int error);

/* The same for what a read of the transport returned, or a wait: 0 is the end of
 * the stream, or of what is to be read after a write that has failed
 * (conn/write_error).  It is the connection's error, too. */
int ws__read_transport_failed(ws_conn *c, ssize_t code);

#endif
