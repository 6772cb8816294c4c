/* SPDX-License-Identifier: MIT */

#ifndef WS_CONN_WRITE_FRAME_H
#define WS_CONN_WRITE_FRAME_H

#include "conn/conn.h"

/* A frame to be sent.  may_coalesce: it may wait in the
 * buffer (conn/coalesce). */
struct ws__sending {
    uint8_t opcode;
    bool fin;
    bool rsv1;
    bool may_coalesce;
    bool whole;   /* a message; the message lock is not held */
    bool refuses; /* rather than to wait: see ws_try_write_message */
    const void *data;
    size_t framed; /* bytes before data: its header, as servers send it */
    size_t len;
    int64_t deadline;
    bool compressed; /* part of a compressed message; */
    size_t plain;    /* the bytes of the program's that it stands for then */
};

/* Send one frame, between others' frames.  Returns what ws_write_message does;
 * WS_ERR_BUSY for a whole message while one in pieces is under way. */
int ws__write_frame(ws_conn *c, const struct ws__sending *s);

#endif
