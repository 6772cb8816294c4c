/* SPDX-License-Identifier: MIT */

#include "conn/close_answer.h"

#include "conn/extras.h"
#include "conn/inbox.h"
#include "conn/outbox.h"
#include "fiber/sched.h"

bool ws__close_answer_hold(ws_conn *c)
{
    int ms = ws__extras(c)->close_delay_ms;
    unsigned char open = WS__NOT_CLOSING;

    if (ms == 0)
        return false;
    ws__extras_own(c)->answer_until = ms < 0 ? 0 : ws_after(ms);
    return atomic_compare_exchange_strong(&c->w.closing, &open, WS__CLOSE_HELD);
}

void ws__close_answer_give(ws_conn *c)
{
    if (atomic_load(&c->w.closing) == WS__CLOSE_HELD)
        ws__outbox_close(c, ws_close_code(c), NULL);
}

/* ---- With the end of the stream ----------------------------------------- */

static struct ws__inbox *inbox_that_parts(struct ws__before *b)
{
    return (struct ws__inbox *)((char *)b - offsetof(struct ws__inbox, before));
}

static void stop_waiting(ws_conn *c)
{
    c->r.inbox->parting = false;
    ws__inbox_promise(c, false);
    ws_unref(c);
}

/* The owner does something else first, and waits for it. */
static bool push_answer(struct ws__before *b)
{
    ws_conn *c = inbox_that_parts(b)->conn;

    ws__stream_push(&c->stream);
    stop_waiting(c);
    return true;
}

static void answer_before_park(struct ws__before *b)
{
    (void)push_answer(b);
}

/* A thread may block where nothing asks for what it has promised. */
static bool may_part(ws_conn *c)
{
    return ws__in_fiber() && c->r.parted && !ws__inbox_has_promised(c) &&
           ws__is_on(c, WS__COALESCES) && ws__stream_may_close(&c->stream);
}

void ws__close_answer_at_once(ws_conn *c, int code)
{
    struct ws__inbox *g = c->r.inbox;

    if (!may_part(c)) {
        ws__outbox_close(c, code, NULL);
    } else if (ws__outbox_close_last(c, code)) {
        g->parting = true;
        ws__inbox_promise(c, true);
        g->before.fn = answer_before_park;
        g->before.attempt = push_answer;
        ws_ref(c);
        ws__before_park(&g->before);
    }
}

bool ws__close_answer_parts(ws_conn *c)
{
    struct ws__inbox *g = c->r.inbox;

    if (!g || !g->parting)
        return c->r.parted && ws__outbox_send_rest(c) == 0 &&
               ws__stream_may_close(&c->stream);
    ws__before_park_forget(&g->before);
    stop_waiting(c);
    return true;
}

/* ------------------------------------------------------------------------- */

int ws__close_answer_check(ws_conn *c)
{
    if (ws__close_was_sent(c))
        return WS_ERR_CLOSE_SENT;
    int64_t until = ws__extras(c)->answer_until;
    if (until == 0 || ws_now() < until)
        return 0;
    ws__close_answer_give(c);
    return WS_ERR_CLOSE_SENT;
}
