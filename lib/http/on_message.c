/* SPDX-License-Identifier: MIT */

#include "http/on_message.h"

#include <errno.h>
#include <poll.h>

#include "conn/close.h"
#include "conn/error.h"
#include "conn/fill.h"
#include "conn/outbox.h"
#include "conn/outqueue.h"
#include "conn/read.h"
#include "fiber/sched.h"
#include "fiber/worker.h"

enum { RETRY_MS = 100 };

int ws_on_message(ws_conn *c, ws_message_fn fn, void *arg)
{
    struct ws__session *s = ws__own();

    if (!c || !fn || !s || s->conn != c || !ws__close_keep(c))
        return WS_ERR_INVALID;
    s->on_message = true;
    c->called.fn = fn;
    c->called.arg = arg;
    return 0;
}

/* ---- The function's turn ------------------------------------------------ */

/* Also after a read deadline, or without memory: a handler could read again, but
 * here nobody would.  The connection goes with ws__close_kept. */
static void on_message_end(ws_conn *c, int error)
{
    struct ws__registry *g = ws__registry_of(c->entry.stats);
    struct ws__worker *w = c->r.by_turns ? ws__conn_worker(c) : NULL;

    if (w) {
        ws__watch_call(c->stream.watch, NULL);
        ws__alarm_stop(&c->called.alarm);
    }
    ws__conn_fail(c, error, "%s", ws_strerror(error));
    c->called.fn(c, NULL, c->called.arg);
    ws__entry_leaves(&c->entry);
    ws__close_kept(c);
    ws__before_park_run();
    ws__session_end(g, NULL);
    if (w)
        ws__worker_let_go(w);
}

/* For each message that is there: in a fiber until there is none, in a thread
 * until the connection ends. */
static int call_for_each(ws_conn *c)
{
    ws_message m;
    int error;

    do {
        c->r.missed = false;
        error = ws__close_was_asked(c) ? WS_ERR_CANCELED
                                       : ws__read_present(c, c->r.by_turns, &m);
        if (error == 0)
            c->called.fn(c, &m, c->called.arg);
    } while (error == 0 || (error == WS__NOTHING && c->r.missed));
    return error;
}

/* One turn.  reading_fiber is forgotten, since the next turn's fiber may lie
 * where this one does; turn_runs goes last, for then the next may start. */
static void on_message_run(void *conn)
{
    ws_conn *c = conn;

    ws__fiber_label(ws__entry_route(&c->entry));
    int error = call_for_each(c);
    if (error != WS__NOTHING) {
        on_message_end(c, error);
        return;
    }
    atomic_store(&c->reading_fiber, NULL);
    ws__alarm_start(&c->called.alarm, ws__fill_due(c, NULL));
    c->r.turn_runs = false;
}

/* ---- In between --------------------------------------------------------- */

/* In the worker's loop, where nothing may wait. */
static void on_message_wake(ws_conn *c)
{
    if (c->r.turn_runs)
        return;
    bool goes = ws__go_at_once(on_message_run, c);
    c->r.turn_runs = goes;
    c->r.starved = !goes;
    if (!goes)
        ws__alarm_start(&c->called.alarm, ws_after(RETRY_MS));
}

/* POLLOUT counts only when bytes were left unsent, or TLS reads by it.  A turn
 * under way learns of it by missed, and looks once more before it ends. */
static void on_message_ready(ws_conn *c, int events)
{
    c->r.missed = true;
    if ((events & (~POLLOUT | c->stream.read_events)) ||
        ws__outbox_has_unsent(c))
        on_message_wake(c);
}

/* It was set for the ping that was due after the last turn; bytes that came since
 * may have put that off. */
static void on_message_look(ws_conn *c)
{
    int64_t due = ws__fill_due(c, NULL);

    if ((due == 0 || due > ws__now_about()) && !c->r.starved)
        ws__alarm_start(&c->called.alarm, due);
    else
        on_message_wake(c);
}

static void on_message_called(struct ws__callee *callee, int events)
{
    ws_conn *c =
        (ws_conn *)((char *)callee - offsetof(ws_conn, called.alarm.callee));

    if (events != 0)
        on_message_ready(c, events);
    else
        on_message_look(c);
}

void ws__on_message_go_on(struct ws__session *s)
{
    ws_conn *c = s->conn;

    s->on_message = false;
    s->handed_on = true;
    ws__entry_stays(&c->entry, &s->stay, s->route);
    c->r.turn_runs = true;
    c->r.by_turns = ws__in_fiber() && c->stream.watch;
    if (c->r.by_turns) {
        (void)ws__worker_held();
        c->called.alarm.callee.call = on_message_called;
        ws__watch_call(c->stream.watch, &c->called.alarm.callee);
    }
    on_message_run(c);
}
