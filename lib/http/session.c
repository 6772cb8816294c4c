/* SPDX-License-Identifier: MIT */

#include "http/session.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "conn/linger.h"
#include "fiber/name.h"
#include "fiber/park.h"
#include "fiber/sched.h"
#include "http/on_message.h"
#include "http/reply.h"
#include "http/route.h"
#include "proto/http_write.h"

static const char own_work[] = WS__WORK "requests and their answers";

int64_t ws__session_deadline(int timeout_ms)
{
    return timeout_ms < 0 ? 0 : ws_after(timeout_ms);
}

/* ---- Its place among the others ----------------------------------------- */

static struct ws__session *session_of(struct ws__entry *e)
{
    return (struct ws__session *)((char *)e -
                                  offsetof(struct ws__session, entry));
}

static void close_idle(struct ws__entry *e)
{
    if (e->idle)
        ws__stream_end_reading(&session_of(e)->stream);
}

static void cut(struct ws__entry *e)
{
    ws__stream_break(&session_of(e)->stream);
}

const struct ws__entry_ops ws__session_ops = { close_idle, cut };

static void session_init(struct ws__session *s, const struct ws__newcomer *n)
{
    s->host = n->host;
    s->server = &n->host->server;
    s->first_by = n->first_by;
    s->in = (struct ws__buf){ 0 };
    s->served = s->upgraded = s->broken = s->in_thread = false;
    s->conn = NULL;
    s->calls = NULL;
    s->handed_on = false;
    ws__stream_socket(&s->stream, n->fd);
    strcpy(s->remote, n->remote);
    ws__entry_add(&s->entry, &ws__session_ops, n->host->registry, n->seat);
}

/* The entry goes first: the descriptor must not be broken once it is closed,
 * or another's. */
static void session_end(struct ws__session *s)
{
    if (!s->upgraded) {
        ws__entry_remove(&s->entry);
        s->stream.ops->fini(&s->stream);
    }
    ws__buf_release(&s->in, NULL);
    if (!s->handed_on)
        ws__session_end(s->host->registry);
}

void ws__session_abandon(void *newcomer)
{
    struct ws__newcomer *n = newcomer;
    struct ws__session s;

    session_init(&s, n);
    ws_free(n);
    session_end(&s);
}

/* ---- Handlers ----------------------------------------------------------- */

struct call {
    const ws_route *route;
    struct ws__request *request;
};

/* With the messages of the connection that the handler has left behind. */
static void go_on(struct ws__session *s, const ws_route *route)
{
    struct ws__calls *k = s->calls;

    s->calls = NULL;
    s->handed_on = true;
    ws__calls_begin(k, s->host->registry, route->path);
}

static void call(void *arg)
{
    struct call *c = arg;

    const ws_route *route = c->route;
    ws_request *r = &c->request->pub;
    struct ws__session *s = c->request->session;

    ws__set_own(s);
    if (route->socket)
        ws__socket_run(r, route);
    else
        route->handler(r, route->arg);
    ws__set_own(NULL);
    ws__before_park_run();
    if (s->calls && s->in_thread)
        go_on(s, route);
}

/* What comes meanwhile is the thread's, and must not wake the worker. */
static void call_in_thread(struct ws__session *s, struct call *c)
{
    s->in_thread = true;
    ws__stream_unwatch(&s->stream);
    if (ws__in_thread(call, c) != 0)
        ws_reply_text(&c->request->pub, 503, "Service Unavailable\n");
    if (!s->upgraded)
        (void)ws__stream_watch(&s->stream);
    s->in_thread = false;
}

static void handle(struct ws__session *s, struct ws__request *r)
{
    const ws_route *route = ws__route_find(s->server->routes, r->pub.path);

    if (strcmp(r->pub.path, "*") == 0) { /* RFC 9110, section 9.3.7 */
        ws_reply(&r->pub, 200, NULL, NULL, 0);
        return;
    }
    if (!route) {
        ws_reply_text(&r->pub, 404, "404 page not found\n");
        return;
    }
    struct call c = { .route = route, .request = r };
    ws__fiber_label(route->path);
    if (route->thread)
        call_in_thread(s, &c);
    else
        call(&c);
    s->route = route;
    ws__fiber_label(own_work);
    if (!r->answered)
        ws_reply_text(&r->pub, 500, "Internal Server Error\n");
}

/* ---- One request after the other ---------------------------------------- */

/* There is no request: one of nothing stands in for it. */
__attribute__((noinline)) static void refuse(struct ws__session *s,
                                             const struct ws__fault *f)
{
    struct ws__request none = { .session = s, .minor = 1 };
    char text[160];

    snprintf(text, sizeof(text), "%s: %s\n", ws__http_reason(f->status),
             f->text);
    ws_reply_text(&none.pub, f->status, text);
}

/* Returns whether another request may follow; *answered: the peer has an answer
 * to read. */
static bool serve_one(struct ws__session *s, bool *answered)
{
    struct ws__fault fault = { 0 };
    struct ws__request *r = ws__request_receive(s, &fault);

    *answered = r || fault.status != 0;
    if (!r) {
        if (fault.status != 0)
            refuse(s, &fault);
        return false;
    }
    handle(s, r);
    bool more = r->keep_alive;
    ws__request_free(r);
    s->served = true;
    return more && !s->upgraded && !s->broken;
}

/* Large frames of what is seldom called stay out of those that wait for long.
 * Without a request under way the peer may have a former answer still to take. */
__attribute__((noinline)) static void linger(struct ws__session *s, bool idle)
{
    struct ws__linger l = {
        .stream = &s->stream,
        .idle = idle,
        .until = ws__session_deadline(s->server->write_timeout_ms),
    };

    ws__linger(&l);
}

static void serve(struct ws__session *s)
{
    bool answered;

    (void)ws__stream_watch(&s->stream); /* else it does without */
    if (ws__session_secure(s, &answered))
        while (serve_one(s, &answered))
            continue;
    if (!s->upgraded && (answered || s->served))
        linger(s, !answered);
    if (s->calls)
        go_on(s, s->route);
}

void ws__session_run(void *newcomer)
{
    struct ws__newcomer *n = newcomer;
    struct ws__session s;

    ws__fiber_label(own_work);
    session_init(&s, n);
    ws_free(n);
    serve(&s);
    session_end(&s);
}
