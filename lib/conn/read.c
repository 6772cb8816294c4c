/* SPDX-License-Identifier: MIT */

#include "conn/read.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "conn/alive.h"
#include "conn/control.h"
#include "conn/held.h"
#include "conn/write.h"
#include "fiber/budget.h"
#include "fiber/sched.h"
#include "fiber/stopwatch.h"
#include "io/wait.h"

/* For so long a connection that waits keeps what it has; then it makes do with
 * as little memory as what it has read needs. */
enum { PATIENCE_MS = 100 };

/* More reads than it takes to empty a socket's buffer. */
enum { LATE_READS = 64 };

/* To inflate a byte costs as much as to receive so many. */
enum { INFLATED = 2 };

/* ---- Failing ------------------------------------------------------------ */

/* Nothing more will be read, and no close frame came. */
static int end(ws_conn *c, int error)
{
    uint16_t open = 0;

    atomic_compare_exchange_strong(&c->close_code, &open, WS_CLOSE_ABNORMAL);
    ws__reading_drop(c);
    return c->r.error = error;
}

static int transport_failed(ws_conn *c, ssize_t code)
{
    return end(c,
               ws__conn_transport_error(c, code == 0 ? WS_ERR_EOF : (int)code));
}

/* The peer is at fault: tell it.  Of the codes only that for the protocol says
 * more than the text. */
static int refuse(ws_conn *c)
{
    const struct ws__reader *r = &c->r.now->reader;
    bool broken = r->error == WS_ERR_PROTOCOL;

    ws__answer_close(c, r->close_code, r->text);
    return end(c, ws__conn_fail(c, r->error, "%s%s%s",
                                broken ? ws_strerror(r->error) : "",
                                broken ? ": " : "", r->text));
}

/* ---- Waiting for bytes -------------------------------------------------- */

static int wait_events(ws_conn *c, int64_t deadline)
{
    struct ws__stream *s = &c->stream;
    int got = ws__outbox_await(c, deadline, c->r.only_present);

    s->readable = got > 0 && (got & (s->read_events | ~s->write_events));
    return got;
}

static int64_t rest_at(const ws_conn *c)
{
    return c->r.now ? c->r.now->rest_at : 0;
}

int64_t ws__read_due(const ws_conn *c)
{
    int64_t until = ws__earlier(atomic_load(&c->r.deadline), ws__alive_at(c));

    return ws__earlier(until, rest_at(c));
}

static void rest_if_due(ws_conn *c, int64_t now)
{
    if (rest_at(c) == 0 || now < rest_at(c))
        return;
    c->r.now->rest_at = 0;
    ws__reading_shed(c);
    ws__reading_rest(c, true);
}

/* Returns 0, WS__NOTHING, WS_ERR_TIMEOUT or what ends reading. */
static int await_bytes(ws_conn *c)
{
    for (;;) {
        int64_t deadline = atomic_load(&c->r.deadline);
        int got = wait_events(c, ws__read_due(c));

        if (c->stream.readable)
            return 0;
        if (got < 0 && got != WS_ERR_TIMEOUT)
            return transport_failed(c, got);
        int64_t now = ws_now();
        rest_if_due(c, now);
        if (deadline != 0 && now >= deadline)
            return WS_ERR_TIMEOUT;
        int error = ws__alive_check(c, now);
        if (error != 0 || c->r.only_present)
            return error != 0 ? end(c, error) : WS__NOTHING;
    }
}

/* What is held back goes first: it needs what is given back then.  To be told
 * that there is nothing yet is to go on waiting. */
static int wait_readable(ws_conn *c)
{
    int64_t now = ws__now_about();

    ws__before_park_run();
    if (c->r.heard)
        now = ws__alive_begin(c);
    c->r.now->unbroken = 0;
    if (!ws__reading_rest(c, false) && rest_at(c) == 0)
        c->r.now->rest_at = now + PATIENCE_MS;
    ws__alive_wait(c);
    int got = await_bytes(c);
    if (got != WS__NOTHING)
        ws__alive_go_on(c);
    return got == 0 ? ws__reading_begin(c) : got;
}

/* ---- Receiving ---------------------------------------------------------- */

static int make_room(ws_conn *c)
{
    struct ws__buf *in = &c->r.now->in;
    struct ws__reader *r = &c->r.now->reader;
    size_t own = ws__extras(c)->read_buffer_size;
    int error = 0;

    if (!in->begin)
        error = own ? ws__buf_resize(in, own, r->buffers)
                    : ws__buf_lend(in, r->buffers);
    if (error == 0 && ws__buf_room(in) < ws__reader_wants(r, in))
        error =
            ws__buf_reserve(in, ws__reader_wants(r, in), r->in_max, r->buffers);
    return error;
}

static ssize_t receive(ws_conn *c)
{
    struct ws__buf *in = &c->r.now->in;
    struct ws__reader *r = &c->r.now->reader;
    uint8_t *p;
    size_t room;
    ssize_t n;

    if (ws__reader_window(r, in, &p, &room)) {
        n = ws__stream_read(&c->stream, p, room);
        if (n > 0)
            ws__reader_filled(r, (size_t)n);
        return n;
    }
    if (make_room(c) != 0)
        return -ENOMEM;
    n = ws__stream_read(&c->stream, in->last, ws__buf_room(in) - 1);
    if (n > 0)
        in->last += n;
    return n;
}

/* A deadline that has passed still takes what is there; but a peer that always
 * has more must not put it off. */
static bool is_put_off(ws_conn *c)
{
    int64_t deadline = atomic_load(&c->r.deadline);

    if (c->r.now->unbroken < LATE_READS || deadline == 0 || ws_now() < deadline)
        return false;
    c->r.now->unbroken = 0;
    return true;
}

/* More has to come of a message than others leave room for. */
static int overflow(ws_conn *c)
{
    const char *why = "unfinished messages hold too much, try again later";

    ws__held_refused(false);
    ws__answer_close(c, WS_CLOSE_TRY_AGAIN_LATER, why);
    return end(c, ws__conn_fail(c, WS_ERR_FULL,
                                "%s: %zu bytes here, and at most %lld in all",
                                ws_strerror(WS_ERR_FULL), c->r.now->held,
                                (long long)ws__held_limit()));
}

/* Get some bytes more.  Returns 0, WS_ERR_TIMEOUT or the error that ends
 * reading. */
static int fill(ws_conn *c)
{
    for (;;) {
        if (c->stream.readable) {
            if (is_put_off(c))
                return WS_ERR_TIMEOUT;
            ws__before_park_run();
            ssize_t n = receive(c);
            if (n > 0) {
                c->r.heard = true;
                c->r.now->rest_at = 0;
                c->r.now->unbroken++;
                return 0;
            }
            if (n != -EAGAIN)
                return transport_failed(c, n);
        }
        int error = wait_readable(c);
        if (error != 0)
            return error;
    }
}

/* For what has come of a message, if any, there has to be room. */
static int check_held(ws_conn *c)
{
    struct ws__reading *g = c->r.now;

    if ((g->reader.type != 0 || g->held != 0) && !ws__held_count(g))
        return overflow(c);
    return 0;
}

/* ---- The pump ----------------------------------------------------------- */

static int begin(ws_conn *c)
{
    atomic_store_explicit(&c->reading_fiber, ws__parker_self(),
                          memory_order_relaxed);
    if (c->r.error == 0 && ws__conn_ended(c))
        return transport_failed(c, WS_ERR_CANCELED);
    return c->r.error == 0 ? ws__reading_begin(c) : c->r.error;
}

struct step {
    struct ws__reading *g;
    void *buf;
    size_t n;
    enum ws__event event;
};

static void take_step(void *step)
{
    struct step *s = step;
    struct ws__reader *r = &s->g->reader;
    struct ws__buf *in = &s->g->in;

    s->event =
        s->buf ? ws__reader_piece(r, in, s->buf, s->n) : ws__reader_next(r, in);
}

/* To inflate takes more stack than a fiber that waits is to have; and as much
 * time for a byte as the peer has a mind to. */
static void inflate_step(struct step *s)
{
    uint64_t begin = ws__ticks();

    ws__on_loop_stack(take_step, s);
    ws__spend_bytes(s->g->reader.effort * INFLATED);
    ws__spend_ticks(ws__ticks() - begin);
}

static enum ws__event next_event(ws_conn *c, void *buf, size_t n)
{
    struct step s = { .g = c->r.now, .buf = buf, .n = n };

    if (c->deflates)
        inflate_step(&s);
    else
        take_step(&s);
    return s.event;
}

static int control_came(ws_conn *c)
{
    int error = ws__control_came(c);

    return error == 0 ? 0 : end(c, error);
}

/* Go on until there is a message, or a piece of one.  buf NULL: a message; else
 * up to n bytes. */
static int pump(ws_conn *c, void *buf, size_t n)
{
    for (;;) {
        ws__spend_message(); /* the peer may always have more */
        int error = 0;

        switch (next_event(c, buf, n)) {
        case WS__GO_ON:
            error = check_held(c);
            break;
        case WS__NEED_INPUT:
            error = check_held(c);
            if (error == 0)
                error = fill(c);
            break;
        case WS__MESSAGE:
        case WS__PIECE:
            return 0;
        case WS__CONTROL:
            error = control_came(c);
            break;
        case WS__FAILED:
            error = refuse(c);
            break;
        }
        if (error != 0)
            return error;
    }
}

/* Is a message under way? */
static bool is_within(const ws_conn *c)
{
    return c->r.now && c->r.now->reader.type != 0;
}

/* The rest of the message under way is read in pieces, and dropped. */
__attribute__((noinline)) static int skip(ws_conn *c)
{
    char scratch[1024];
    int error = 0;

    c->r.now->by_pieces = is_within(c);
    if (is_within(c))
        ws__buf_release(&c->r.now->reader.whole, c->r.now->reader.buffers);
    while (error == 0 && is_within(c))
        error = pump(c, scratch, sizeof(scratch));
    if (error == 0)
        c->r.now->by_pieces = false;
    return error;
}

int ws__read_skip(ws_conn *c)
{
    char nothing[1];
    int error = begin(c);

    if (error == 0 && !is_within(c))
        error = pump(c, nothing, 0);
    if (error == 0)
        error = skip(c);
    return error;
}

int ws_read_message(ws_conn *c, ws_message *m)
{
    if (!c || !m)
        return WS_ERR_INVALID;

    int error = begin(c);
    if (error == 0 && c->r.now->by_pieces)
        error = skip(c);
    if (error == 0)
        error = pump(c, NULL, 0);
    if (error == 0) { /* to load it all at once waits for the stores */
        const ws_message *got = &c->r.now->reader.message;
        m->type = got->type;
        m->data = got->data;
        m->len = got->len;
    }
    return error;
}

int ws__read_present(ws_conn *c, bool only, ws_message *m)
{
    c->r.only_present = only;
    int error = ws_read_message(c, m);
    c->r.only_present = false;
    return error;
}

int ws_next_reader(ws_conn *c, ws_type *type)
{
    char nothing[1];

    if (!c || !type)
        return WS_ERR_INVALID;
    int error = begin(c);
    if (error == 0)
        error = skip(c);
    if (error == 0)
        error = pump(c, nothing, 0);
    if (error == 0) {
        c->r.now->by_pieces = true;
        *type = (ws_type)c->r.now->reader.type;
    }
    return error;
}

ptrdiff_t ws_read(ws_conn *c, void *buf, size_t n)
{
    if (!c || !buf || n == 0)
        return WS_ERR_INVALID;

    int error = begin(c);
    if (error != 0)
        return error;
    if (!c->r.now->by_pieces || !is_within(c))
        return 0;
    error = pump(c, buf, n < PTRDIFF_MAX ? n : PTRDIFF_MAX);
    return error == 0 ? (ptrdiff_t)c->r.now->reader.piece : error;
}

char *ws_message_take(ws_conn *c, ws_message *m)
{
    if (!c || !m || !m->data)
        return NULL;

    struct ws__buf *whole = c->r.now ? &c->r.now->reader.whole : NULL;
    if (whole && m->data == (char *)whole->begin && !whole->lent) {
        *whole = (struct ws__buf){ 0 };
        ws__held_drop(c->r.now);
        return m->data;
    }
    char *copy = ws__alloc(m->len + 1);
    if (!copy)
        return NULL;
    memcpy(copy, m->data, m->len);
    copy[m->len] = '\0';
    return m->data = copy;
}
