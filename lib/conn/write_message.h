/* SPDX-License-Identifier: MIT */

#ifndef WS_CONN_WRITE_MESSAGE_H
#define WS_CONN_WRITE_MESSAGE_H

#include "conn/write_frame.h"

/* Has it data, or is it a control message? */
static inline bool ws__is_data(ws_type type)
{
    return type == WS_TEXT || type == WS_BINARY;
}

/* Send a whole message, as one frame, which may have to wait behind one in
 * pieces.  Returns what ws_write_message does. */
int ws__write_whole(ws_conn *c, struct ws__sending *s);

#endif
