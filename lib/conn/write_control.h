/* SPDX-License-Identifier: MIT */

#ifndef WS_CONN_WRITE_CONTROL_H
#define WS_CONN_WRITE_CONTROL_H

#include "conn/conn.h"

/* ws_write_control; refuses: rather than to wait, as ws_try_write_message does. */
int ws__write_control(ws_conn *c, ws_type type, const void *data, size_t len,
                      int64_t deadline, bool refuses);

/* ws_write_close with a deadline of its own. */
int ws__write_close_by(ws_conn *c, int code, const char *reason,
                       int64_t deadline);

#endif
