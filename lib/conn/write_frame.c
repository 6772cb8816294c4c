/* SPDX-License-Identifier: MIT */

#include "conn/write_frame.h"

#include <errno.h>

#include "conn/coalesce.h"
#include "conn/control_queue.h"
#include "conn/count.h"
#include "conn/extras.h"
#include "conn/message_lock.h"
#include "conn/outbox.h"
#include "conn/pools.h"
#include "conn/send.h"
#include "conn/sendbuf.h"
#include "conn/write_error.h"
#include "fiber/budget.h"
#include "proto/mask.h"

/* The header that data already has is a server's: a client's has a key. */
static void append_header_of(ws_conn *c, const struct ws__sending *s,
                             const struct ws__frame *f)
{
    if (s->framed > 0 && !c->client)
        ws__buf_append(&c->w.sendbuf->buf, (const uint8_t *)s->data - s->framed,
                       s->framed);
    else
        ws__sendbuf_header(&c->w.sendbuf->buf, f);
}

/* A server's payload is sent from where it is. */
static int frame_send_large(ws_conn *c, const struct ws__sending *s,
                            size_t mark)
{
    struct iovec tail = { .iov_base = (void *)s->data, .iov_len = s->len };

    return ws__send_with(c, s->deadline, mark, &tail);
}

/* A client's is masked in a copy, a piece at a time. */
static int frame_send_masked(ws_conn *c, const struct ws__sending *s,
                             const struct ws__frame *f, size_t mark)
{
    struct ws__buf copy = { 0 };
    int error = ws__buf_lend(&copy, &ws__pools_here()->large);

    for (size_t at = 0, n; error == 0 && at < s->len; at += n) {
        size_t room = ws__buf_size(&copy), left = s->len - at;
        struct iovec tail = { .iov_base = copy.begin };

        n = tail.iov_len = left < room ? left : room;
        ws__mask_copy(copy.begin, (const uint8_t *)s->data + at, n, f->key, at);
        error = ws__send_with(c, s->deadline, at == 0 ? mark : 0, &tail);
        ws__send_take_turns();
    }
    ws__buf_release(&copy, &ws__pools_here()->large);
    return error;
}

/* Half of the reserve is left for control frames to come. */
static bool frame_fits(const struct ws__buf *out, size_t len)
{
    return len + WS__FRAME_HEADER_MAX + WS__WRITE_RESERVE / 2 <=
           ws__buf_room(out);
}

static void begin_anew_if_empty(struct ws__buf *out)
{
    if (ws__buf_used(out) == 0)
        out->pos = out->last = out->begin;
}

/* Room for control frames and a header, and for the message if it is small. */
static int clear_the_way(ws_conn *c, const struct ws__sending *s)
{
    struct ws__buf *out = &c->w.sendbuf->buf;
    bool small = s->len <= ws__extras(c)->write_buffer_size;
    int error = 0;

    if (ws__buf_used(out) > 0 && !frame_fits(out, small ? s->len : 0))
        error = ws__send_pending(c, s->deadline);
    begin_anew_if_empty(out);
    return error;
}

/* The same without waiting, and for all of the message: what the transport does
 * not take can be left there. */
static int clear_at_once(ws_conn *c, const struct ws__sending *s)
{
    struct ws__buf *out = &c->w.sendbuf->buf;
    int error = 0;

    if (ws__buf_used(out) > 0)
        error = ws__send_or_leave(c, 0);
    begin_anew_if_empty(out);
    if (error != 0 || frame_fits(out, s->len))
        return error;
    return ws__buf_used(out) > 0
               ? WS_ERR_TIMEOUT
               : ws__sendbuf_grow(c, s->len + WS__FRAME_HEADER_MAX +
                                         WS__WRITE_RESERVE);
}

/* A buffer with room for it, and in that what goes ahead of it. */
static int frame_make_way(ws_conn *c, const struct ws__sending *s)
{
    int error = ws__sendbuf_borrow(c);

    if (error != 0)
        return s->refuses ? error : ws__write_settle(c, error);
    begin_anew_if_empty(&c->w.sendbuf->buf);
    bool fits = frame_fits(&c->w.sendbuf->buf, s->len);
    if (fits && !ws__control_queue_is_due(c))
        return 0;
    if (!fits)
        error = s->refuses ? clear_at_once(c, s) : clear_the_way(c, s);
    if (error == -ENOMEM && s->refuses)
        return error;
    if (error != 0)
        return ws__write_settle(c, error);
    ws__control_queue_append(c);
    return ws__write_check(c);
}

static int send_frame(ws_conn *c, const struct ws__sending *s)
{
    struct ws__frame f = {
        .opcode = s->opcode, .fin = s->fin, .rsv1 = s->rsv1, .len = s->len
    };
    struct iovec none = { 0 };
    int error = frame_make_way(c, s);

    if (error == 0)
        error = ws__sendbuf_make_header(c, &f);
    if (error != 0)
        return error;

    struct ws__buf *out = &c->w.sendbuf->buf;
    uint8_t *start = out->last;
    append_header_of(c, s, &f);
    if (!frame_fits(out, s->len)) {
        size_t mark = (size_t)(out->last - start);
        return ws__write_settle(c, c->client ? frame_send_masked(c, s, &f, mark)
                                             : frame_send_large(c, s, mark));
    }
    ws__sendbuf_payload(out, &f, s->data);
    if (s->may_coalesce && ws__coalesce_wanted(c)) {
        ws__coalesce(c);
        return 0;
    }
    size_t mark = (size_t)(out->last - start);
    return ws__write_settle(
        c, s->refuses ? ws__send_or_leave(c, mark)
                      : ws__send_with(c, s->deadline, mark, &none));
}

static void count_frame(const ws_conn *c, const struct ws__sending *s)
{
    if ((s->opcode & WS__CONTROL_BIT) == 0) {
        ws__count_message(c, WS_COUNT_BYTES_OUT,
                          s->compressed ? s->plain : s->len,
                          WS_COUNT_MESSAGES_OUT, s->fin);
        if (s->compressed)
            ws__count(c, WS_COUNT_COMPRESSED_OUT, s->len);
    } else if (s->opcode != WS_CLOSE) {
        ws__count(
            c, s->opcode == WS_PING ? WS_COUNT_PINGS_OUT : WS_COUNT_PONGS_OUT,
            1);
    }
}

static void frame_failed(ws_conn *c, const struct ws__sending *s, int error)
{
    if (error == WS_ERR_TIMEOUT && !s->refuses)
        ws__count(c, WS_COUNT_TIMEOUTS, 1);
    ws__write_tell(c);
}

/* What has ended is not waited for. */
static int frame_lock(ws_conn *c, int64_t deadline)
{
    if (ws__trylock(&c->w.lock))
        return 0;
    int error = ws__write_check(c);
    return error == 0 ? ws__outbox_lock(c, deadline) : error;
}

int ws__write_frame(ws_conn *c, const struct ws__sending *s)
{
    int error = frame_lock(c, s->deadline);

    if (error != 0)
        return error;
    error = s->whole && ws__message_has_author(c) ? WS_ERR_BUSY
                                                  : ws__write_check(c);
    if (error == 0)
        error = send_frame(c, s);
    if (error == 0 && s->opcode == WS_CLOSE)
        ws__close_is_sent(c);
    bool waits = c->w.sendbuf && c->w.sendbuf->coalesced > 0;
    ws__outbox_unlock(c);
    if (error == 0)
        count_frame(c, s);
    else
        frame_failed(c, s, error);
    if (!waits) /* the peer may always have room for more */
        ws__spend_message();
    return error;
}
