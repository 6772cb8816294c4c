/* SPDX-License-Identifier: MIT */

#include "conn/write_message.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "conn/compressor.h"
#include "conn/extras.h"
#include "conn/message_lock.h"
#include "conn/outbox.h"
#include "conn/pools.h"
#include "conn/write_control.h"
#include "conn/write_pieces.h"

enum { PASSED = 1 }; /* a deadline */

static int send_compressed(ws_conn *c, struct ws__sending *s)
{
    struct ws__pool *pool = &ws__pools_here()->large;
    struct ws__deflate *d = ws__compressor_get(c);
    struct ws__buf out = { 0 };
    int error = d ? ws__buf_lend(&out, pool) : -ENOMEM;

    if (error == 0)
        error = ws__compressor_run(
            (struct ws__compression){ .d = d,
                                      .data = s->data,
                                      .len = s->len,
                                      .flush = WS__LAST,
                                      .alone = !ws__compressor_keeps(c),
                                      .out = &out });
    ws__compressor_put(c, d); /* others need it while this one waits */
    if (error == 0) {
        s->rsv1 = s->compressed = true;
        s->plain = s->len;
        s->data = out.pos;
        s->len = ws__buf_used(&out);
        error = ws__write_frame(c, s);
    }
    /* What the peer has not seen must not be looked back at. */
    struct ws__deflate *kept = ws__extras(c)->deflate_kept;
    if (error != 0 && kept)
        ws__deflate_reset(kept);
    ws__buf_release(&out, pool);
    return error;
}

/* With the message lock: behind a message in pieces, or compressed with what
 * went before. */
static int write_in_turn(ws_conn *c, struct ws__sending *s, bool compressed)
{
    int error = ws__message_lock(c, s->deadline);

    if (error != 0)
        return error;
    error = compressed ? send_compressed(c, s) : ws__write_frame(c, s);
    ws__message_unlock(c);
    return error;
}

int ws__write_whole(ws_conn *c, struct ws__sending *s)
{
    s->whole = true;
    int error = ws__write_frame(c, s);
    s->whole = false;
    return error == WS_ERR_BUSY ? write_in_turn(c, s, false) : error;
}

static int write_message(ws_conn *c, ws_type type, const void *data, size_t len,
                         int64_t deadline, bool refuses)
{
    if (!data && len > 0)
        return WS_ERR_INVALID;
    if (!ws__is_data(type))
        return ws__write_control(c, type, data, len, deadline, refuses);

    struct ws__sending s = { .opcode = (uint8_t)type,
                             .fin = true,
                             .may_coalesce = true,
                             .refuses = refuses,
                             .data = data,
                             .len = len,
                             .deadline = deadline };
    return ws__compressor_wanted(c) ? write_in_turn(c, &s, true)
                                    : ws__write_whole(c, &s);
}

int ws_write_message(ws_conn *c, ws_type type, const void *data, size_t len)
{
    return c ? write_message(c, type, data, len, ws__write_deadline(c), false)
             : WS_ERR_INVALID;
}

int ws_write_message_by(ws_conn *c, ws_type type, const void *data, size_t len,
                        int64_t deadline)
{
    return c ? write_message(c, type, data, len, deadline, false)
             : WS_ERR_INVALID;
}

int ws_try_write_message(ws_conn *c, ws_type type, const void *data, size_t len)
{
    return c ? write_message(c, type, data, len, PASSED, true) : WS_ERR_INVALID;
}

int ws_write_text(ws_conn *c, const char *text)
{
    if (!text)
        return WS_ERR_INVALID;
    return ws_write_message(c, WS_TEXT, text, strlen(text));
}

int ws_writef(ws_conn *c, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    int error = ws_vwritef(c, fmt, ap);
    va_end(ap);
    return error;
}

int ws_vwritef(ws_conn *c, const char *fmt, va_list ap)
{
    char small[512];
    va_list again;

    if (!c || !fmt)
        return WS_ERR_INVALID;
    va_copy(again, ap);
    int n = vsnprintf(small, sizeof(small), fmt, again);
    va_end(again);
    if (n < 0)
        return WS_ERR_INVALID;
    if ((size_t)n < sizeof(small))
        return ws_write_message(c, WS_TEXT, small, (size_t)n);

    char *large = ws__alloc((size_t)n + 1);
    if (!large)
        return -ENOMEM;
    (void)vsnprintf(large, (size_t)n + 1, fmt, ap);
    int error = ws_write_message(c, WS_TEXT, large, (size_t)n);
    ws_free(large);
    return error;
}

int ws_flush(ws_conn *c)
{
    if (!c)
        return WS_ERR_INVALID;
    int error = ws__write_pieces_flush(c);
    return error == 0 ? ws__outbox_flush(c, ws__write_deadline(c)) : error;
}
