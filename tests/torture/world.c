/* SPDX-License-Identifier: MIT */

#include "world.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "faults.h"
#include "../certs.h"
#include "../echo.h"

/* Nobody is to wait for any of these: who does is cut short from outside. */
enum { PATIENCE_MS = 120 * 1000 };

static ws_loop *loop;
static ws_listener *plain, *secure;
static ws_hub *hub;
static ws_fiber *proxies[8];
static size_t proxies_n;

_Noreturn void world_wrong(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    _exit(1);
}

ws_hub *world_hub(void)
{
    return hub;
}

/* Whatever fails says why. */
static void check_told(const char *what, const void *made, const ws_error *err)
{
    if (!made && (err->code >= 0 || err->text[0] == '\0'))
        world_wrong("%s fails and says %d, \"%s\"", what, err->code, err->text);
}

/* ---- Certificates ------------------------------------------------------- */

static char *cert_pem, *key_pem;
static ws_tls serves, trusts;

static char *text_of(BIO *b)
{
    char *p;
    long n = BIO_get_mem_data(b, &p);
    char *text = strndup(p, (size_t)n);

    BIO_free(b);
    return text;
}

void world_make_certs(void)
{
    struct cert c = cert_make((struct cert_spec){ .cn = "torture",
                                                  .san = "DNS:server.test",
                                                  .ca = true },
                              NULL);
    BIO *b = BIO_new(BIO_s_mem());

    PEM_write_bio_X509(b, c.x509);
    cert_pem = text_of(b);
    b = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(b, c.key, NULL, NULL, 0, NULL, NULL);
    key_pem = text_of(b);
    cert_free(&c);
    serves = (ws_tls){ .cert_pem = cert_pem, .key_pem = key_pem };
    trusts = (ws_tls){ .ca_pem = cert_pem, .server_name = "server.test" };
}

/* ---- The server --------------------------------------------------------- */

static const ws_upgrader deflating = { .check_origin = ws_any_origin,
                                       .enable_compression = true,
                                       .ping_interval_ms = -1,
                                       .write_timeout_ms = PATIENCE_MS };
static const ws_upgrader keeping = { .check_origin = ws_any_origin,
                                     .enable_compression = true,
                                     .context_takeover_bits = 12,
                                     .ping_interval_ms = -1,
                                     .write_timeout_ms = PATIENCE_MS };

static void cast(ws_request *r, void *upgrader)
{
    ws_conn *c = ws_upgrade(upgrader, r, NULL);
    ws_message m;

    if (c && ws_hub_join(hub, c, "all", NULL, NULL) == 0)
        while (ws_read_message(c, &m) == 0 &&
               ws_hub_publish(hub, "all", m.type, m.data, m.len, NULL) == 0)
            continue;
    ws_close(c);
}

static const ws_route routes[] = {
    { .path = "/echo", .handler = echo_in_loop, .arg = (void *)&deflating },
    { .path = "/kept", .handler = echo_in_loop, .arg = (void *)&keeping },
    { .path = "/called",
      .handler = echo_when_called,
      .arg = (void *)&deflating },
    { .path = "/cast", .handler = cast, .arg = (void *)&deflating },
    { 0 },
};

static ws_listener *listen_by(const ws_tls *tls, int *code)
{
    const ws_server s = {
        .addr = "127.0.0.1:0",
        .routes = routes,
        .tls = tls,
        .loop = loop,
        .request_timeout_ms = PATIENCE_MS,
        .idle_timeout_ms = PATIENCE_MS,
        .write_timeout_ms = PATIENCE_MS,
        .max_connections = 100,
    };
    ws_error err = { 0 };
    ws_listener *l = ws_listen(&s, &err);

    check_told("to listen", l, &err);
    *code = l ? 0 : err.code;
    return l;
}

/* ---- Proxies ------------------------------------------------------------ */

/* One that has been asked to connect becomes the server itself. */
struct proxy {
    int fd;
    bool tls;
    bool socks;
};

/* Returns whether n bytes have come, or a whole head. */
static bool hear(int fd, char *to, size_t n, bool head)
{
    for (size_t at = 0; at < n;) {
        if (ws_wait_fd(fd, POLLIN, 0) < 0)
            return false;
        ssize_t r = faults_real_recv(fd, to + at, 1, MSG_DONTWAIT);
        if (r == 0 || (r < 0 && errno != EAGAIN))
            return false;
        at += r > 0 ? (size_t)r : 0;
        if (head && at >= 4 && memcmp(to + at - 4, "\r\n\r\n", 4) == 0)
            return true;
    }
    return !head;
}

static void say(int fd, const void *p, size_t n)
{
    (void)faults_real_send(fd, p, n, MSG_NOSIGNAL);
}

static bool agree_http(int fd)
{
    static const char yes[] = "HTTP/1.1 200 OK\r\n\r\n";
    char head[1024];

    if (!hear(fd, head, sizeof(head), true))
        return false;
    say(fd, yes, strlen(yes));
    return true;
}

/* RFC 1928: no authentication, and a connect by name. */
static bool agree_socks(int fd)
{
    char p[512];

    if (!hear(fd, p, 2, false) || !hear(fd, p + 2, (uint8_t)p[1], false))
        return false;
    say(fd, "\5\0", 2);
    if (!hear(fd, p, 5, false) || !hear(fd, p + 5, (uint8_t)p[4] + 2u, false))
        return false;
    say(fd, "\5\0\0\1\0\0\0\0\0\0", 10);
    return true;
}

static void proxy_run(void *arg)
{
    struct proxy p = *(struct proxy *)arg;

    free(arg);
    if (p.socks ? agree_socks(p.fd) : agree_http(p.fd))
        (void)ws_listener_serve_fd(p.tls ? secure : plain, p.fd, "peer");
    else
        close(p.fd);
}

static int proxy_begin(int fd, const struct way *way)
{
    struct proxy *p = malloc(sizeof(*p));

    *p = (struct proxy){ fd, way->tls, strncmp(way->proxy, "socks", 5) == 0 };
    ws_fiber *f = ws_go(proxy_run, p);
    if (f) {
        proxies[proxies_n++] = f;
        return 0;
    }
    close(fd);
    free(p);
    return -ENOMEM;
}

/* ---- Ways --------------------------------------------------------------- */

static int reach(const char *host, const char *port, int64_t deadline,
                 void *arg)
{
    const struct way *way = arg;
    int ends[2];

    (void)host;
    (void)port;
    (void)deadline;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
                   ends) != 0)
        return -errno;
    int r = way->proxy ? proxy_begin(ends[1], way)
                       : ws_listener_serve_fd(way->tls ? secure : plain,
                                              ends[1], "peer");
    if (r == 0)
        return ends[0];
    close(ends[0]);
    return r;
}

static void write_url(const struct way *way, char *out, size_t n)
{
    const char *at = ws_listener_addr(way->tls ? secure : plain);
    char named[64];

    snprintf(named, sizeof(named), "server.test%s", strrchr(at, ':'));
    snprintf(out, n, "%s://%s%s", way->tls ? "wss" : "ws",
             way->tcp ? at : named, way->path);
}

ws_conn *world_dial(const struct way *way, int *code)
{
    ws_tls tls = trusts;
    const ws_dialer d = { .handshake_timeout_ms = PATIENCE_MS,
                          .enable_compression = true,
                          .context_takeover_bits = way->bits,
                          .ping_interval_ms = -1,
                          .write_timeout_ms = PATIENCE_MS,
                          .proxy = way->proxy ? way->proxy : "",
                          .tls = &tls,
                          .connect = way->tcp || way->name ? NULL : reach,
                          .arg = (void *)way };
    ws_response *response = NULL;
    char url[128];
    ws_error err = { 0 };

    tls.no_resumption = !way->resumed;
    write_url(way, url, sizeof(url));
    ws_conn *c = ws_dial(&d, url, NULL, &response, &err);
    check_told("a dial", c, &err);
    ws_response_free(response);
    *code = c ? 0 : err.code;
    return c;
}

/* ---- Its life ----------------------------------------------------------- */

struct running {
    int (*fn)(void *arg);
    void *arg;
    int r;
};

static void running_fiber(void *arg)
{
    struct running *r = arg;

    r->r = r->fn(r->arg);
}

int world_run(int (*fn)(void *arg), void *arg)
{
    struct running r = { fn, arg, 0 };
    ws_fiber *f = ws_go(running_fiber, &r);

    if (!f)
        return -ENOMEM;
    ws_join(f);
    return r.r;
}

static void quiet(const char *line, void *arg)
{
    (void)line;
    (void)arg;
}

int world_begin(void)
{
    int r = -ENOMEM;

    ws_set_log(quiet, NULL);
    loop = ws_loop_new(0);
    hub = loop ? ws_hub_new(NULL, NULL) : NULL;
    if (hub)
        plain = listen_by(NULL, &r);
    if (plain)
        secure = listen_by(&serves, &r);
    return r;
}

static int stop(ws_listener **l)
{
    int r = *l ? ws_listener_shutdown(*l, ws_after(PATIENCE_MS)) : 0;

    *l = NULL;
    return r;
}

bool world_end(void)
{
    while (proxies_n > 0)
        ws_join(proxies[--proxies_n]);
    int a = stop(&plain), b = stop(&secure);
    ws_hub_free(hub);
    int c = loop ? ws_loop_free(loop) : 0;
    loop = NULL;
    hub = NULL;
    ws_cleanup();
    if (a != 0 || b != 0 || c != 0)
        fprintf(stderr, "shutdown: %d %d, loop: %d\n", a, b, c);
    return a == 0 && b == 0 && c == 0;
}
