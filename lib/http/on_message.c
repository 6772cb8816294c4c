/* SPDX-License-Identifier: MIT */

#include "http/on_message.h"

#include <errno.h>
#include <poll.h>

#include "base/alloc.h"
#include "conn/close.h"
#include "conn/error.h"
#include "conn/fill.h"
#include "conn/outbox.h"
#include "conn/read.h"
#include "fiber/sched.h"
#include "fiber/worker.h"

enum { RETRY_MS = 100 };

int ws_on_message(ws_conn *c, ws_message_fn fn, void *arg)
{
    struct ws__session *s = ws__own();

    if (!c || !fn || !s || s->conn != c || s->on_message || s->route->socket)
        return WS_ERR_INVALID;
    s->on_message = ws__zalloc(sizeof(*s->on_message));
    if (!s->on_message)
        return -ENOMEM;
    s->on_message->conn = c;
    s->on_message->fn = fn;
    s->on_message->arg = arg;
    ws__close_keep(c);
    return 0;
}

/* ---- The function's turn ------------------------------------------------ */

/* Also after a read deadline, or without memory: a handler could read again, but
 * here nobody would. */
static void on_message_end(struct ws__on_message *o, int error)
{
    struct ws__registry *g = o->registry;
    struct ws__worker *w = o->worker;

    if (w) {
        ws__watch_call(o->conn->stream.watch, NULL, NULL);
        ws__timer_stop(&o->timer);
    }
    ws__conn_fail(o->conn, error, "%s", ws_strerror(error));
    o->fn(o->conn, NULL, o->arg);
    ws__before_park_run();
    ws__close_kept(o->conn);
    ws__session_end(g, &o->stay);
    ws_free(o);
    if (w)
        ws__worker_let_go(w);
}

/* For each message that is there: in a fiber until there is none, in a thread
 * until the connection ends. */
static int call_for_each(struct ws__on_message *o)
{
    ws_message m;
    int error;

    do {
        o->missed = false;
        error = ws__close_was_asked(o->conn)
                    ? WS_ERR_CANCELED
                    : ws__read_present(o->conn, o->worker != NULL, &m);
        if (error == 0)
            o->fn(o->conn, &m, o->arg);
    } while (error == 0 || (error == WS__NOTHING && o->missed));
    return error;
}

/* One turn.  reading_fiber is forgotten, since the next turn's fiber may lie
 * where this one does; running goes last, for then the next may start. */
static void on_message_run(void *on_message)
{
    struct ws__on_message *o = on_message;

    ws__fiber_label(o->label);
    int error = call_for_each(o);
    if (error != WS__NOTHING) {
        on_message_end(o, error);
        return;
    }
    atomic_store(&o->conn->reading_fiber, NULL);
    ws__timer_start(&o->timer, ws__fill_due(o->conn));
    o->running = false;
}

/* ---- In between --------------------------------------------------------- */

/* In the worker's loop, where nothing may wait. */
static void on_message_wake(struct ws__on_message *o)
{
    if (o->running)
        return;
    ws_fiber *f = ws_go(on_message_run, o);
    o->running = f != NULL;
    o->starved = !f;
    if (!f)
        ws__timer_start(&o->timer, ws_after(RETRY_MS));
    ws_detach(f);
}

/* POLLOUT counts only when bytes were left unsent, or TLS reads by it.  A turn
 * under way learns of it by missed, and looks once more before it ends. */
static void on_message_ready(void *on_message, int events)
{
    struct ws__on_message *o = on_message;

    o->missed = true;
    if ((events & (~POLLOUT | o->conn->stream.read_events)) ||
        ws__outbox_has_unsent(o->conn))
        on_message_wake(o);
}

/* It was set for the ping that was due after the last turn; bytes that came since
 * may have put that off. */
static void on_message_fire(struct ws__timer *t)
{
    struct ws__on_message *o =
        (struct ws__on_message *)((char *)t -
                                  offsetof(struct ws__on_message, timer));
    int64_t due = ws__fill_due(o->conn);

    if (due > ws__now_about() && !o->starved)
        ws__timer_start(t, due);
    else
        on_message_wake(o);
}

void ws__on_message_go_on(struct ws__session *s)
{
    struct ws__on_message *o = s->on_message;

    s->on_message = NULL;
    s->handed_on = true;
    o->registry = s->host->registry;
    o->label = s->route->path;
    ws__stay_move(o->registry, &o->stay, &s->stay, o->label);
    o->running = true;
    if (ws__in_fiber() && o->conn->stream.watch) {
        o->worker = ws__worker_held();
        o->timer.fire = on_message_fire;
        ws__watch_call(o->conn->stream.watch, on_message_ready, o);
    }
    on_message_run(o);
}
