/* SPDX-License-Identifier: MIT */

/* Who a client is behind proxies: by what they say, if their word counts. */

#include "peer.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/un.h>

#include <silverback.h>

#include "certs.h"
#include "mode.h"
#include "test.h"

enum { PATIENCE_MS = PATIENCE_S * 1000 };

#define V2(command, family, len)                                               \
    13, 10, 13, 10, 0, 13, 10, 'Q', 'U', 'I', 'T', 10, (command), (family), 0, \
        (len)
#define FROM 203, 0, 113, 7, 192, 0, 2, 2, 0x12, 0x67, 0, 80
#define FROM_TRUSTED 127, 0, 0, 9, 192, 0, 2, 2, 0x12, 0x67, 0, 80

static const char *const loopback[] = { "127.0.0.0/8", "::1", NULL };
static const char *const elsewhere[] = { "10.0.0.0/8", "unix", NULL };
static const char *const by_unix[] = { "unix", NULL };

static struct answer a;

/* ---- The server --------------------------------------------------------- */

/* "remote_addr without its port if it is ours, host, tls" */
static void describe(char *out, size_t cap, const ws_request *r)
{
    bool ours = strncmp(r->remote_addr, "127.0.0.1:", 10) == 0;

    snprintf(out, cap, "%s %s %s", ours ? "here" : r->remote_addr, r->host,
             r->tls ? "tls" : "plain");
}

static void tell(ws_request *r, void *arg)
{
    char text[256];

    (void)arg;
    describe(text, sizeof(text), r);
    ws_reply_text(r, 200, text);
}

/* What the connection says of itself is what the request said. */
static void tell_upgraded(ws_request *r, void *arg)
{
    char remote[128];

    (void)arg;
    snprintf(remote, sizeof(remote), "%s", r->remote_addr);
    ws_conn *c = ws_upgrade(NULL, r, NULL);
    if (strcmp(ws_remote_addr(c), remote) == 0)
        ws_writef(c, "%s", ws_remote_addr(c));
    ws_finish(c, WS_CLOSE_NORMAL, NULL, ws_after(PATIENCE_MS));
    ws_close(c);
}

static const ws_route routes[] = { { .path = "/", .handler = tell },
                                   { .path = "/ws", .handler = tell_upgraded },
                                   { 0 } };

static void stop(ws_listener *l)
{
    assert_int_equal(ws_listener_shutdown(l, ws_after(PATIENCE_MS)), 0);
}

static ws_listener *serve_trusting(const char *const *proxies)
{
    return serve((ws_server){ .routes = routes, .trusted_proxies = proxies });
}

/* ---- Headers of requests ------------------------------------------------ */

struct row {
    const char *fields;
    const char *seen; /* of a trusted proxy's */
};

static const struct row rows[] = {
    { "", "here a plain" },
    { "X-Forwarded-For: 203.0.113.7\r\n", "203.0.113.7 a plain" },
    { "X-Forwarded-For: 198.51.100.9, 203.0.113.7, 127.0.0.1\r\n",
      "203.0.113.7 a plain" },
    { "X-Forwarded-For: 203.0.113.7:4711\r\nX-Forwarded-Proto: https\r\n",
      "203.0.113.7:4711 a tls" },
    { "X-Forwarded-For: 2001:DB8::1\r\n", "[2001:db8::1] a plain" },
    { "X-Forwarded-For: unknown\r\n", "here a plain" },
    { "X-Forwarded-Host: b.test:8443\r\n", "here b.test:8443 plain" },
    { "X-Forwarded-Proto: http\r\n", "here a plain" },
    { "Forwarded: for=\"[2001:db8::1]:80\";proto=https;host=\"b:1\"\r\n",
      "[2001:db8::1]:80 b:1 tls" },
    { "Forwarded: for=198.51.100.9, for=203.0.113.7;host=b\r\n",
      "203.0.113.7 b plain" },
    { "Forwarded: for=203.0.113.7\r\nX-Forwarded-For: 203.0.113.7\r\n",
      "203.0.113.7 a plain" },
};

static void get(const ws_listener *l, const char *fields)
{
    char request[1024];

    snprintf(request, sizeof(request), "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n",
             fields);
    ask(l, request, &a);
}

static void a_trusted_proxys_headers_count(void **state)
{
    (void)state;
    ws_listener *l = serve_trusting(loopback);

    for (size_t i = 0; i < COUNT(rows); i++) {
        get(l, rows[i].fields);
        assert_int_equal(a.status, 200);
        assert_string_equal(a.body, rows[i].seen);
    }
    stop(l);
}

static void anybody_elses_change_nothing(void **state)
{
    (void)state;
    static const char *const *const lists[] = { NULL, elsewhere };

    for (size_t k = 0; k < COUNT(lists); k++) {
        ws_listener *l = serve_trusting(lists[k]);

        for (size_t i = 0; i < COUNT(rows); i++) {
            get(l, rows[i].fields);
            assert_int_equal(a.status, 200);
            assert_string_equal(a.body, "here a plain");
        }
        get(l, "Forwarded: for=\r\nX-Forwarded-Host: a/b\r\n");
        assert_int_equal(a.status, 200);
        stop(l);
    }
}

static void each_request_of_a_connection_has_a_client_of_its_own(void **state)
{
    (void)state;
    ws_listener *l = serve_trusting(loopback);
    int fd = call(l);

    for (size_t i = 0; i < COUNT(rows); i++) {
        char request[512];

        snprintf(request, sizeof(request),
                 "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", rows[i].fields);
        say(fd, request);
        assert_true(hear(fd, &a));
        assert_string_equal(a.body, rows[i].seen);
    }
    close(fd);
    stop(l);
}

static void what_contradicts_itself_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *fields, *why;
    } bad[] = {
        { "Forwarded: for=203.0.113.7\r\nX-Forwarded-For: 203.0.113.8\r\n",
          "name different clients" },
        { "Forwarded: for=203.0.113.7;proto=http\r\n"
          "X-Forwarded-Proto: https\r\n",
          "name different protocols" },
        { "Forwarded: for=203.0.113.7;host=b\r\nX-Forwarded-Host: c\r\n",
          "name different hosts" },
        { "Forwarded: for=203.0.113.7:80\r\n", "RFC 7239, section 4" },
        { "X-Forwarded-Host: a/b\r\n", "malformed host" },
    };
    ws_listener *l = serve_trusting(loopback);

    for (size_t i = 0; i < COUNT(bad); i++) {
        get(l, bad[i].fields);
        assert_int_equal(a.status, 400);
        assert_non_null(strstr(a.body, bad[i].why));
    }
    stop(l);
}

/* The page came from https://b.test:8443/, by a proxy that speaks TLS there. */
static void an_origin_is_compared_with_the_host_at_the_proxy(void **state)
{
    (void)state;
    static const struct {
        const char *fields;
        int trusted, not ;
    } origins[] = {
        { "Origin: https://b.test:8443\r\nX-Forwarded-Host: b.test:8443\r\n",
          101, 403 },
        { "Origin: https://b.test:8443\r\nForwarded: for=203.0.113.7;"
          "proto=https;host=\"B.test:8443\"\r\n",
          101, 403 },
        { "Origin: https://b.test\r\nX-Forwarded-Host: b.test:443\r\n", 101,
          403 },
        { "Origin: https://c.test\r\nX-Forwarded-Host: b.test\r\n", 403, 403 },
        { "Origin: http://a\r\nX-Forwarded-Host: b.test\r\n", 403, 101 },
        { "Origin: http://a\r\n", 101, 101 },
    };
    ws_listener *trusting = serve_trusting(loopback);
    ws_listener *other = serve_trusting(NULL);

    for (size_t i = 0; i < COUNT(origins); i++) {
        char request[1024];

        snprintf(request, sizeof(request),
                 "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n"
                 "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n",
                 origins[i].fields);
        assert_int_equal(ask(trusting, request, &a), origins[i].trusted);
        assert_int_equal(ask(other, request, &a), origins[i].not );
    }
    stop(trusting);
    stop(other);
}

static void a_connection_tells_the_clients_address(void **state)
{
    (void)state;
    static const ws_header headers[] = {
        { "X-Forwarded-For", "203.0.113.7:4711" }, { 0 }
    };
    static const ws_dialer dialer = { .proxy = "" };
    ws_listener *l = serve_trusting(loopback);
    char url[128];
    ws_message m;

    snprintf(url, sizeof(url), "ws://%s/ws", ws_listener_addr(l));
    ws_conn *c = ws_dial(&dialer, url, headers, NULL, NULL);
    assert_int_equal(ws_read_message(c, &m), 0);
    assert_string_equal(m.data, "203.0.113.7:4711");
    ws_close(c);
    stop(l);
}

/* ---- Unix sockets ------------------------------------------------------- */

static int call_unix(const char *path)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    strcpy(un.sun_path, path);
    assert_int_equal(connect(fd, (struct sockaddr *)&un, sizeof(un)), 0);
    return fd;
}

static void unix_peers_are_trusted_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *const *trusted;
        const char *seen;
    } lists[] = {
        { by_unix, "203.0.113.7 a plain" },
        { elsewhere, "203.0.113.7 a plain" },
        { loopback, " a plain" },
        { NULL, " a plain" },
    };
    char folder[] = "/tmp/peer_test.XXXXXX", addr[64];

    assert_non_null(mkdtemp(folder));
    snprintf(addr, sizeof(addr), "unix:%s/socket", folder);
    for (size_t i = 0; i < COUNT(lists); i++) {
        ws_listener *l =
            serve((ws_server){ .addr = addr,
                               .routes = routes,
                               .trusted_proxies = lists[i].trusted });
        int fd = call_unix(addr + strlen("unix:"));

        say(fd, "GET / HTTP/1.1\r\nHost: a\r\n"
                "X-Forwarded-For: 203.0.113.7\r\n\r\n");
        assert_true(hear(fd, &a));
        assert_string_equal(a.body, lists[i].seen);
        close(fd);
        stop(l);
    }
    rmdir(folder);
}

/* ---- The PROXY protocol ------------------------------------------------- */

struct proxied {
    const uint8_t *p;
    size_t n;
    const char *fields;
    const char *seen;
};

#define LINE(s) (const uint8_t *)(s), sizeof(s) - 1

static const struct proxied proxied[] = {
    { LINE("PROXY TCP4 203.0.113.7 192.0.2.2 4711 80\r\n"), "",
      "203.0.113.7:4711 a plain" },
    { LINE("PROXY TCP6 2001:db8::1 2001:db8::2 4711 80\r\n"), "",
      "[2001:db8::1]:4711 a plain" },
    { LINE("PROXY UNKNOWN\r\n"), "", "here a plain" },
    { BYTES(V2(0x21, 0x11, 12), FROM), "", "203.0.113.7:4711 a plain" },
    { BYTES(V2(0x21, 0x11, 20), FROM, 0x20, 0, 5, 1, 0, 0, 0, 0), "",
      "203.0.113.7:4711 a tls" },
    { BYTES(V2(0x20, 0, 0)), "", "here a plain" },
    { BYTES(V2(0x21, 0, 0)), "", "here a plain" },
    { BYTES(V2(0x21, 0x31, 216), '/', 'a', '\n', 0x1b, [231] = 0), "",
      "unix:/a\\n\\x1b a plain" },

    /* The client's own words, and those of a trusted proxy behind it. */
    { BYTES(V2(0x21, 0x11, 12), FROM),
      "X-Forwarded-For: 198.51.100.9\r\nX-Forwarded-Proto: https\r\n"
      "X-Forwarded-Host: b\r\n",
      "203.0.113.7:4711 a plain" },
    { BYTES(V2(0x21, 0, 0)), "X-Forwarded-For: 198.51.100.9\r\n",
      "here a plain" },
    { BYTES(V2(0x21, 0x11, 20), FROM_TRUSTED, 0x20, 0, 5, 1, 0, 0, 0, 0),
      "X-Forwarded-For: 198.51.100.9\r\n", "198.51.100.9 a tls" },
    { BYTES(V2(0x21, 0x11, 20), FROM_TRUSTED, 0x20, 0, 5, 1, 0, 0, 0, 0),
      "X-Forwarded-For: 198.51.100.9\r\nX-Forwarded-Proto: http\r\n",
      "198.51.100.9 a plain" },
    { BYTES(V2(0x21, 0x11, 12), FROM_TRUSTED),
      "X-Forwarded-For: 198.51.100.9\r\n", "198.51.100.9 a plain" },
};

static ws_listener *serve_proxied(const ws_server *s)
{
    ws_server server = *s;

    server.routes = routes;
    server.proxy_protocol = true;
    server.trusted_proxies = loopback;
    return serve(server);
}

static size_t put_request(char *out, const struct proxied *p)
{
    memcpy(out, p->p, p->n);
    return p->n + (size_t)sprintf(out + p->n,
                                  "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n",
                                  p->fields);
}

static void the_header_comes_before_all_else(void **state)
{
    (void)state;
    ws_listener *l = serve_proxied(&(ws_server){ 0 });

    for (size_t i = 0; i < COUNT(proxied); i++) {
        char bytes[1024];
        size_t n = put_request(bytes, &proxied[i]);
        int fd = call(l);

        say_n(fd, bytes, n);
        assert_true(hear(fd, &a));
        assert_string_equal(a.body, proxied[i].seen);
        say_n(fd, bytes + proxied[i].n, n - proxied[i].n); /* once is enough */
        assert_true(hear(fd, &a));
        assert_string_equal(a.body, proxied[i].seen);
        close(fd);
    }
    stop(l);
}

static void it_may_come_in_pieces(void **state)
{
    (void)state;
    ws_listener *l = serve_proxied(&(ws_server){ 0 });

    for (size_t i = 0; i < COUNT(proxied); i++) {
        char bytes[1024];
        size_t n = put_request(bytes, &proxied[i]);
        int fd = call(l);

        for (size_t k = 0; k < proxied[i].n; k++) {
            say_n(fd, bytes + k, 1);
            ws_yield();
        }
        say_n(fd, bytes + proxied[i].n, n - proxied[i].n);
        assert_true(hear(fd, &a));
        assert_string_equal(a.body, proxied[i].seen);
        close(fd);
    }
    stop(l);
}

/* ---- What is refused ---------------------------------------------------- */

static ws_mutex log_lock;
static char lines[4096];

static void keep_line(const char *line, void *arg)
{
    (void)arg;
    ws_mutex_lock(&log_lock);
    if (strlen(lines) + strlen(line) + 2 < sizeof(lines))
        strcat(strcat(lines, line), "\n");
    ws_mutex_unlock(&log_lock);
}

static bool logged(const char *text)
{
    ws_mutex_lock(&log_lock);
    bool found = strstr(lines, text) != NULL;
    ws_mutex_unlock(&log_lock);
    return found;
}

static int watch_log(void **state)
{
    (void)state;
    lines[0] = '\0';
    ws_set_log(keep_line, NULL);
    return 0;
}

static int unwatch_log(void **state)
{
    (void)state;
    ws_set_log(NULL, NULL);
    return 0;
}

/* What was not read yet makes it a reset. */
static bool is_disconnected(int fd)
{
    char c;
    ssize_t n = hear_some(fd, &c, 1);

    return n == 0 || (n < 0 && errno == ECONNRESET);
}

/* Of each listener, a line at first and then now and then. */
static void another_beginning_is_disconnected(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "\x16\x03\x01\x02",
        "PROXY TCP4 203.0.113.7 192.0.2.2 4711\r\n",
        "\r\n\r\n",
        "",
    };

    for (size_t i = 0; i < COUNT(bad); i++) {
        ws_listener *l = serve_proxied(&(ws_server){ 0 });
        int fd = call(l);

        say(fd, bad[i]);
        shutdown(fd, SHUT_WR);
        assert_true(is_disconnected(fd));
        close(fd);
        stop(l);
        if (i == 0)
            assert_true(logged("PROXY protocol: expected \"PROXY \" or the "
                               "signature of version 2, got \"GET / HTTP"));
    }
}

static void a_stranger_is_disconnected_whatever_it_says(void **state)
{
    (void)state;
    ws_listener *l = serve((ws_server){ .routes = routes,
                                        .proxy_protocol = true,
                                        .trusted_proxies = elsewhere });

    for (int i = 0; i < 3; i++) {
        int fd = call(l);

        send(fd, "PROXY UNKNOWN\r\n", 15, MSG_NOSIGNAL);
        assert_true(is_disconnected(fd));
        close(fd);
    }
    stop(l);
    assert_true(logged("refused 127.0.0.1:"));
    assert_true(logged("is not in trusted_proxies"));
    assert_null(strchr(strchr(lines, '\n') + 1, '\n')); /* said once */
}

static void half_a_header_has_its_time(void **state)
{
    (void)state;
    ws_listener *l = serve_proxied(&(ws_server){ .request_timeout_ms = 50 });
    int fd = call(l);

    say(fd, "PROXY TCP4 203.0.11");
    assert_true(has_ended(fd));
    assert_true(logged("no header of the PROXY protocol came in time"));
    close(fd);
    stop(l);
}

static void a_shutdown_does_not_wait_for_a_header(void **state)
{
    (void)state;
    ws_listener *l = serve_proxied(&(ws_server){ .request_timeout_ms = -1 });
    int fd = call(l);

    say(fd, "PROXY TCP4 203.0.11");
    stop(l);
    assert_true(is_disconnected(fd));
    close(fd);
}

static void a_server_that_could_not_be_of_use_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "10.0.0.0/8", "proxy.test", NULL };
    static const char *const empty[] = { NULL };
    static const struct {
        ws_server s;
        const char *why;
    } servers[] = {
        { { .trusted_proxies = bad }, "got \"proxy.test\"" },
        { { .proxy_protocol = true }, "in trusted_proxies, got none" },
        { { .proxy_protocol = true, .trusted_proxies = empty }, "got none" },
    };

    for (size_t i = 0; i < COUNT(servers); i++) {
        ws_server s = servers[i].s;
        ws_error err;

        s.addr = "127.0.0.1:0";
        assert_null(ws_listen(&s, &err));
        assert_int_equal(err.code, WS_ERR_INVALID);
        assert_non_null(strstr(err.text, servers[i].why));
    }
}

/* ---- Before TLS --------------------------------------------------------- */

/* As a proxy that passes on what the client encrypts. */
static int connect_as_proxy(const char *host, const char *port,
                            int64_t deadline, void *listener)
{
    int fd = call(listener);

    (void)host;
    (void)port;
    (void)deadline;
    say(fd, "PROXY TCP4 203.0.113.7 192.0.2.2 4711 443\r\n");
    return fd;
}

static void tls_begins_behind_the_header(void **state)
{
    (void)state;
    certs_begin();
    struct cert cert =
        cert_make((struct cert_spec){ .cn = "a", .san = "DNS:a.test" }, NULL);
    const ws_tls tls = { .cert_file = certs_path("a.pem") };
    const ws_tls trust = { .ca_file = certs_path("a.pem") };

    cert_write("a.pem", &cert);
    ws_listener *l = serve_proxied(&(ws_server){ .tls = &tls });
    const ws_dialer d = { .tls = &trust,
                          .connect = connect_as_proxy,
                          .arg = l };
    ws_message m;
    ws_error err;
    ws_conn *c = ws_dial(&d, "wss://a.test/ws", NULL, NULL, &err);

    if (!c)
        fail_msg("%s", err.text);
    assert_int_equal(ws_read_message(c, &m), 0);
    assert_string_equal(m.data, "203.0.113.7:4711");
    ws_close(c);
    stop(l);
    cert_free(&cert);
    certs_end();
}

/* ---- Without memory ----------------------------------------------------- */

static void every_allocation_may_fail(void **state)
{
    (void)state;
    ws_listener *l = serve_proxied(&(ws_server){ 0 });
    char bytes[1024];
    size_t n = put_request(bytes, &proxied[COUNT(proxied) - 1]);
    bool failed = true;

    for (int i = 1; failed; i++) {
        int fd = call(l);

        alloc_fail_at(i);
        send(fd, bytes, n, MSG_NOSIGNAL);
        bool heard = hear(fd, &a);
        failed = alloc_failed();
        alloc_fail_at(0);
        close(fd);
        assert_true(failed || (heard && a.status == 200));
        assert_true(!heard || a.status == 200 || a.status == 500);
    }
    stop(l);
}

int main(void)
{
    alloc_fail_install();

    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trusted_proxys_headers_count),
        cmocka_unit_test(anybody_elses_change_nothing),
        cmocka_unit_test(each_request_of_a_connection_has_a_client_of_its_own),
        cmocka_unit_test(what_contradicts_itself_is_refused),
        cmocka_unit_test(an_origin_is_compared_with_the_host_at_the_proxy),
        cmocka_unit_test(a_connection_tells_the_clients_address),
        cmocka_unit_test(unix_peers_are_trusted_by_name),
        cmocka_unit_test(the_header_comes_before_all_else),
        cmocka_unit_test(it_may_come_in_pieces),
        cmocka_unit_test_setup_teardown(another_beginning_is_disconnected,
                                        watch_log, unwatch_log),
        cmocka_unit_test_setup_teardown(
            a_stranger_is_disconnected_whatever_it_says, watch_log,
            unwatch_log),
        cmocka_unit_test_setup_teardown(half_a_header_has_its_time, watch_log,
                                        unwatch_log),
        cmocka_unit_test(a_shutdown_does_not_wait_for_a_header),
        cmocka_unit_test(a_server_that_could_not_be_of_use_is_refused),
        cmocka_unit_test(tls_begins_behind_the_header),
        cmocka_unit_test(every_allocation_may_fail),
    };

    return run_in_mode("peer", tests, NULL, NULL);
}
