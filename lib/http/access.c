/* SPDX-License-Identifier: MIT */

#include "http/access.h"

#include <stdio.h>

#include <silverback/stats.h>

#include "base/log.h"
#include "conn/count.h"
#include "conn/extras.h"
#include "fiber/seldom.h"

static void count_session(struct ws__session *s, enum ws_counter what)
{
    ws__count_in(ws__registry_stats(s->host->registry), false, what, 1);
}

/* 0: of what has no beginning. */
static int64_t ms_since(int64_t began)
{
    return began == 0 ? 0 : ws_now() - began;
}

void ws__access_turned_away(struct ws__session *s)
{
    count_session(s, WS_COUNT_TURNED_AWAY);
}

void ws__access_tls_failed(struct ws__session *s)
{
    count_session(s, WS_COUNT_TLS_FAILED);
}

/* ---- Requests ----------------------------------------------------------- */

void ws__access_answer(struct ws__request *r, int status)
{
    r->status = status;
    count_session(r->session,
                  (enum ws_counter)(WS_COUNT_RESPONSES_1XX + status / 100 - 1));
}

void ws__access_request(const struct ws__request *r)
{
    const struct ws__session *s = r->session;

    if (!ws__registry_has_access(s->host->registry) || r->status == 0 ||
        r->status == 101)
        return;
    ws__registry_tell(s->host->registry,
                      &(ws_access){
                          .remote_addr = r->pub.remote_addr,
                          .request = r->began != 0 ? &r->pub : NULL,
                          .status = r->status,
                          .bytes = r->sent,
                          .ms = ms_since(r->began),
                      });
}

static enum ws_counter refusal_of(int status)
{
    static const struct {
        int status;
        enum ws_counter counter;
    } rows[] = {
        { 400, WS_COUNT_REFUSED_400 }, { 403, WS_COUNT_REFUSED_403 },
        { 405, WS_COUNT_REFUSED_405 }, { 426, WS_COUNT_REFUSED_426 },
        { 429, WS_COUNT_REFUSED_429 }, { 500, WS_COUNT_REFUSED_500 },
        { 503, WS_COUNT_REFUSED_503 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        if (rows[i].status == status)
            return rows[i].counter;
    return WS_COUNT_REFUSED_OTHER;
}

/* Those that the program may be at fault for. */
static bool is_logged(const struct ws__request *r, int status)
{
    return (status == 403 || status == 500) &&
           ws__seldom(&r->session->host->refusal_said);
}

static void log_refusal(const struct ws__request *r, int status)
{
    const ws_route *route = r->session->route;
    const char *remote = r->pub.remote_addr;
    const char *path = route ? route->path : r->pub.path;
    char code[16];
    const struct ws__log_field fields[] = { { "route", path },
                                            { "remote", remote },
                                            { "status", code },
                                            { "reason", r->pub.error.text },
                                            { 0 } };
    const struct ws__log_topic topic = { .level = WS_LOG_WARNING,
                                         .event = "upgrade_refused",
                                         .fields = fields };

    snprintf(code, sizeof(code), "%d", status);
    ws__log(&topic, "route %s: refused %s: %s", path,
            remote[0] ? remote : "a local peer", r->pub.error.text);
}

void ws__access_refusal(const struct ws__request *r, int status)
{
    count_session(r->session, refusal_of(status));
    if (is_logged(r, status))
        log_refusal(r, status);
}

/* ---- Connections -------------------------------------------------------- */

/* Without memory for its begin, a connection took no time. */
void ws__access_upgrade(struct ws__request *r, ws_conn *c)
{
    struct ws__session *s = r->session;

    ws__access_answer(r, 101);
    if (!ws__registry_has_access(s->host->registry))
        return;
    struct ws__extras *x = ws__extras_own(c);
    if (x)
        x->began = ws_now();
    ws__registry_tell(s->host->registry, &(ws_access){
                                             .remote_addr = r->pub.remote_addr,
                                             .request = &r->pub,
                                             .conn = c,
                                             .status = 101,
                                             .ms = ms_since(r->began),
                                         });
}

void ws__access_end(const struct ws__registry *g, ws_conn *c)
{
    if (ws__registry_has_access(g))
        ws__registry_tell(g, &(ws_access){
                                 .remote_addr = ws_remote_addr(c),
                                 .conn = c,
                                 .ms = ms_since(ws__extras(c)->began),
                             });
}
