/* SPDX-License-Identifier: MIT */

/* A listener's end, step by step. */

#include <stdio.h>

#include "base/error.h"
#include "fiber/sched.h"
#include "server/listener.h"

enum {
    TICK_MS = 10,
    BATCH = 64, /* goodbyes between which others get at the registry */
    LAST_WAIT_MS = 1000,
};

int ws_listener_stop(ws_listener *l, int64_t deadline)
{
    if (!l)
        return WS_ERR_INVALID;
    /* Who finds that nobody listens any more must not be told afterwards that
     * its connection may be used again. */
    ws__registry_stop(l->host.registry);
    ws_event_set(&l->stop);
    return ws_event_wait(&l->deaf, deadline);
}

ws_event *ws_listener_stopping(ws_listener *l)
{
    return l ? ws__registry_stopping(l->host.registry) : NULL;
}

/* ---- Goodbyes ----------------------------------------------------------- */

/* What is to be done, and when, while the last handlers end. */
struct ending {
    struct ws__registry *registry;
    int64_t began;
    int64_t spread;
    size_t total; /* of connections that are told, */
    size_t told;
    bool fresh; /* some may still send their first request */
};

static int64_t spread_of(const ws_listener *l, int64_t deadline, int64_t now)
{
    int64_t ms = atomic_load(&l->spread_ms), left = deadline - now;

    if (deadline == 0 || ms <= left / 4 * 3)
        return ms;
    return left > 0 ? left / 4 * 3 : 0;
}

static void say_due(struct ending *e, int64_t now)
{
    int64_t passed = now - e->began;
    size_t due = e->total;

    if (e->spread > 0 && passed < e->spread)
        due = (size_t)((uint64_t)e->total * (uint64_t)passed /
                       (uint64_t)e->spread);

    while (e->told < due) {
        size_t n = due - e->told < BATCH ? due - e->told : BATCH;

        e->told += n;
        if (!ws__registry_close_next(e->registry, n))
            e->told = e->total;
    }
}

/* Do what is due.  Returns when to come back; 0: there is no need. */
static int64_t ending_step(struct ending *e)
{
    int64_t now = ws_now(), fresh_until = e->began + ws__registry_fresh_ms;

    say_due(e, now);
    if (e->fresh && now >= fresh_until) {
        e->fresh = false;
        ws__registry_close(e->registry);
    }
    return ws__earlier(e->told < e->total ? now + TICK_MS : 0,
                       e->fresh ? fresh_until : 0);
}

static int end_sessions(ws_listener *l, int64_t deadline)
{
    struct ws__registry *g = l->host.registry;
    int64_t now = ws_now();
    struct ending e = {
        .registry = g,
        .began = now,
        .spread = spread_of(l, deadline, now),
        .total = ws__registry_close(g),
        .fresh = true,
    };
    int64_t next;
    int r;

    do {
        next = ending_step(&e);
        r = ws__registry_wait(g, ws__earlier(next, deadline));
    } while (r != 0 && next != 0 && (deadline == 0 || ws_now() < deadline));
    return r;
}

/* ---- All of it ---------------------------------------------------------- */

static int explain(ws_listener *l, int code)
{
    char routes[128];
    size_t n = ws__registry_report(l->host.registry, routes, sizeof(routes));

    l->error = (ws_error){ 0 };
    if (n == 0)
        return ws__fail(&l->error, code,
                        "a fiber that a handler has started still runs");
    return ws__fail(&l->error, code, "%zu handler%s still run%s: %s", n,
                    n == 1 ? "" : "s", n == 1 ? "s" : "", routes);
}

static int wait_for_all(ws_listener *l, int64_t deadline)
{
    int r = ws__registry_wait(l->host.registry, deadline);

    return r == 0 ? ws_event_wait(&l->ended, deadline) : r;
}

int ws_listener_shutdown(ws_listener *l, int64_t deadline)
{
    if (!l)
        return 0;
    (void)ws_listener_stop(l, deadline);
    int r = end_sessions(l, deadline);
    if (r == 0)
        r = ws_event_wait(&l->ended, deadline);
    if (r != 0) {
        ws__registry_break(l->host.registry);
        r = wait_for_all(l, ws_after(LAST_WAIT_MS));
    }
    if (r != 0)
        return explain(l, r);
    ws__listener_free(l);
    return 0;
}

const ws_error *ws_listener_error(const ws_listener *l)
{
    return &l->error;
}
