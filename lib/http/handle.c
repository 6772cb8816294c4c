/* SPDX-License-Identifier: MIT */

#include "http/handle.h"

#include <string.h>

#include "fiber/name.h"
#include "fiber/park.h"
#include "fiber/sched.h"
#include "http/on_message.h"
#include "http/route.h"
#include "http/socket_route.h"

const char ws__handle_none[] = WS__WORK "requests and their answers";

static void call_route(void *request)
{
    struct ws__request *r = request;
    struct ws__session *s = r->session;

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
static void call_in_thread(struct ws__request *r)
{
    struct ws__session *s = r->session;

    s->in_thread = true;
    ws__stream_unwatch(&s->stream);
    if (ws__in_thread(call_route, r) != 0)
        ws_reply_text(&r->pub, 503, "Service Unavailable\n");
    if (!s->upgraded)
        (void)ws__stream_watch(&s->stream);
    s->in_thread = false;
}

void ws__handle(struct ws__request *r)
{
    struct ws__session *s = r->session;

    if (strcmp(r->pub.path, "*") == 0) { /* RFC 9110, section 9.3.7 */
        ws_reply(&r->pub, 200, NULL, NULL, 0);
        return;
    }
    s->route = ws__route_find(s->server->routes, r->pub.path);
    if (!s->route) {
        ws_reply_text(&r->pub, 404, "404 page not found\n");
        return;
    }
    ws__fiber_label(s->route->path);
    if (s->route->thread)
        call_in_thread(r);
    else
        call_route(r);
    ws__fiber_label(ws__handle_none);
    if (!r->answered)
        ws_reply_text(&r->pub, 500, "Internal Server Error\n");
}
