/* SPDX-License-Identifier: MIT */

#include "serve.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "output.h"
#include "page.html.h"
#include "process.h"

enum {
    SHUTDOWN_MS = 10 * 1000,
    LEAVE_MS = 1000, /* for the answer to our close */
};

void serve_init(struct serve *v, const struct settings *s)
{
    *v = (struct serve){
        .settings = s,
        .upgrader = {
            .subprotocols = s->subprotocols.items,
            .allowed_origins = s->origins.items,
            .enable_compression = s->compress && !s->no_compress,
            .context_takeover_bits = s->takeover_bits,
            .read_limit = s->max_message,
            .ping_interval_ms = s->ping_ms,
        },
        .tls = {
            .cert_file = s->cert,
            .key_file = s->key,
            .ca_file = s->ca,
            .key_log = true,
        },
        .goodbye = { .code = s->close_code, .reason = s->close_reason },
    };
}

/* ---- What there is ------------------------------------------------------ */

static void serve_socket(const struct serve *v, ws_request *r)
{
    ws_conn *c = ws_upgrade(&v->upgrader, r, NULL);

    if (!c)
        return;
    v->socket(c, v->arg);
    ws_finish(c, WS_CLOSE_NORMAL, NULL, ws_after(LEAVE_MS));
    ws_close(c);
}

static void serve_any(ws_request *r, void *arg)
{
    const struct serve *v = arg;
    bool is_page = !ws_is_upgrade(r);

    if (is_page && v->settings->files)
        ws_reply_file(r, v->settings->files);
    else if (is_page && v->has_page)
        ws_reply_html(r, 200, page_html);
    else
        serve_socket(v, r);
}

ws_route serve_all(struct serve *v, ws_socket_fn socket, void *arg, bool page)
{
    v->socket = socket;
    v->arg = arg;
    v->has_page = page;
    /* serve_any has the upgrader itself: it is here for ws_listen to check */
    return (ws_route){
        .path = "/", .handler = serve_any, .arg = v, .upgrader = &v->upgrader
    };
}

/* ---- Listening ---------------------------------------------------------- */

/* A port alone is this machine's own. */
static char *serve_address(const char *where)
{
    bool port = where[0] && where[strspn(where, "0123456789")] == '\0';

    return port ? memory_printf("localhost:%s", where) : memory_copy(where);
}

/* "fd:N"; -1 if it is none. */
static int serve_descriptor(const char *where)
{
    const char *n = where + strlen("fd:");

    if (strncmp(where, "fd:", strlen("fd:")) != 0 || !*n ||
        n[strspn(n, "0123456789")])
        return -1;
    return (int)strtol(n, NULL, 10);
}

static void tell_access(const ws_access *a, void *arg)
{
    (void)arg;
    if (a->status == 0)
        output_detail(1, "%s: %s", a->remote_addr,
                      ws_conn_error(a->conn)->text);
    else if (a->request)
        output_detail(1, "%s: %s %s %d", a->remote_addr, a->request->method,
                      a->request->target, a->status);
}

static void serve_tell(const struct serve *v)
{
    const char *addr;

    for (size_t i = 0; (addr = ws_listener_addr_at(v->listener, i)); i++)
        output_note("listening on %s", addr);
}

static void serve_wish(bool signaled, void *arg)
{
    struct serve *v = arg;

    (void)signaled;
    serve_finish(v, WS_CLOSE_GOING_AWAY);
}

bool serve_begin(struct serve *v, const char *where, const ws_route *routes,
                 bool threads)
{
    char *addr = serve_address(where);
    int fd = serve_descriptor(where);
    const ws_server server = {
        .addr = fd < 0 ? addr : "none",
        .fds = &fd,
        .nfds = fd >= 0,
        .routes = routes,
        .tls = v->settings->cert ? &v->tls : NULL,
        .threads = threads,
        .max_connections = (size_t)v->settings->max_clients,
        .access = tell_access,
    };
    ws_error err;

    process_raise_limit();
    v->listener = ws_listen(&server, &err);
    free(addr);
    if (!v->listener) {
        output_note("%s", err.text);
        return false;
    }
    serve_tell(v);
    v->watch.wish = serve_wish;
    v->watch.arg = v;
    watch_begin(&v->watch);
    return true;
}

void serve_finish(struct serve *v, int code)
{
    ws_goodbye goodbye = v->goodbye;

    if (ws_event_is_set(&v->ending))
        return;
    goodbye.code = goodbye.code ? goodbye.code : code;
    ws_listener_set_goodbye(v->listener, &goodbye);
    ws_event_set(&v->ending);
}

enum status serve_end(struct serve *v)
{
    ws_event_wait(&v->ending, 0);
    int r = ws_listener_shutdown(v->listener, ws_after(SHUTDOWN_MS));
    if (r != 0)
        output_note("%s", ws_listener_error(v->listener)->text);
    watch_end(&v->watch);
    return r == 0 ? STATUS_CLOSED : STATUS_TIMEOUT;
}
