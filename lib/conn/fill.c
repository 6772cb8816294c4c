/* SPDX-License-Identifier: MIT */

#include "conn/fill.h"

#include <errno.h>

#include "conn/alive.h"
#include "conn/count.h"
#include "conn/extras.h"
#include "conn/inbox.h"
#include "conn/outbox.h"
#include "conn/pools.h"
#include "conn/read_end.h"
#include "conn/trace.h"
#include "fiber/budget.h"
#include "fiber/sched.h"

/* For so long a connection that waits keeps what it has; then it makes do with
 * as little memory as what it has read needs. */
enum { PATIENCE_MS = 100 };

/* More reads than it takes to empty a socket's buffer. */
enum { LATE_READS = 64 };

/* ---- Waiting ------------------------------------------------------------ */

static int wait_events(ws_conn *c, const struct ws__read_call *call,
                       int64_t deadline)
{
    struct ws__stream *s = &c->stream;
    int got = call && call->only_present
                  ? ws__outbox_look(c)
                  : ws__outbox_await(c, deadline, call ? call->event : NULL);

    s->readable = got > 0 && (got & (s->read_events | ~s->write_events));
    return got;
}

static int64_t trim_at(const ws_conn *c)
{
    return c->r.inbox ? c->r.inbox->trim_at : 0;
}

static int64_t fill_deadline(const ws_conn *c, const struct ws__read_call *call)
{
    return call && call->has_deadline ? call->deadline : ws__read_deadline(c);
}

int64_t ws__fill_due(const ws_conn *c, const struct ws__read_call *call)
{
    int64_t until = ws__earlier(fill_deadline(c, call), ws__alive_at(c));

    return ws__earlier(until, trim_at(c));
}

static void trim_if_due(ws_conn *c, int64_t now)
{
    if (trim_at(c) == 0 || now < trim_at(c))
        return;
    c->r.inbox->trim_at = 0;
    ws__inbox_shed(c);
    ws__inbox_trim(c, true);
}

static int fill_timed_out(const ws_conn *c)
{
    ws__count(c, WS_COUNT_TIMEOUTS, 1);
    return WS_ERR_TIMEOUT;
}

/* Returns 0, WS__NOTHING, WS_ERR_TIMEOUT or what ends reading. */
static int await_bytes(ws_conn *c, const struct ws__read_call *call)
{
    for (;;) {
        int64_t deadline = fill_deadline(c, call);
        int got = wait_events(c, call, ws__fill_due(c, call));

        if (c->stream.readable)
            return 0;
        if (got == WS_ERR_INTERRUPTED)
            return got;
        if (got < 0 && got != WS_ERR_TIMEOUT)
            return ws__read_transport_failed(c, got);
        int64_t now = ws_now();
        trim_if_due(c, now);
        if (deadline != 0 && now >= deadline)
            return fill_timed_out(c);
        int error = ws__alive_check(c, now);
        if (error != 0 || (call && call->only_present))
            return error != 0 ? ws__read_end(c, error) : WS__NOTHING;
    }
}

/* What was promised to be sent goes first: until then the inbox, in which the
 * promise lies, cannot be given back.  A call that does not wait leaves the wait
 * under way: it is the same one that the next call goes on with. */
static int wait_readable(ws_conn *c, const struct ws__read_call *call)
{
    int64_t now = ws__now_about();

    ws__before_park_run();
    if (c->r.heard)
        now = ws__alive_begin(c);
    c->r.inbox->unbroken = 0;
    if (!ws__inbox_trim(c, false) && trim_at(c) == 0)
        c->r.inbox->trim_at = now + PATIENCE_MS;
    ws__alive_wait(c);
    int got = await_bytes(c, call);
    if (got != WS__NOTHING)
        ws__alive_go_on(c);
    return got == 0 ? ws__inbox_borrow(c) : got;
}

/* ---- Receiving ---------------------------------------------------------- */

static int fill_make_room(ws_conn *c)
{
    struct ws__buf *in = &c->r.inbox->in;
    struct ws__reader *r = &c->r.inbox->reader;
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

static ssize_t fill_receive(ws_conn *c)
{
    struct ws__buf *in = &c->r.inbox->in;
    struct ws__reader *r = &c->r.inbox->reader;
    uint8_t *p;
    size_t room;
    ssize_t n;

    if (ws__reader_window(r, in, &p, &room)) {
        n = ws__stream_read(&c->stream, p, room);
        if (n > 0)
            ws__reader_filled(r, (size_t)n);
        return n;
    }
    if (fill_make_room(c) != 0)
        return -ENOMEM;
    n = ws__stream_read(&c->stream, in->last, ws__buf_room(in) - 1);
    if (n > 0)
        in->last += n;
    return n;
}

/* What ends a call still takes what is there; but a peer that always has more
 * must not put it off.  Returns 0 or what it is ended by. */
static int check_put_off(ws_conn *c, const struct ws__read_call *call)
{
    if (c->r.inbox->unbroken < LATE_READS)
        return 0;

    int64_t deadline = fill_deadline(c, call);
    ws_event *event = call ? call->event : NULL;
    int ended = 0;

    if (deadline != 0 && ws_now() >= deadline)
        ended = fill_timed_out(c);
    else if (event && ws_event_is_set(event))
        ended = WS_ERR_INTERRUPTED;
    if (ended != 0)
        c->r.inbox->unbroken = 0;
    return ended;
}

int ws__fill(ws_conn *c, const struct ws__read_call *call)
{
    bool looked =
        false; /* whether there is something, after the event was set */

    for (;;) {
        if (c->stream.readable) {
            int ended = check_put_off(c, call);
            if (ended != 0)
                return ended;
            ws__before_park_run();
            ssize_t n = fill_receive(c);
            if (n > 0) {
                c->r.heard = true;
                c->r.inbox->trim_at = 0;
                c->r.inbox->unbroken++;
                c->r.inbox->reader.trace =
                    ws__is_traced(c) ? ws__trace_in : NULL;
                return 0;
            }
            if (n != -EAGAIN)
                return ws__read_transport_failed(c, n);
        }
        int error = wait_readable(c, call);
        if (error == WS_ERR_INTERRUPTED && !looked) {
            looked = true;
            c->stream.readable = true;
            error = ws__inbox_borrow(c);
        }
        if (error != 0)
            return error;
    }
}
