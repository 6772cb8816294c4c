/* SPDX-License-Identifier: MIT */

#include "conn/read.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "conn/control.h"
#include "conn/count.h"
#include "conn/end.h"
#include "conn/error.h"
#include "conn/extras.h"
#include "conn/fill.h"
#include "conn/inbox.h"
#include "conn/outbox.h"
#include "conn/read_end.h"
#include "conn/share.h"
#include "conn/unfinished.h"
#include "fiber/budget.h"
#include "fiber/sched.h"
#include "fiber/stopwatch.h"

/* To inflate a byte costs as much as to receive so many. */
enum { INFLATED = 2 };

/* ---- Failing ------------------------------------------------------------ */

/* The peer is at fault: tell it.  Of the codes only that for the protocol says
 * more than the text. */
static int read_refuse(ws_conn *c)
{
    const struct ws__reader *r = &c->r.inbox->reader;
    bool broken = r->error == WS_ERR_PROTOCOL;

    ws__count(c,
              r->error == WS_ERR_TOO_BIG ? WS_COUNT_CUT_TOO_BIG
                                         : WS_COUNT_CUT_PROTOCOL,
              1);
    ws__outbox_close(c, r->close_code, r->text);
    return ws__read_end(c, ws__conn_fail(c, r->error, "%s%s%s",
                                         broken ? ws_strerror(r->error) : "",
                                         broken ? ": " : "", r->text));
}

/* More has to come of a message than others leave room for. */
static int read_overflow(ws_conn *c)
{
    const char *why = "unfinished messages hold too much, try again later";
    const struct ws__inbox *g = c->r.inbox;
    bool own = ws__unfinished_by_address(g);
    long long most = own ? (long long)ws__extras(c)->share->unfinished_max
                         : (long long)ws__unfinished_limit();

    ws__unfinished_refused(false);
    ws__count(c, WS_COUNT_CUT_FULL, 1);
    ws__outbox_close(c, WS_CLOSE_TRY_AGAIN_LATER, why);
    return ws__read_end(c,
                        ws__conn_fail(c, WS_ERR_FULL,
                                      "%s: %zu bytes here, and at most %lld %s",
                                      ws_strerror(WS_ERR_FULL), g->unfinished,
                                      most, own ? "of one address" : "in all"));
}

/* For what has come of a message, if any, there has to be room. */
static inline int check_held(ws_conn *c)
{
    struct ws__inbox *g = c->r.inbox;

    if ((g->reader.type != 0 || g->unfinished != 0) && !ws__unfinished_count(g))
        return read_overflow(c);
    return 0;
}

/* ---- The pump ----------------------------------------------------------- */

/* By who has found that nobody else is in it. */
static inline int read_begin(ws_conn *c)
{
    atomic_store_explicit(&c->reading_fiber, ws__parker_self(),
                          memory_order_relaxed);
    if (c->r.error == 0 && ws__conn_ended(c))
        return ws__read_transport_failed(c, WS_ERR_CANCELED);
    int error = c->r.error == 0 ? ws__inbox_borrow(c) : c->r.error;
    atomic_store_explicit(&c->r.inside, error == 0, memory_order_relaxed);
    return error;
}

/* By who has begun, or was told why not.  Returns error. */
static inline int read_over(ws_conn *c, int error)
{
    atomic_store_explicit(&c->r.inside, false, memory_order_release);
    return error;
}

struct step {
    struct ws__inbox *g;
    void *buf;
    size_t n;
    enum ws__event event;
};

static inline enum ws__event take_step(struct ws__inbox *g, void *buf, size_t n)
{
    return buf ? ws__reader_piece(&g->reader, &g->in, buf, n)
               : ws__reader_next(&g->reader, &g->in);
}

static void step_there(void *step)
{
    struct step *s = step;

    s->event = take_step(s->g, s->buf, s->n);
}

/* To inflate takes more stack than a fiber that waits is to have; and as much
 * time for a byte as the peer has a mind to. */
__attribute__((noinline)) static enum ws__event inflate_step(
    struct ws__inbox *g, void *buf, size_t n)
{
    struct step s = { .g = g, .buf = buf, .n = n };
    uint64_t begin = ws__ticks();

    if (g->reader.trace) /* the log function may wait: not on that stack */
        step_there(&s);
    else
        ws__on_loop_stack(step_there, &s);
    ws__spend_bytes(g->reader.effort * INFLATED);
    ws__spend_ticks(ws__ticks() - begin);
    return s.event;
}

static enum ws__event next_event(ws_conn *c, void *buf, size_t n)
{
    return c->deflates ? inflate_step(c->r.inbox, buf, n)
                       : take_step(c->r.inbox, buf, n);
}

/* Its handler may wait, as the read does: rule 5 of conn/outbox. */
static int control_came(ws_conn *c)
{
    int error = 0;

    c->r.in_handler = true;
    if (ws__wait_begins(c, &c->r.inside))
        error = ws__control_came(c);
    c->r.in_handler = false;
    if (error != 0)
        return ws__read_end(c, error);
    return ws__conn_ended(c) ? ws__read_transport_failed(c, WS_ERR_CANCELED)
                             : 0;
}

/* Is a message under way? */
static bool is_within(const ws_conn *c)
{
    return c->r.inbox && c->r.inbox->reader.type != 0;
}

static inline void read_count(ws_conn *c, size_t n, bool ended)
{
    struct ws__reader *r = &c->r.inbox->reader;

    ws__count_message(c, WS_COUNT_BYTES_IN, n, WS_COUNT_MESSAGES_IN, ended);
    if (!ended || r->wire == 0)
        return;
    ws__count(c, WS_COUNT_COMPRESSED_IN, r->wire);
    r->wire = 0;
}

/* What has come is neither a message nor a piece of one.  Apart, since it takes far
 * more stack than those do, and they need none of what that takes to begin. */
__attribute__((noinline)) static int read_more(ws_conn *c,
                                               const struct ws__read_call *call,
                                               enum ws__event event)
{
    int error = 0;

    switch (event) {
    case WS__GO_ON:
        return check_held(c);
    case WS__NEED_INPUT:
        error = check_held(c);
        return error == 0 ? ws__fill(c, call) : error;
    case WS__CONTROL:
        return control_came(c);
    case WS__FAILED:
        return read_refuse(c);
    case WS__MESSAGE:
    case WS__PIECE:
        break;
    }
    return error;
}

/* Go on until there is a message.  call NULL: an ordinary one. */
static int pump_message(ws_conn *c, const struct ws__read_call *call)
{
    int error = 0;

    while (error == 0) {
        ws__spend_message(); /* the peer may always have more */
        enum ws__event event = next_event(c, NULL, 0);
        if (event == WS__MESSAGE) {
            read_count(c, c->r.inbox->reader.message.len, true);
            break;
        }
        error = read_more(c, call, event);
    }
    return error;
}

/* The same for a piece of one, of up to n bytes. */
static int pump_piece(ws_conn *c, const struct ws__read_call *call, void *buf,
                      size_t n)
{
    int error = 0;

    while (error == 0) {
        ws__spend_message();
        enum ws__event event = next_event(c, buf, n);
        if (event == WS__PIECE) {
            read_count(c, c->r.inbox->reader.piece, !is_within(c));
            break;
        }
        error = read_more(c, call, event);
    }
    return error;
}

/* The rest of the message under way is read in pieces, and dropped. */
__attribute__((noinline)) static int read_rest(ws_conn *c,
                                               const struct ws__read_call *call)
{
    char scratch[1024];
    int error = 0;

    c->r.inbox->by_pieces = is_within(c);
    if (is_within(c))
        ws__buf_release(&c->r.inbox->reader.whole, c->r.inbox->reader.buffers);
    while (error == 0 && is_within(c))
        error = pump_piece(c, call, scratch, sizeof(scratch));
    if (error == 0)
        c->r.inbox->by_pieces = false;
    return error;
}

int ws__read_skip(ws_conn *c, int64_t deadline)
{
    const struct ws__read_call call = { .has_deadline = true,
                                        .deadline = deadline };
    char nothing[1];

    if (ws__read_is_busy(c))
        return WS_ERR_BUSY;
    int error = read_begin(c);
    if (error == 0 && !is_within(c))
        error = pump_piece(c, &call, nothing, 0);
    if (error == 0)
        error = read_rest(c, &call);
    return read_over(c, error);
}

static int read_by_call(ws_conn *c, const struct ws__read_call *call,
                        ws_message *m)
{
    if (!c || !m)
        return WS_ERR_INVALID;
    if (ws__read_is_busy(c))
        return WS_ERR_BUSY;

    int error = read_begin(c);
    if (error == 0 && c->r.inbox->by_pieces)
        error = read_rest(c, call);
    if (error == 0)
        error = pump_message(c, call);
    if (error == 0) { /* to load it all at once waits for the stores */
        const ws_message *got = &c->r.inbox->reader.message;
        m->type = got->type;
        m->data = got->data;
        m->len = got->len;
    }
    return read_over(c, error);
}

int ws_read_message(ws_conn *c, ws_message *m)
{
    return read_by_call(c, NULL, m);
}

int ws_read_message_by(ws_conn *c, ws_message *m, int64_t deadline,
                       ws_event *event)
{
    return read_by_call(c,
                        &(struct ws__read_call){ .has_deadline = true,
                                                 .deadline = deadline,
                                                 .event = event },
                        m);
}

int ws__read_present(ws_conn *c, bool only, ws_message *m)
{
    return read_by_call(c, &(struct ws__read_call){ .only_present = only }, m);
}

int ws_next_reader(ws_conn *c, ws_type *type)
{
    char nothing[1];

    if (!c || !type)
        return WS_ERR_INVALID;
    if (ws__read_is_busy(c))
        return WS_ERR_BUSY;
    int error = read_begin(c);
    if (error == 0)
        error = read_rest(c, NULL);
    if (error == 0)
        error = pump_piece(c, NULL, nothing, 0);
    if (error == 0) {
        c->r.inbox->by_pieces = true;
        *type = (ws_type)c->r.inbox->reader.type;
    }
    return read_over(c, error);
}

ptrdiff_t ws_read(ws_conn *c, void *buf, size_t n)
{
    if (!c || !buf || n == 0)
        return WS_ERR_INVALID;
    if (ws__read_is_busy(c))
        return WS_ERR_BUSY;

    ptrdiff_t got = 0;
    int error = read_begin(c);
    if (error == 0 && c->r.inbox->by_pieces && is_within(c)) {
        error = pump_piece(c, NULL, buf, n < PTRDIFF_MAX ? n : PTRDIFF_MAX);
        got = (ptrdiff_t)c->r.inbox->reader.piece;
    }
    error = read_over(c, error);
    return error == 0 ? got : error;
}

char *ws_message_take(ws_conn *c, ws_message *m)
{
    if (!c || !m || !m->data)
        return NULL;

    struct ws__buf *whole = c->r.inbox ? &c->r.inbox->reader.whole : NULL;
    if (whole && m->data == (char *)whole->begin && !whole->lent) {
        *whole = (struct ws__buf){ 0 };
        ws__unfinished_drop(c->r.inbox);
        return m->data;
    }
    char *copy = ws__alloc(m->len + 1);
    if (!copy)
        return NULL;
    memcpy(copy, m->data, m->len);
    copy[m->len] = '\0';
    return m->data = copy;
}
