/* SPDX-License-Identifier: MIT */

#include "http/socket_route.h"

#include <stdio.h>

#include <silverback/upgrade.h>

#include "base/log.h"

enum {
    GOODBYE_MS = 1000,
    LOGGED_MS = 10 * 1000, /* a refusal is logged so often at most */
};

/* A refusal that the program may be at fault for, of which it would not hear,
 * having no handler.  Who wants to fill the log gets no more than that. */
static void log_refusal(const struct ws__request *r, const ws_route *route)
{
    struct ws__host *host = r->session->host;
    int64_t last = atomic_load(&host->refusal_said), now = ws_now();
    int status = r->pub.error.http_status;
    const char *remote = r->pub.remote_addr;
    char code[16];

    if ((status != 403 && status != 500) ||
        (last != 0 && now - last < LOGGED_MS) ||
        !atomic_compare_exchange_strong(&host->refusal_said, &last, now))
        return;
    const struct ws__log_field fields[] = { { "route", route->path },
                                            { "remote", remote },
                                            { "status", code },
                                            { "reason", r->pub.error.text },
                                            { 0 } };
    const struct ws__log_topic topic = { .level = WS_LOG_WARNING,
                                         .event = "upgrade_refused",
                                         .fields = fields };

    snprintf(code, sizeof(code), "%d", status);
    ws__log(&topic, "route %s: refused %s: %s", route->path,
            remote[0] ? remote : "a local peer", r->pub.error.text);
}

/* What ended the socket may have ended the connection: then there is nothing
 * left to say, and ws_finish returns at once. */
void ws__socket_route(struct ws__request *r, const ws_route *route)
{
    ws_conn *c = ws_upgrade(route->upgrader, &r->pub, NULL);

    if (!c) {
        log_refusal(r, route);
        return;
    }
    route->socket(c, route->arg);
    ws_finish(c, WS_CLOSE_NORMAL, NULL, ws_after(GOODBYE_MS));
    ws_close(c);
}
