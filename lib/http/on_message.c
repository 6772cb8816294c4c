/* SPDX-License-Identifier: MIT */

#include "http/on_message.h"

#include <errno.h>
#include <poll.h>

#include "base/alloc.h"
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
    return 0;
}

/* ---- The function's turn ------------------------------------------------ */

/* A read deadline, or a lack of memory, is no end elsewhere. */
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
    ws_close(o->conn);
    ws__session_end(g, &o->stay);
    ws_free(o);
    if (w)
        ws__worker_let_go(w);
}

/* Each message that is there.  In a fiber without waiting for more. */
static int call_for_each(struct ws__on_message *o)
{
    ws_message m;
    int error;

    do {
        o->missed = false;
        error = ws__read_present(o->conn, o->worker != NULL, &m);
        if (error == 0)
            o->fn(o->conn, &m, o->arg);
    } while (error == 0 || (error == WS__NOTHING && o->missed));
    return error;
}

/* The next one is read by another fiber, which may lie where this one does. */
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

/* For the worker's loop. */
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

/* Room to write is of interest only when bytes were left, or TLS reads by it.
 * The fiber that runs may wait after it has looked, but not for this. */
static void on_message_ready(void *on_message, int events)
{
    struct ws__on_message *o = on_message;

    o->missed = true;
    if ((events & (~POLLOUT | o->conn->stream.read_events)) ||
        ws__outbox_has_unsent(o->conn))
        on_message_wake(o);
}

/* A ping moves on with each message that comes. */
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
