/* SPDX-License-Identifier: MIT */

#include "server/listener.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <silverback/conn.h>

#include "base/alloc.h"
#include "base/error.h"
#include "conn/stats.h"
#include "fiber/cores.h"
#include "fiber/loop.h"
#include "http/limits.h"
#include "http/route.h"
#include "http/session.h"
#include "http/upgrade.h"
#include "io/tls_context.h"
#include "proto/accept_key.h"
#include "proto/close.h"
#include "proto/trusted.h"
#include "server/defaults.h"
#include "server/seat.h"

static const char no_addr[] = "none";

/* ---- Where it listens --------------------------------------------------- */

static size_t endpoints_of(const ws_server *s)
{
    size_t n = strcmp(s->addr, no_addr) != 0;

    for (const char *const *a = s->addrs; a && *a; a++)
        n++;
    return n + s->nfds;
}

static int endpoint_open_next(ws_listener *l, const char *addr, ws_error *err)
{
    return ws__endpoint_open(&l->endpoints[l->nendpoints++], addr,
                             &l->host.server, err);
}

/* A descriptor that stands in the list twice is taken, and closed, once. */
static int endpoint_take_next(ws_listener *l, size_t i, ws_error *err)
{
    const int *fds = l->host.server.fds;
    struct ws__endpoint *e = &l->endpoints[l->nendpoints++];

    for (size_t j = 0; j < i; j++)
        if (fds[j] == fds[i]) {
            e->fd = -1;
            return ws__fail(err, WS_ERR_INVALID,
                            "listen on descriptor %d: expected it once, got "
                            "it twice",
                            fds[i]);
        }
    return ws__endpoint_take(e, fds[i], err);
}

/* Each of them is taken, whatever is wrong with another one. */
static int endpoints_take(ws_listener *l, ws_error *err)
{
    const ws_server *s = &l->host.server;
    int error = 0;

    for (size_t i = 0; i < s->nfds; i++) {
        int r = endpoint_take_next(l, i, error == 0 ? err : NULL);

        error = error == 0 ? r : error;
    }
    return error;
}

static int endpoints_open(ws_listener *l, ws_error *err)
{
    const ws_server *s = &l->host.server;
    int error = endpoints_take(l, err);

    if (error == 0 && strcmp(s->addr, no_addr) != 0)
        error = endpoint_open_next(l, s->addr, err);
    for (const char *const *a = s->addrs; error == 0 && a && *a; a++)
        error = endpoint_open_next(l, *a, err);
    return error;
}

const char *ws_listener_addr_at(const ws_listener *l, size_t i)
{
    const ws_server *s = &l->host.server;
    size_t opened = l->nendpoints - s->nfds;

    if (i >= l->nendpoints)
        return NULL;
    /* Those that were handed in are opened first, and named last. */
    return l->endpoints[i < opened ? s->nfds + i : i - opened].addr;
}

const char *ws_listener_addr(const ws_listener *l)
{
    return l->addr;
}

/* ---- Beginning and end -------------------------------------------------- */

void ws__listener_free(ws_listener *l)
{
    ws__seats_join(l);
    for (size_t i = 0; i < l->nendpoints; i++)
        ws__endpoint_close(&l->endpoints[i]);
    ws__turned_away_close(&l->turned_away, INT64_MAX);
    if (l->host.registry) {
        ws__stats_close(ws__registry_stats(l->host.registry));
        ws__registry_unref(l->host.registry);
    }
    ws__tls_context_free(l->host.tls);
    ws_free(l->host.trusted);
    ws__limits_unref(l->host.limits);
    ws_free(l->endpoints);
    ws_free(l->acceptors);
    ws_free(l);
}

/* In threads mode there is one, which only accepts; a loop is one. */
static int seats_of(const ws_server *s)
{
    if (s->threads || s->loop)
        return 1;
    return s->workers > 0 ? s->workers : ws__cores();
}

static bool listener_make_parts(ws_listener *l)
{
    size_t n = endpoints_of(&l->host.server), seats = (size_t)l->nseats;

    l->endpoints = ws__zalloc((n + 1) * sizeof(*l->endpoints));
    l->acceptors = ws__zalloc((n + 1) * seats * sizeof(*l->acceptors));
    l->host.registry =
        ws__registry_new((unsigned)l->nseats, l->host.server.routes,
                         &ws__session_ops, &ws__upgraded_ops);
    if (!l->endpoints || !l->acceptors || !l->host.registry)
        return false;
    for (size_t i = 0; i < seats; i++) {
        l->seats[i].listener = l;
        l->seats[i].index = (unsigned)i;
        l->seats[i].acceptors = l->acceptors + i * n;
        for (size_t j = 0; j < n; j++)
            l->seats[i].acceptors[j] =
                (struct ws__acceptor){ .seat = &l->seats[i],
                                       .endpoint = &l->endpoints[j] };
    }
    return true;
}

static ws_listener *listener_new(const ws_server *s)
{
    int n = seats_of(s);
    ws_listener *l = ws__zalloc(sizeof(*l) + (size_t)n * sizeof(*l->seats));

    if (!l)
        return NULL;
    l->host.server = *s;
    ws__defaults(&l->host.server);
    l->nseats = n;
    l->descriptors = ws__defaults_connections(&l->host.server, (size_t)n);
    if (listener_make_parts(l) &&
        ws__limits_new(&l->host.limits, &l->host.server) == 0)
        return l;
    ws__listener_free(l);
    return NULL;
}

static int check_loop(const ws_server *s, ws_error *err)
{
    if (!s->loop)
        return 0;
    if (s->threads)
        return ws__fail(err, WS_ERR_INVALID,
                        "loop: expected no threads beside it");
    if (!ws__loop_worker(s->loop))
        return ws__fail(err, WS_ERR_INVALID,
                        "loop: expected the calling thread's, got another's");
    return 0;
}

/* Without any, nobody could connect. */
static int trust_proxies(ws_listener *l, ws_error *err)
{
    const ws_server *s = &l->host.server;
    int error = ws__trusted_new(&l->host.trusted, s->trusted_proxies, err);

    if (error == 0 && s->proxy_protocol && !l->host.trusted)
        return ws__fail(err, WS_ERR_INVALID,
                        "proxy_protocol: expected the proxies that speak it in "
                        "trusted_proxies, got none");
    return error;
}

int ws_listener_set_goodbye(ws_listener *l, const ws_goodbye *goodbye)
{
    static const ws_goodbye standard;
    const ws_goodbye *g = goodbye ? goodbye : &standard;
    int code = g->code == 0 ? WS_CLOSE_GOING_AWAY : g->code;

    if (!l || !ws__close_sendable(code))
        return WS_ERR_INVALID;
    ws__registry_set_goodbye(l->host.registry, code, g->reason);
    atomic_store(&l->spread_ms, g->spread_ms > 0 ? g->spread_ms : 0);
    return 0;
}

/* OpenSSL loads much when it is first asked, which is not to be in a client's
 * time. */
static void warm_up(void)
{
    char accept[WS__ACCEPT_LEN + 1];

    ws__accept_key(accept, "AAAAAAAAAAAAAAAAAAAAAA==");
}

static int listener_check(ws_listener *l, ws_error *err)
{
    const ws_server *s = &l->host.server;
    int error = ws__routes_check(s->routes, err);

    if (error == 0)
        error = check_loop(&l->host.server, err);
    if (error == 0)
        error = trust_proxies(l, err);
    if (error == 0 && ws_listener_set_goodbye(l, s->goodbye) != 0)
        error = ws__fail(err, WS_ERR_INVALID,
                         "goodbye: expected a close code that may be sent, "
                         "got %d",
                         s->goodbye->code);
    return error;
}

static int listener_start(ws_listener *l, ws_error *err)
{
    const ws_tls *tls = l->host.server.tls;
    int error = endpoints_open(l, err);

    if (error == 0)
        error = listener_check(l, err);
    if (error != 0)
        return error;
    l->addr = l->nendpoints > 0 ? ws_listener_addr_at(l, 0) : no_addr;
    warm_up();
    if (tls && !(l->host.tls = ws__tls_context_new(tls, err)))
        return WS_ERR_TLS;
    ws__registry_set_access(l->host.registry, l->host.server.access,
                            l->host.server.access_arg);
    ws__stats_open(ws__registry_stats(l->host.registry), l->addr);
    error = ws__seats_start(l);
    if (error != 0)
        ws__fail(err, error,
                 "listen on %s: no memory, or too few descriptors, for %d "
                 "workers",
                 ws_listener_addr(l), l->nseats);
    return error;
}

/* Without a listener that could take them. */
static void close_given(const ws_server *s)
{
    for (size_t i = 0; i < s->nfds; i++)
        close(s->fds[i]);
}

ws_listener *ws_listen(const ws_server *server, ws_error *err)
{
    static const ws_server standard;
    const ws_server *s = server ? server : &standard;
    ws_listener *l = listener_new(s);

    if (err)
        *err = (ws_error){ 0 };
    if (!l) {
        close_given(s);
        ws__fail(err, -ENOMEM, "listen: out of memory");
        return NULL;
    }
    if (listener_start(l, err) == 0)
        return l;
    ws__listener_free(l);
    return NULL;
}

int ws_listener_reload(ws_listener *l, ws_error *err)
{
    if (err)
        *err = (ws_error){ 0 };
    if (!l)
        return ws__fail(err, WS_ERR_INVALID, "reload: no listener");
    return l->host.tls ? ws__tls_context_reload(l->host.tls, err) : 0;
}
