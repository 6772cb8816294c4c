/* SPDX-License-Identifier: MIT */

#include "http/handle.h"

#include <string.h>

#include "conn/conn.h"
#include "fiber/name.h"
#include "fiber/park.h"
#include "fiber/sched.h"
#include "http/deny.h"
#include "http/on_message.h"
#include "http/route.h"
#include "http/socket_route.h"

const char ws__handle_none[] = WS__WORK "requests and their answers";

/* What is seldom called has frames of its own: they must not lie in that of a
 * handler that waits for long. */
__attribute__((noinline)) static void deny_route(struct ws__request *r,
                                                 int status, const char *reason)
{
    ws__deny(r, &(struct ws__denial){ .status = status, .reason = reason });
}

static void call_route(void *request)
{
    struct ws__request *r = request;
    struct ws__session *s = r->session;

    s->under_way = r;
    ws__set_own(s);
    if (s->route->socket)
        ws__socket_route(r, s->route);
    else
        s->route->handler(&r->pub, s->route->arg);
    ws__set_own(NULL);
    ws__before_park_run();
    if (s->on_message && s->in_thread)
        ws__on_message_go_on(s);
}

/* What comes meanwhile is the thread's, and must not wake the worker. */
__attribute__((noinline)) static void call_in_thread(struct ws__request *r)
{
    struct ws__session *s = r->session;

    s->in_thread = true;
    ws__registry_thread(s->host->registry, true);
    ws__stream_unwatch(&s->stream);
    if (ws__in_thread(call_route, r) != 0)
        deny_route(r, 503, "Service Unavailable");
    if (!s->upgraded)
        (void)ws__conn_watch(&s->stream);
    ws__registry_thread(s->host->registry, false);
    s->in_thread = false;
}

static void run_route(struct ws__request *r)
{
    const ws_route *route = r->session->route;

    atomic_store(&r->session->stay.route, route->path);
    ws__fiber_label(route->path);
    if (route->thread)
        call_in_thread(r);
    else
        call_route(r);
    ws__fiber_label(ws__handle_none);
    atomic_store(&r->session->stay.route, NULL);
    if (!r->answered)
        deny_route(r, 500, "Internal Server Error");
}

/* The path has routes, but none for this method (RFC 9110, sections 9.3.7 and
 * 15.5.6). */
__attribute__((noinline)) static void answer_method(struct ws__request *r,
                                                    const ws_route *of_path)
{
    char allow[WS__ALLOW_SIZE];
    const ws_header headers[] = { { "Allow", allow }, { 0 } };

    ws__route_allow(of_path, allow);
    if (strcmp(r->pub.method, "OPTIONS") == 0)
        ws_reply(&r->pub, 204, headers, NULL, 0);
    else
        ws__deny(r, &(struct ws__denial){ 405, .reason = "Method Not Allowed",
                                          .needed = headers });
}

void ws__handle(struct ws__request *r)
{
    struct ws__session *s = r->session;

    s->route = NULL;
    if (strcmp(r->pub.path, "*") == 0) { /* RFC 9110, section 9.3.7 */
        ws_reply(&r->pub, 200, NULL, NULL, 0);
        return;
    }
    const ws_route *of_path = ws__route_find(s->server->routes, r->pub.path);
    if (!of_path) {
        deny_route(r, 404, "404 page not found");
        return;
    }
    s->route = ws__route_choose(of_path, r->pub.method);
    if (s->route)
        run_route(r);
    else
        answer_method(r, of_path);
}
