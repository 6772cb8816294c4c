/* SPDX-License-Identifier: MIT */

#include "conn/write_control.h"

#include "conn/extras.h"
#include "conn/message_lock.h"
#include "conn/outbox.h"
#include "conn/write_frame.h"
#include "proto/close.h"
#include "proto/frame.h"

static bool control_valid(ws_type type, const void *data, size_t len)
{
    int code;

    if (len > WS__CONTROL_MAX || (!data && len > 0))
        return false;
    if (type == WS_CLOSE)
        return !ws__close_decode(data, len, &code);
    return type == WS_PING || type == WS_PONG;
}

int ws__write_control(ws_conn *c, ws_type type, const void *data, size_t len,
                      int64_t deadline, bool refuses)
{
    if (!control_valid(type, data, len))
        return WS_ERR_INVALID;
    return ws__write_frame(c, &(struct ws__sending){ .opcode = (uint8_t)type,
                                                     .fin = true,
                                                     .refuses = refuses,
                                                     .data = data,
                                                     .len = len,
                                                     .deadline = deadline });
}

int ws_write_control(ws_conn *c, ws_type type, const void *data, size_t len,
                     int64_t deadline)
{
    return c ? ws__write_control(c, type, data, len, deadline, false)
             : WS_ERR_INVALID;
}

/* A message of others is let through first; one of the caller's own is broken
 * off. */
int ws__write_close_by(ws_conn *c, int code, const char *reason,
                       int64_t deadline)
{
    uint8_t payload[WS__CONTROL_MAX];

    if (!ws__close_sendable(code))
        return WS_ERR_INVALID;
    size_t n = ws__close_encode(payload, code, reason);
    if (atomic_load(&c->w.due) & WS__DUE_MESSAGES)
        (void)ws__outbox_flush(c, deadline); /* nothing can follow it */
    int locked = ws__message_lock(c, deadline);
    if (locked != 0 && locked != WS_ERR_BUSY)
        return locked;
    int error = ws_write_control(c, WS_CLOSE, payload, n, deadline);
    if (locked == 0)
        ws__message_unlock(c);
    return error;
}

int ws_write_close(ws_conn *c, int code, const char *reason)
{
    return c ? ws__write_close_by(c, code, reason, ws__write_deadline(c))
             : WS_ERR_INVALID;
}
