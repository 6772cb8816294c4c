/* SPDX-License-Identifier: MIT */

#include "conn/send.h"

#include <errno.h>
#include <limits.h>

#include "conn/extras.h"
#include "conn/sendbuf.h"
#include "conn/write_error.h"
#include "fiber/budget.h"
#include "fiber/park.h"

enum { LATE_MAX = 3 };

/* What waits in it on purpose, if anything, is about to be sent. */
static void coalescing_over(ws_conn *c)
{
    struct ws__sendbuf *o = c->w.sendbuf;

    if (!o || o->coalesced == 0)
        return;
    o->coalesced = 0;
    c->w.late = ws__sendbuf_is_late(o) ? (uint8_t)(c->w.late + 1) : 0;
    if (c->w.late >= LATE_MAX)
        ws__switch_on(c, WS__COALESCES, false);
}

/* Send once.  Returns 0, -EAGAIN or the transport's error. */
static int send_some(ws_conn *c, struct iovec *tail)
{
    struct ws__buf *out = &c->w.sendbuf->buf;
    size_t used = ws__buf_used(out);
    struct iovec v[] = { { .iov_base = out->pos, .iov_len = used }, *tail };
    ssize_t n =
        used > 0 ? ws__stream_writev(&c->stream, v, tail->iov_len > 0 ? 2 : 1)
                 : ws__stream_writev(&c->stream, tail, 1);

    if (n < 0)
        return (int)n;
    size_t sent = (size_t)n, first = sent < used ? sent : used;
    out->pos += first;
    if (sent > first) { /* there may be no tail */
        tail->iov_base = (char *)tail->iov_base + (sent - first);
        tail->iov_len -= sent - first;
    }
    return 0;
}

int ws__send_try(ws_conn *c)
{
    struct iovec none = { 0 };
    int error = atomic_load(&c->w.error);

    if (error != 0) {
        ws__sendbuf_give_back(c);
        return error;
    }
    coalescing_over(c);
    while (error == 0 && ws__sendbuf_pending(c) > 0)
        error = send_some(c, &none);
    return error == -EAGAIN ? error : ws__write_settle_untold(c, error);
}

static unsigned countable(size_t n)
{
    return n < UINT_MAX ? (unsigned)n : UINT_MAX;
}

/* With the lock held: so what the caller has promised to send of other
 * connections' is put off (see the end of conn/outbox.h). */
static int wait_for_room(ws_conn *c, int64_t deadline, size_t tail)
{
    struct ws__before *due = ws__before_park_put_off();
    int error = WS_ERR_CANCELED;

    atomic_store_explicit(&c->w.stuck, countable(ws__sendbuf_pending(c) + tail),
                          memory_order_relaxed);
    if (ws__wait_begins(c, &c->w.waiting))
        error = ws__stream_wait_progress(&c->stream, deadline,
                                         ws__extras(c)->write_timeout_ms);
    ws__wait_ends(&c->w.waiting);
    atomic_store_explicit(&c->w.stuck, 0, memory_order_relaxed);
    ws__before_park_take_up(due);
    return error;
}

void ws__send_take_turns(void)
{
    struct ws__before *due = ws__before_park_put_off();

    ws__take_turns();
    ws__before_park_take_up(due);
}

int ws__send_pending(ws_conn *c, int64_t deadline)
{
    struct iovec none = { 0 };
    int error = 0;

    coalescing_over(c);
    while (error == 0 && ws__sendbuf_pending(c) > 0) {
        error = send_some(c, &none);
        if (error == -EAGAIN)
            error = wait_for_room(c, deadline, 0);
    }
    return error;
}

/* None of a message of mark bytes was sent, nor is held by TLS: it is gone. */
static bool send_take_back(ws_conn *c, size_t mark)
{
    struct ws__buf *out = &c->w.sendbuf->buf;

    if (mark == 0 || ws__buf_used(out) < mark + c->stream.taken)
        return false;
    out->last -= mark;
    return true;
}

/* TLS gives nothing back, so it gets no message before there is room for some of
 * it. */
static bool must_have_room(const ws_conn *c, size_t mark)
{
    return c->stream.transport->ops->holds && mark > 0;
}

int ws__send_or_leave(ws_conn *c, size_t mark)
{
    struct iovec none = { 0 };
    int error = 0;

    coalescing_over(c);
    if (must_have_room(c, mark) && !ws__stream_has_room(&c->stream))
        error = -EAGAIN;
    while (error == 0 && ws__sendbuf_pending(c) > 0)
        error = send_some(c, &none);
    if (error != -EAGAIN)
        return error;
    return send_take_back(c, mark) ? WS_ERR_TIMEOUT : 0;
}

int ws__send_with(ws_conn *c, int64_t deadline, size_t mark, struct iovec *tail)
{
    struct ws__buf *out = &c->w.sendbuf->buf;
    int error = 0;

    coalescing_over(c);
    if (must_have_room(c, mark) && deadline != 0 &&
        !ws__stream_has_room(&c->stream))
        error = wait_for_room(c, deadline, tail->iov_len);
    while (error == 0 && (ws__buf_used(out) > 0 || tail->iov_len > 0)) {
        error = send_some(c, tail);
        if (error == -EAGAIN)
            error = wait_for_room(c, deadline, tail->iov_len);
        else if (tail->iov_len > 0)
            ws__send_take_turns(); /* the peer may always have room for more */
    }
    if (error == WS_ERR_TIMEOUT && !send_take_back(c, mark))
        error = WS_ERR_DEAD;
    return error;
}
