/* SPDX-License-Identifier: MIT */

#include "http/on_message.h"

#include <errno.h>
#include <poll.h>

#include "base/alloc.h"
#include "conn/outbox.h"
#include "conn/read.h"
#include "fiber/sched.h"
#include "http/session.h"

enum { RETRY_MS = 100 };

int ws_on_message(ws_conn *c, ws_message_fn fn, void *arg)
{
    struct ws__session *s = ws__own();

    if (!c || !fn || !s || s->conn != c || s->calls)
        return WS_ERR_INVALID;
    s->calls = ws__zalloc(sizeof(*s->calls));
    if (!s->calls)
        return -ENOMEM;
    s->calls->conn = c;
    s->calls->fn = fn;
    s->calls->arg = arg;
    return 0;
}

/* ---- The function's turn ------------------------------------------------ */

/* A read deadline, or a lack of memory, is no end elsewhere. */
static void end(struct ws__calls *k, int error)
{
    struct ws__registry *g = k->registry;
    struct ws__worker *w = k->worker;

    if (w) {
        ws__watch_call(k->conn->stream.watch, NULL, NULL);
        ws__timer_stop(&k->timer);
    }
    ws__conn_fail(k->conn, error, "%s", ws_strerror(error));
    k->fn(k->conn, NULL, k->arg);
    ws__before_park_run();
    ws_close(k->conn);
    ws_free(k);
    ws__session_end(g);
    if (w)
        ws__worker_let_go(w);
}

/* Each message that is there.  In a fiber without waiting for more. */
static int read_all(struct ws__calls *k)
{
    ws_message m;
    int error;

    do {
        k->missed = false;
        error = ws__read_present(k->conn, k->worker != NULL, &m);
        if (error == 0)
            k->fn(k->conn, &m, k->arg);
    } while (error == 0 || (error == WS__NOTHING && k->missed));
    return error;
}

/* The next one is read by another fiber, which may lie where this one does. */
static void run(void *calls)
{
    struct ws__calls *k = calls;

    ws__fiber_label(k->label);
    int error = read_all(k);
    if (error != WS__NOTHING) {
        end(k, error);
        return;
    }
    atomic_store(&k->conn->reading_fiber, NULL);
    ws__timer_start(&k->timer, ws__read_due(k->conn));
    k->running = false;
}

/* ---- In between --------------------------------------------------------- */

/* For the worker's loop. */
static void wake(struct ws__calls *k)
{
    if (k->running)
        return;
    ws_fiber *f = ws_go(run, k);
    k->running = f != NULL;
    k->starved = !f;
    if (!f)
        ws__timer_start(&k->timer, ws_after(RETRY_MS));
    ws_detach(f);
}

/* Room to write is of interest only when bytes were left, or TLS reads by it.
 * The fiber that runs may wait after it has looked, but not for this. */
static void ready(void *calls, int events)
{
    struct ws__calls *k = calls;

    k->missed = true;
    if ((events & (~POLLOUT | k->conn->stream.read_events)) ||
        ws__outbox_has_rest(k->conn))
        wake(k);
}

/* A ping moves on with each message that comes. */
static void fire(struct ws__timer *t)
{
    struct ws__calls *k =
        (struct ws__calls *)((char *)t - offsetof(struct ws__calls, timer));
    int64_t due = ws__read_due(k->conn);

    if (due > ws__now_about() && !k->starved)
        ws__timer_start(t, due);
    else
        wake(k);
}

void ws__calls_begin(struct ws__calls *k, struct ws__registry *g,
                     const char *label)
{
    k->registry = g;
    k->label = label;
    k->running = true;
    if (ws__in_fiber() && k->conn->stream.watch) {
        k->worker = ws__worker_held();
        k->timer.fire = fire;
        ws__watch_call(k->conn->stream.watch, ready, k);
    }
    run(k);
}
