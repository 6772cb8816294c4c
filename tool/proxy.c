/* SPDX-License-Identifier: MIT */

#include "proxy.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "entrance.h"
#include "memory.h"
#include "output.h"
#include "relay.h"
#include "serve.h"
#include "tunnel.h"

enum {
    CONNECT_MS = 10 * 1000,
    LEAVE_MS = 1000, /* for the answer to our close */
};

struct proxy {
    struct serve serve;
    struct client client; /* of a target that speaks WebSocket */
    const char *target;
    _Atomic(int64_t) last; /* number of a client */
};

static void proxy_close(ws_conn *c)
{
    ws_finish(c, WS_CLOSE_NORMAL, NULL, ws_after(LEAVE_MS));
    ws_close(c);
}

/* ---- To a stream -------------------------------------------------------- */

static void proxy_to_stream(ws_conn *c, void *arg)
{
    const struct proxy *k = arg;
    ws_error err;
    int fd = ws_connect(k->target, ws_after(CONNECT_MS), NULL, &err);

    if (fd >= 0) {
        tunnel(c, fd);
        return;
    }
    output_note("%s", err.text);
    ws_write_close(c, WS_CLOSE_BAD_GATEWAY, NULL);
}

/* ---- To another WebSocket ----------------------------------------------- */

static bool is_forwarded(const char *name)
{
    static const char *const names[] = { "Origin", "Cookie", "Authorization",
                                         "User-Agent" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcasecmp(name, names[i]) == 0)
            return true;
    return false;
}

/* What the settings have counts before what the client says. */
static ws_header *proxy_headers(const struct proxy *k, const ws_request *r)
{
    ws_header *headers = NULL;
    size_t n = 0;

    for (const ws_header *h = k->client.headers; h->name; h++) {
        headers = memory_resize(headers, (n + 2) * sizeof(*headers));
        headers[n++] = *h;
    }
    for (const ws_header *h = r->headers; h->name; h++) {
        if (!is_forwarded(h->name) || ws_header_get(k->client.headers, h->name))
            continue;
        headers = memory_resize(headers, (n + 2) * sizeof(*headers));
        headers[n++] = *h;
    }
    if (headers)
        headers[n] = (ws_header){ 0 };
    return headers;
}

/* A target without a path is asked for the client's. */
static char *proxy_url(const struct proxy *k, const ws_request *r)
{
    const char *host = strstr(k->client.url, "://");

    return host && !strchr(host + strlen("://"), '/')
               ? memory_printf("%s%s", k->client.url, r->target)
               : memory_copy(k->client.url);
}

static ws_conn *proxy_dial(const struct proxy *k, ws_request *r)
{
    ws_dialer dialer = k->client.dialer;
    char *url = proxy_url(k, r);
    ws_header *headers = proxy_headers(k, r);
    ws_response *resp;
    ws_error err;

    dialer.subprotocols = ws_requested_subprotocols(r);
    ws_conn *c = ws_dial(&dialer, url, headers, &resp, &err);
    if (!c) {
        int status = resp ? resp->status : 0;

        output_note("%s", err.text);
        ws_reply_text(r, status >= 400 && status <= 599 ? status : 502,
                      "the target does not want it\n");
    }
    ws_response_free(resp);
    free(headers);
    free(url);
    return c;
}

/* The target looks at the Origin, and chooses among the subprotocols. */
static void proxy_to_ws(ws_request *r, void *arg)
{
    struct proxy *k = arg;
    ws_upgrader u = k->serve.upgrader;

    if (!ws_is_upgrade(r)) {
        ws_close(ws_upgrade(&u, r, NULL));
        return;
    }
    ws_conn *target = proxy_dial(k, r);
    if (!target)
        return;
    const char *subprotocols[] = { ws_subprotocol(target), NULL };
    u.subprotocols = subprotocols[0][0] ? subprotocols : NULL;
    u.check_origin = ws_any_origin;
    ws_conn *c = ws_upgrade(&u, r, NULL);
    int64_t number = ++k->last;

    output_detail(1, "%lld: %s to %s", (long long)number, ws_remote_addr(c),
                  ws_remote_addr(target));
    relay(c, target, number);
    proxy_close(target);
    proxy_close(c);
}

/* ---- From TCP ----------------------------------------------------------- */

static void proxy_from_tcp(struct entrance *e, int fd)
{
    struct proxy *k = e->arg;
    ws_error err;
    ws_conn *c = ws_dial(&k->client.dialer, k->client.url, k->client.headers,
                         NULL, &err);

    if (!c) {
        output_note("%s", err.text);
        entrance_refuse(fd);
        return;
    }
    struct peer p;
    peers_add(&e->peers, &p, c);
    tunnel(c, fd);
    peers_remove(&e->peers, &p);
    proxy_close(c);
}

/* ---- All of it ---------------------------------------------------------- */

static enum status proxy_serve(struct proxy *k, const char *where)
{
    const ws_route route = { .path = "/",
                             .arg = k,
                             .upgrader = &k->serve.upgrader };
    ws_route routes[] = { route, { 0 } };

    if (client_is_url(k->target))
        routes[0].handler = proxy_to_ws;
    else
        routes[0].socket = proxy_to_stream;
    if (!serve_begin(&k->serve, where, routes, false))
        return STATUS_NO_CONNECTION;
    return serve_end(&k->serve);
}

static enum status proxy_enter(struct proxy *k, const char *where)
{
    struct entrance e = { .serve = proxy_from_tcp, .arg = k };

    if (!client_is_url(k->target)) {
        output_note("tcp: on both sides needs no WebSocket");
        return STATUS_USAGE;
    }
    return entrance_run(&e, where, &k->serve.ending);
}

enum status proxy_run(const struct settings *s)
{
    static const char *const binary[] = { "binary", NULL };
    const char *listen = s->args[0];
    struct proxy k = { 0 };

    k.target = s->args[1] + (strncmp(s->args[1], "tcp:", 4) == 0 ? 4 : 0);
    if (!client_is_url(k.target) && !strchr(k.target, ':')) {
        output_note("TARGET: expected HOST:PORT, unix:PATH or a ws URL, got "
                    "\"%s\"",
                    k.target);
        return STATUS_USAGE;
    }
    serve_init(&k.serve, s);
    k.serve.tls.ca_file = NULL; /* that is whom to trust at the target */
    if (!client_is_url(k.target) && s->subprotocols.n == 0)
        k.serve.upgrader.subprotocols = binary; /* which noVNC asks for */
    if (!client_begin(&k.client, s, k.target, &k.serve.ending))
        return STATUS_USAGE;
    k.client.tls.cert_file = k.client.tls.key_file = NULL; /* LISTEN's */
    enum status status = strncmp(listen, "tcp:", 4) == 0
                             ? proxy_enter(&k, listen + 4)
                             : proxy_serve(&k, listen);
    client_end(&k.client);
    return status;
}
