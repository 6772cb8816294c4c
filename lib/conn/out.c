/* SPDX-License-Identifier: MIT */

/*
 * The buffer that all frames pass through, so that what waits to be sent
 * (answers, small messages held back, the rest of a frame) goes ahead of what
 * comes, in one send.
 */

#include "conn/out.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/poison.h"
#include "conn/outbox.h"
#include "fiber/budget.h"
#include "fiber/stopwatch.h"
#include "io/random.h"
#include "proto/mask.h"

enum {
    LATE_US = 100,
    LATE_MAX = 3,
};

/* ---- Borrowing --------------------------------------------------------- */

/* Has the connection a pool or a size of its own? */
static bool is_unusual(const struct ws__extras *x)
{
    return x->write_buffer_pool || x->write_buffer_size != WS__WRITE_BUFFER;
}

static int own_buffer(const struct ws__extras *x, struct ws__buf *b)
{
    const ws_buffer_pool *pool = x->write_buffer_pool;
    size_t size = x->write_buffer_size + WS__WRITE_RESERVE;

    if (size < WS__WRITE_RESERVE) /* more than there can be */
        return -ENOMEM;
    b->begin = pool ? pool->get(size, pool->arg) : ws__alloc(size);
    if (!b->begin)
        return -ENOMEM;
    b->pos = b->last = b->begin;
    b->end = b->begin + size;
    return 0;
}

static void give_back_own(const struct ws__extras *x, struct ws__buf *b)
{
    const ws_buffer_pool *pool = x->write_buffer_pool;

    if (pool && b->begin)
        pool->put(b->begin, ws__buf_size(b), pool->arg);
    else
        ws_free(b->begin);
    *b = (struct ws__buf){ 0 };
}

/* One of the pool may have its buffer already, but not if it is the wrong
 * one. */
static int borrow_out(ws_conn *c)
{
    const struct ws__extras *x = ws__extras(c);
    struct ws__pools *p = ws__pools_here();
    struct ws__outgoing *o = ws__pool_get(&p->outgoing);
    int error = 0;

    if (!o)
        return -ENOMEM;
    if (o->buf.begin)
        ws__unpoison(o->buf.begin, ws__buf_size(&o->buf));
    if (is_unusual(x)) {
        ws__buf_release(&o->buf, &p->write);
        error = own_buffer(x, &o->buf);
    } else if (!o->buf.begin) {
        error = ws__buf_lend(&o->buf, &p->write);
    }
    if (error == 0)
        c->w.out = o;
    else
        ws__pool_put(&p->outgoing, o);
    return error;
}

int ws__out_have(ws_conn *c)
{
    return c->w.out ? 0 : borrow_out(c);
}

void ws__out_give_back(ws_conn *c)
{
    struct ws__outgoing *o = c->w.out;

    if (!o)
        return;
    if (o->buf.lent) {
        o->buf.pos = o->buf.last = o->buf.begin;
        ws__poison(o->buf.begin, ws__buf_size(&o->buf));
    } else {
        give_back_own(ws__extras(c), &o->buf);
    }
    o->held = 0;
    ws__pool_put(&ws__pools_here()->outgoing, o);
    c->w.out = NULL;
}

/* ---- Frames ------------------------------------------------------------- */

int ws__out_make_header(ws_conn *c, struct ws__frame *f)
{
    f->masked = c->client;
    return f->masked ? ws__random(f->key, sizeof(f->key)) : 0;
}

void ws__out_header(struct ws__buf *out, const struct ws__frame *f)
{
    out->last += ws__frame_encode(f, out->last);
}

void ws__out_payload(struct ws__buf *out, const struct ws__frame *f,
                     const void *data)
{
    size_t n = (size_t)f->len;

    ws__buf_append(out, data, n);
    if (f->masked)
        ws__mask(out->last - n, n, f->key, 0);
}

/* ---- Held back ---------------------------------------------------------- */

bool ws__out_is_late(const struct ws__outgoing *o)
{
    return ws__ticks() - o->held_since > LATE_US * ws__ticks_per_us();
}

/* What was held back, if anything, is about to be sent. */
static void hold_over(ws_conn *c)
{
    struct ws__outgoing *o = c->w.out;

    if (!o || o->held == 0)
        return;
    o->held = 0;
    c->w.late = ws__out_is_late(o) ? (uint8_t)(c->w.late + 1) : 0;
    if (c->w.late >= LATE_MAX)
        atomic_store(&c->w.coalesce, false);
}

/* ---- Sending ------------------------------------------------------------ */

static int fail(ws_conn *c, int code)
{
    atomic_store(&c->w.error, code);
    ws__out_give_back(c);
    return code;
}

/* Send once.  Returns 0, -EAGAIN or the transport's error. */
static int send_some(ws_conn *c, struct iovec *tail)
{
    struct ws__buf *out = &c->w.out->buf;
    size_t used = ws__buf_used(out);
    struct iovec v[] = { { .iov_base = out->pos, .iov_len = used }, *tail };
    ssize_t n = used > 0 ? c->stream.ops->writev(&c->stream, v,
                                                 tail->iov_len > 0 ? 2 : 1)
                         : c->stream.ops->writev(&c->stream, tail, 1);

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

int ws__out_try(ws_conn *c)
{
    struct iovec none = { 0 };
    int error = atomic_load(&c->w.error);

    if (error != 0) {
        ws__out_give_back(c);
        return error;
    }
    hold_over(c);
    while (error == 0 && ws__out_pending(c) > 0)
        error = send_some(c, &none);
    return error == -EAGAIN ? error : ws__out_settle(c, error);
}

/* Others' answers that the caller holds back must not have this lock wait for
 * them. */
static int wait_for_room(ws_conn *c, int64_t deadline)
{
    struct ws__before *due = ws__before_park_put_off();
    int error = WS_ERR_CANCELED;

    if (ws__wait_begins(c, &c->w.waiting))
        error = ws__stream_wait_progress(&c->stream, deadline,
                                         ws__extras(c)->write_timeout_ms);
    ws__wait_ends(&c->w.waiting);
    ws__before_park_take_up(due);
    return error;
}

void ws__out_take_turns(void)
{
    struct ws__before *due = ws__before_park_put_off();

    ws__take_turns();
    ws__before_park_take_up(due);
}

int ws__out_send(ws_conn *c, int64_t deadline)
{
    struct iovec none = { 0 };
    int error = 0;

    hold_over(c);
    while (error == 0 && ws__out_pending(c) > 0) {
        error = send_some(c, &none);
        if (error == -EAGAIN)
            error = wait_for_room(c, deadline);
    }
    return error;
}

/* TLS gives nothing back, so it gets no message before there is room for some of
 * it. */
int ws__out_send_with(ws_conn *c, int64_t deadline, size_t mark,
                      struct iovec *tail)
{
    struct ws__buf *out = &c->w.out->buf;
    int error = 0;

    hold_over(c);
    if (c->stream.ops->holds && mark > 0 && deadline != 0 &&
        !ws__stream_has_room(&c->stream))
        error = wait_for_room(c, deadline);
    while (error == 0 && (ws__buf_used(out) > 0 || tail->iov_len > 0)) {
        error = send_some(c, tail);
        if (error == -EAGAIN)
            error = wait_for_room(c, deadline);
        else if (tail->iov_len > 0)
            ws__out_take_turns(); /* the peer may always have room for more */
    }
    if (error == WS_ERR_TIMEOUT && mark > 0 &&
        ws__buf_used(out) >= mark + c->stream.taken)
        out->last -= mark;
    else if (error == WS_ERR_TIMEOUT)
        error = WS_ERR_DEAD;
    return error;
}

int ws__out_settle(ws_conn *c, int error)
{
    if (error == 0 || error == WS_ERR_TIMEOUT)
        return error;
    if (error != WS_ERR_DEAD && ws__conn_ended(c))
        error = WS_ERR_CANCELED;
    return fail(c, error);
}

void ws__out_tell(ws_conn *c)
{
    int code = atomic_load(&c->w.error);

    if (code == WS_ERR_DEAD)
        ws__conn_fail(c, code,
                      "the peer took nothing in time, in the middle "
                      "of a message");
    else if (code != 0)
        ws__conn_transport_error(c, code);
}
