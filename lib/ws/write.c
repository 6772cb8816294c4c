/* SPDX-License-Identifier: MIT */

/*
 * Frames out.  All of them pass through one buffer, so that what waits to be
 * sent (answers, small messages held back, the rest of a frame) goes ahead of
 * what comes, in one send.
 */

#include "ws/write.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/poison.h"
#include "fiber/sched.h"
#include "fiber/sync.h"
#include "io/random.h"
#include "proto/mask.h"

/* ---- The buffer --------------------------------------------------------- */

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

static int have_out(ws_conn *c)
{
    return c->w.out ? 0 : borrow_out(c);
}

static void give_back_out(ws_conn *c)
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

/* How many bytes wait to be sent. */
static size_t pending(const ws_conn *c)
{
    return c->w.out ? ws__buf_used(&c->w.out->buf) : 0;
}

static void note_unsent(ws_conn *c)
{
    bool empty = pending(c) == 0, unsent = !empty && c->w.out->held == 0;

    if (unsent != atomic_load_explicit(&c->w.unsent, memory_order_relaxed))
        atomic_store(&c->w.unsent, unsent);
    if (empty)
        give_back_out(c);
}

/* ---- Sending ------------------------------------------------------------ */

static int fail(ws_conn *c, int code)
{
    atomic_store(&c->w.error, code);
    give_back_out(c);
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

/* The flag goes up before c->end is looked at; see wake_others in ws/close. */
static int wait_progress(ws_conn *c, int64_t deadline)
{
    int error = WS_ERR_CANCELED;

    atomic_store(&c->w.waiting, true);
    if (!ws__conn_ended(c))
        error = ws__stream_wait_progress(&c->stream, deadline,
                                         ws__extras(c)->write_timeout_ms);
    atomic_store_explicit(&c->w.waiting, false, memory_order_release);
    return error;
}

static int dead(ws_conn *c)
{
    ws__conn_fail(c, WS_ERR_DEAD,
                  "the peer took nothing in time, in the "
                  "middle of a message");
    return fail(c, WS_ERR_DEAD);
}

/*
 * Send the buffer, by the deadline.  Bytes of whole messages that were not sent
 * stay there.
 */
static int send_out(ws_conn *c, int64_t deadline)
{
    struct iovec none = { 0 };
    int error = 0;

    ws__hold_over(c);
    while (error == 0 && pending(c) > 0) {
        error = send_some(c, &none);
        if (error == -EAGAIN)
            error = wait_progress(c, deadline);
    }
    return error;
}

/*
 * Send the buffer and the tail.  The message begins mark bytes before the
 * buffer's end (0: it has begun already): while none of it is sent, a deadline
 * takes it back and leaves the connection as it was.  TLS gives nothing back,
 * so it gets no message before there is room for some of it.
 */
static int send_message(ws_conn *c, int64_t deadline, size_t mark,
                        struct iovec *tail)
{
    struct ws__buf *out = &c->w.out->buf;
    int error = 0;

    ws__hold_over(c);
    if (c->stream.ops->holds && mark > 0 && deadline != 0 &&
        !ws__stream_has_room(&c->stream))
        error = wait_progress(c, deadline);
    while (error == 0 && (ws__buf_used(out) > 0 || tail->iov_len > 0)) {
        error = send_some(c, tail);
        if (error == -EAGAIN)
            error = wait_progress(c, deadline);
        else if (tail->iov_len > 0)
            ws__take_turns(); /* the peer may always have room for more */
    }
    if (error == WS_ERR_TIMEOUT && mark > 0 &&
        ws__buf_used(out) >= mark + c->stream.taken)
        out->last -= mark;
    else if (error == WS_ERR_TIMEOUT)
        error = WS_ERR_DEAD;
    return error;
}

/* What ends an attempt to send for good, or only this time. */
static int settle(ws_conn *c, int error)
{
    if (error == 0 || error == WS_ERR_TIMEOUT)
        return error;
    if (error == WS_ERR_DEAD)
        return dead(c);
    return fail(c, ws__conn_transport_error(c, error));
}

/* ---- Frames ------------------------------------------------------------- */

static int make_header(ws_conn *c, struct ws__frame *f)
{
    f->masked = c->client;
    return f->masked ? ws__random(f->key, sizeof(f->key)) : 0;
}

static void append_header(struct ws__buf *out, const struct ws__frame *f)
{
    out->last += ws__frame_encode(f, out->last);
}

/* The header that data already has is a server's: a client's has a key. */
static void append_header_of(ws_conn *c, const struct ws__sending *s,
                             const struct ws__frame *f)
{
    if (s->framed > 0 && !c->client)
        ws__buf_append(&c->w.out->buf, (const uint8_t *)s->data - s->framed,
                       s->framed);
    else
        append_header(&c->w.out->buf, f);
}

static void append_payload(struct ws__buf *out, const struct ws__frame *f,
                           const void *data)
{
    size_t n = (size_t)f->len;

    ws__buf_append(out, data, n);
    if (f->masked)
        ws__mask(out->last - n, n, f->key, 0);
}

/* A server's payload is sent from where it is. */
static int send_large(ws_conn *c, const struct ws__sending *s, size_t mark)
{
    struct iovec tail = { .iov_base = (void *)s->data, .iov_len = s->len };

    return send_message(c, s->deadline, mark, &tail);
}

/* A client's is masked in a copy, a piece at a time. */
static int send_large_masked(ws_conn *c, const struct ws__sending *s,
                             const struct ws__frame *f, size_t mark)
{
    struct ws__buf copy = { 0 };
    int error = ws__buf_lend(&copy, &ws__pools_here()->read);

    if (error != 0)
        c->w.out->buf.last -= mark;
    for (size_t at = 0, n; error == 0 && at < s->len; at += n) {
        size_t room = ws__buf_size(&copy), left = s->len - at;
        struct iovec tail = { .iov_base = copy.begin };

        n = tail.iov_len = left < room ? left : room;
        memcpy(copy.begin, (const uint8_t *)s->data + at, n);
        ws__mask(copy.begin, n, f->key, at);
        error = send_message(c, s->deadline, at == 0 ? mark : 0, &tail);
        ws__take_turns();
    }
    ws__buf_release(&copy, &ws__pools_here()->read);
    return error;
}

static void append_answers_due(ws_conn *c)
{
    uint8_t data[WS__CONTROL_MAX];
    uint8_t opcode;
    size_t len;

    while (!atomic_load(&c->w.close_sent) &&
           ws__answers_take(c, &opcode, data, &len)) {
        struct ws__frame f = { .opcode = opcode, .fin = true, .len = len };

        if (make_header(c, &f) != 0)
            return;
        append_header(&c->w.out->buf, &f);
        append_payload(&c->w.out->buf, &f, data);
        if (opcode == WS_CLOSE)
            atomic_store(&c->w.close_sent, true);
    }
}

/* Mostly there are none: then there is no need for room to put them. */
static void append_answers(ws_conn *c)
{
    if (atomic_load_explicit(&c->w.answers_due, memory_order_acquire))
        append_answers_due(c);
}

static int check_end(ws_conn *c)
{
    int error = atomic_load(&c->w.error);

    return error == 0 && ws__conn_ended(c) ? WS_ERR_CANCELED : error;
}

int ws__write_check(ws_conn *c)
{
    int error = check_end(c);

    if (error == 0 && atomic_load(&c->w.close_sent))
        error = WS_ERR_CLOSE_SENT;
    return error;
}

/* Half of the reserve is left for the answers to come. */
static bool fits(const struct ws__buf *out, size_t len)
{
    return len + WS__FRAME_HEADER_MAX + WS__WRITE_RESERVE / 2 <=
           ws__buf_room(out);
}

/* Room for the answers and a header, and for the message if it is small. */
static int clear_the_way(ws_conn *c, const struct ws__sending *s)
{
    int error = have_out(c);

    if (error != 0)
        return error;
    struct ws__buf *out = &c->w.out->buf;
    bool small = s->len <= ws__extras(c)->write_buffer_size;
    if (ws__buf_used(out) > 0 && !fits(out, small ? s->len : 0))
        error = send_out(c, s->deadline);
    if (ws__buf_used(out) == 0)
        out->pos = out->last = out->begin;
    return error;
}

static int send_frame(ws_conn *c, const struct ws__sending *s)
{
    struct ws__frame f = {
        .opcode = s->opcode, .fin = s->fin, .rsv1 = s->rsv1, .len = s->len
    };
    struct iovec none = { 0 };
    int error = clear_the_way(c, s);

    if (error != 0)
        return settle(c, error);
    append_answers(c);
    error = ws__write_check(c);
    if (error == 0)
        error = make_header(c, &f);
    if (error != 0)
        return error;

    struct ws__buf *out = &c->w.out->buf;
    uint8_t *start = out->last;
    append_header_of(c, s, &f);
    if (!fits(out, s->len)) {
        size_t mark = (size_t)(out->last - start);
        return settle(c, c->client ? send_large_masked(c, s, &f, mark)
                                   : send_large(c, s, mark));
    }
    append_payload(out, &f, s->data);
    if (s->may_hold && ws__hold_wanted(c)) {
        ws__hold(c);
        return 0;
    }
    return settle(
        c, send_message(c, s->deadline, (size_t)(out->last - start), &none));
}

/* ---- The lock ----------------------------------------------------------- */

/* An answer that came while the lock was held finds nobody to send it but the
 * holder: so look once more after letting go. */
static void unlock(ws_conn *c)
{
    note_unsent(c);
    ws__unlock(&c->w.lock);
    if (atomic_load(&c->w.answers_due) || atomic_load(&c->w.unsent) ||
        atomic_load(&c->w.wanted))
        ws__write_pending(c);
}

int ws__write_frame(ws_conn *c, const struct ws__sending *s)
{
    int error = ws__write_check(c);

    if (error == 0)
        error = ws__lock_until(&c->w.lock, s->deadline);
    if (error != 0)
        return error;
    error = s->whole && ws__has_author(c) ? WS_ERR_BUSY : ws__write_check(c);
    if (error == 0)
        error = send_frame(c, s);
    if (error == 0 && s->opcode == WS_CLOSE)
        atomic_store(&c->w.close_sent, true);
    bool held = c->w.out && c->w.out->held > 0;
    unlock(c);
    if (!held) /* the peer may always have room for more */
        ws__spend_message();
    return error;
}

/* With the lock held; never waits. */
static void push(ws_conn *c)
{
    struct iovec none = { 0 };
    int error = 0;

    if (atomic_load(&c->w.error) != 0)
        return;
    if (atomic_load(&c->w.close_sent))
        ws__answers_drop(c);
    else if (pending(c) == 0 && have_out(c) == 0)
        append_answers(c);
    else if (pending(c) == 0)
        ws__answers_drop(c); /* no memory */
    ws__hold_over(c);
    while (error == 0 && pending(c) > 0)
        error = send_some(c, &none);
    if (error != 0 && error != -EAGAIN)
        settle(c, error);
    note_unsent(c);
}

/* The lock, or word for its holder that there is something to do for him: he
 * looks when he has let go. */
static bool lock_or_tell(ws_conn *c)
{
    if (ws__trylock(&c->w.lock))
        return true;
    atomic_store(&c->w.wanted, true);
    return ws__trylock(&c->w.lock);
}

/* Room that came before the flag was up was nobody's concern: so look again. */
static void push_twice(ws_conn *c)
{
    bool before = atomic_load(&c->w.unsent);

    push(c);
    if (!before && atomic_load(&c->w.unsent))
        push(c);
}

void ws__write_pending(ws_conn *c)
{
    do {
        if (atomic_load(&c->w.error) != 0 || !lock_or_tell(c))
            return;
        atomic_store(&c->w.wanted, false);
        push_twice(c);
        ws__unlock(&c->w.lock);
    } while (atomic_load(&c->w.wanted) ||
             (atomic_load(&c->w.answers_due) && !atomic_load(&c->w.unsent)));
}

/* With the lock held, which is let go. */
static int send_and_unlock(ws_conn *c, int64_t deadline)
{
    int error = check_end(c);

    if (error == 0)
        error = settle(c, send_out(c, deadline));
    unlock(c);
    return error;
}

int ws__write_out(ws_conn *c, int64_t deadline)
{
    int error = ws__lock_until(&c->w.lock, deadline);

    return error == 0 ? send_and_unlock(c, deadline) : error;
}

void ws__write_held(ws_conn *c)
{
    if (lock_or_tell(c))
        send_and_unlock(c, atomic_load(&c->w.deadline));
}

/* Who else has the lock will not wait with it: the connection has ended. */
size_t ws__write_rest(ws_conn *c)
{
    if (!atomic_load(&c->w.unsent))
        return 0;
    ws__lock_until(&c->w.lock, 0);
    push(c);
    size_t left = pending(c);
    ws__unlock(&c->w.lock);
    return left;
}

void ws__write_fini(ws_conn *c)
{
    struct ws__extras *x = atomic_load(&c->extras);

    give_back_out(c);
    ws_free(c->w.answers);
    if (!x)
        return;
    ws__buf_release(&x->piece, &ws__pools_here()->read);
    if (x->piece_deflate && x->piece_deflate != x->deflate_kept)
        ws__compressor_put(c, x->piece_deflate);
    ws__deflate_destroy(x->deflate_kept);
}
