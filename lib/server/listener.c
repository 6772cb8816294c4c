/* SPDX-License-Identifier: MIT */

#include "server/listener.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/error.h"
#include "conn/stats.h"
#include "fiber/cores.h"
#include "fiber/loop.h"
#include "http/limits.h"
#include "http/route.h"
#include "io/listen.h"
#include "io/tls_context.h"
#include "proto/accept_key.h"
#include "proto/trusted.h"
#include "server/defaults.h"
#include "server/seat.h"

enum { LAST_WAIT_MS = 1000 };

static void listener_free(ws_listener *l)
{
    ws__seats_join(l);
    if (l->host.registry) {
        ws__stats_close(ws__registry_stats(l->host.registry));
        ws__registry_unref(l->host.registry);
    }
    ws__tls_context_free(l->host.tls);
    ws_free(l->host.trusted);
    ws__limits_unref(l->host.limits);
    ws_free(l);
}

/* In threads mode there is one, which only accepts; a loop is one. */
static int seats_of(const ws_server *s)
{
    if (s->threads || s->loop)
        return 1;
    return s->workers > 0 ? s->workers : ws__cores();
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
    for (int i = 0; i < n; i++) {
        l->seats[i].listener = l;
        l->seats[i].index = (unsigned)i;
    }
    l->host.registry = ws__registry_new((unsigned)n);
    if (l->host.registry &&
        ws__limits_new(&l->host.limits, &l->host.server) == 0)
        return l;
    listener_free(l);
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

/* OpenSSL loads much when it is first asked, which is not to be in a client's
 * time. */
static void warm_up(void)
{
    char accept[WS__ACCEPT_LEN + 1];

    ws__accept_key(accept, "AAAAAAAAAAAAAAAAAAAAAA==");
}

static int listener_start(ws_listener *l, ws_error *err)
{
    const ws_tls *tls = l->host.server.tls;
    int error = ws__routes_check(l->host.server.routes, err);

    if (error == 0)
        error = check_loop(&l->host.server, err);
    if (error == 0)
        error = trust_proxies(l, err);
    if (error != 0)
        return error;
    warm_up();
    if (tls && !(l->host.tls = ws__tls_context_new(tls, err)))
        return WS_ERR_TLS;
    l->fd = ws__listen(l->host.server.addr, err);
    if (l->fd < 0)
        return l->fd;
    ws__local_name(l->fd, l->addr);
    ws__registry_set_access(l->host.registry, l->host.server.access,
                            l->host.server.access_arg);
    ws__stats_open(ws__registry_stats(l->host.registry), l->addr);
    error = ws__seats_start(l);
    if (error != 0)
        ws__fail(err, error,
                 "listen on %s: no memory, or too few descriptors, for %d "
                 "workers",
                 l->host.server.addr, l->nseats);
    return error;
}

ws_listener *ws_listen(const ws_server *s, ws_error *err)
{
    static const ws_server standard;
    ws_listener *l = listener_new(s ? s : &standard);

    if (err)
        *err = (ws_error){ 0 };
    if (!l) {
        ws__fail(err, -ENOMEM, "listen: out of memory");
        return NULL;
    }
    if (listener_start(l, err) == 0)
        return l;
    listener_free(l);
    return NULL;
}

const char *ws_listener_addr(const ws_listener *l)
{
    return l->addr;
}

static int wait_all(ws_listener *l, int64_t deadline)
{
    int r = ws__registry_wait(l->host.registry, deadline);

    return r == 0 ? ws_event_wait(&l->ended, deadline) : r;
}

int ws_listener_shutdown(ws_listener *l, int64_t deadline)
{
    if (!l)
        return 0;
    /* Who finds that nobody listens any more must not be told afterwards that
     * its connection may be used again. */
    ws__registry_refuse(l->host.registry);
    ws_event_set(&l->stop);
    ws__registry_close(l->host.registry);
    int r = wait_all(l, deadline);
    if (r != 0) {
        ws__registry_break(l->host.registry);
        r = wait_all(l, ws_after(LAST_WAIT_MS));
    }
    if (r != 0)
        return r;
    listener_free(l);
    return 0;
}
