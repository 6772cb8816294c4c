/* SPDX-License-Identifier: MIT */

/* Our client and our server over TLS. */

#include "test.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "alloc_fail.h"
#include "io/tls_stamp.h"
#include "tls_ends.h"

static struct cert ca, other_ca;

/* ---- The server --------------------------------------------------------- */

static ws_event drained;

/* Writes until there is no room, and goes on when there is again. */
static void flood(ws_request *r, void *arg)
{
    ws_conn *c = ws_upgrade(&upgrader, r, NULL);
    char text[1000];
    int n = 0, error = 0;

    (void)arg;
    memset(text, '.', sizeof(text));
    while (error == 0) {
        snprintf(text, 16, "%010d", n);
        ws_set_write_deadline(c, ws_after(100));
        error = ws_write_message(c, WS_TEXT, text, sizeof(text));
        n += error == 0;
    }
    ws_event_set(&drained);
    ws_set_write_deadline(c, ws_after(PATIENCE_MS));
    if (error == WS_ERR_TIMEOUT)
        ws_writef(c, "sent %d", n);
    ws_finish(c, WS_CLOSE_NORMAL, NULL, ws_after(PATIENCE_MS));
    ws_close(c);
}

static const ws_route routes[] = {
    { .path = "/", .handler = echo },
    { .path = "/flood", .handler = flood },
    { 0 },
};

static ws_listener *serve_tls(const ws_tls *tls)
{
    return serve((ws_server){ .routes = routes, .tls = tls });
}

/* ---- Who is at the other end -------------------------------------------- */

#define NAMED .cn = "good.test", .san = "DNS:good.test"

/* words NULL: it passes. */
static const struct {
    const char *host;
    struct cert_spec spec;
    char by; /* 'c': our CA, 'o': another one, 's': itself */
    const char *words;
} peers[] = {
    { "good.test", { NAMED }, 'c', NULL },
    { "GOOD.test", { NAMED }, 'c', NULL },
    { "good.test.", { NAMED }, 'c', NULL },
    { "good.test:8443", { NAMED }, 'c', NULL },
    { "wrong.test", { NAMED }, 'c', "hostname mismatch (depth 0, CN=good" },
    { "good.test.evil.test", { NAMED }, 'c', "hostname mismatch" },
    { "good.test",
      { NAMED, .from = -2, .to = -1 },
      'c',
      "TLS with good.test: certificate has expired (depth 0, CN=good.test)" },
    { "good.test",
      { NAMED, .from = 1, .to = 2 },
      'c',
      "certificate is not yet valid (depth 0, CN=good.test)" },
    { "good.test", { NAMED }, 's', "self-signed certificate (depth 0, CN=" },
    { "good.test", { NAMED }, 'o', "unable to get local issuer certificate" },
    { "good.test",
      { NAMED, .eku = "clientAuth" },
      'c',
      "certificate purpose (depth 0" },
    { "good.test", { NAMED, .eku = "serverAuth" }, 'c', NULL },
    /* RFC 9525, section 6.3 */
    { "a.wild.test", { .cn = "w", .san = "DNS:*.wild.test" }, 'c', NULL },
    { "wild.test", { .cn = "w", .san = "DNS:*.wild.test" }, 'c', "mismatch" },
    { "a.b.wild.test",
      { .cn = "w", .san = "DNS:*.wild.test" },
      'c',
      "mismatch" },
    { "ab.wild.test",
      { .cn = "w", .san = "DNS:a*.wild.test" },
      'c',
      "mismatch" },
    { "127.0.0.1", { .cn = "ip", .san = "IP:127.0.0.1" }, 'c', NULL },
    { "[::1]", { .cn = "ip", .san = "IP:::1" }, 'c', NULL },
    { "127.0.0.2",
      { .cn = "ip", .san = "IP:127.0.0.1" },
      'c',
      "IP address mismatch (depth 0, CN=ip)" },
    { "127.0.0.1",
      { .cn = "ip", .san = "DNS:127.0.0.1" },
      'c',
      "IP address mismatch" },
    { "127.0.0.1", { .cn = "127.0.0.1" }, 'c', "it has no subjectAltName" },
    { "good.test",
      { .cn = "good.test" },
      'c',
      "hostname mismatch: it has no subjectAltName (depth 0, CN=good.test)" },
    { "good.test",
      { .cn = "x\r\ny", .san = "DNS:other.test" },
      'c',
      "hostname mismatch (depth 0, CN=x\\r\\ny)" },
};

static void only_the_right_certificates_pass(void **state)
{
    (void)state;
    const ws_tls files = { .cert_file = certs_path("row.pem") };
    const ws_tls trust = { .ca_file = certs_path("ca.pem") };

    for (size_t i = 0; i < COUNT(peers); i++) {
        struct cert c =
            cert_make(peers[i].spec, peers[i].by == 'c'   ? &ca
                                     : peers[i].by == 'o' ? &other_ca
                                                          : NULL);
        ws_error err;

        cert_write("row.pem", &c);
        ws_listener *l = serve_tls(&files);
        ws_conn *conn = dial(l, &trust, peers[i].host, &err);
        if (peers[i].words) {
            assert_null(conn);
            assert_int_equal(err.code, WS_ERR_TLS);
            assert_says(err.text, peers[i].words);
        } else {
            if (!conn)
                fail_msg("row %zu: %s", i, err.text);
            assert_echoes(conn);
            ws_close(conn);
        }
        end(l);
        cert_free(&c);
    }
}

static void the_systems_roots_are_the_default(void **state)
{
    (void)state;
    const ws_tls files = { .cert_file = certs_path("good.pem") };
    const ws_tls other = { .cert_file = certs_path("unknown.pem") };
    const ws_tls empty = { 0 };
    ws_listener *l = serve_tls(&files), *bad = serve_tls(&other);
    ws_error err;

    assert_null(dial(bad, NULL, "good.test", &err));
    assert_int_equal(err.code, WS_ERR_TLS);
    ws_conn *c = dial(l, NULL, "good.test", &err);
    assert_non_null(c);
    ws_close(c);
    c = dial(l, &empty, "good.test", &err);
    assert_non_null(c);
    ws_close(c);
    end(l);
    end(bad);
}

static void server_name_stands_for_the_host(void **state)
{
    (void)state;
    const ws_tls files = { .cert_file = certs_path("good.pem") };
    ws_tls trust = { .ca_file = certs_path("ca.pem"),
                     .server_name = "good.test" };
    ws_listener *l = serve_tls(&files);
    ws_error err;
    ws_conn *c = dial(l, &trust, "127.0.0.1", &err);

    assert_non_null(c);
    ws_close(c);
    trust.server_name = "other.test";
    assert_null(dial(l, &trust, "good.test", &err));
    assert_says(err.text, "TLS with other.test: hostname mismatch");
    trust.server_name = "";
    assert_null(dial(l, &trust, "good.test", &err));
    assert_int_equal(err.code, WS_ERR_INVALID);
    end(l);
}

/* The proxy here is a server, which refuses the tunnel. */
static void a_name_and_a_pin_are_not_the_proxys(void **state)
{
    (void)state;
    const ws_tls files = { .cert_file = certs_path("good.pem") };
    const ws_tls trust = {
        .ca_file = certs_path("ca.pem"),
        .server_name = "other.test",
        .pinned_key = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    };
    ws_listener *l = serve_tls(&files);
    const ws_dialer d = { .tls = &trust,
                          .proxy = "https://good.test:3128",
                          .connect = reach,
                          .arg = l };
    ws_error err;

    assert_null(ws_dial(&d, "wss://other.test/", NULL, NULL, &err));
    assert_says(err.text, "the proxy good.test:3128 answered 4");
    assert_int_equal(err.code, WS_ERR_PROXY);
    end(l);
}

static void skipping_the_check_is_said_loudly_each_time(void **state)
{
    (void)state;
    const ws_tls files = { .cert_file = certs_path("unknown.pem") };
    const ws_tls skip = { .insecure_skip_verify = true };
    ws_listener *l = serve_tls(&files);

    for (int i = 0; i < 2; i++) {
        forget_lines();
        ws_conn *c = dial(l, &skip, "any.test", NULL);
        assert_echoes(c);
        ws_close(c);
        assert_true(logged("TLS with any.test: its certificate is NOT "
                           "VERIFIED"));
    }
    end(l);
}

/* What is in the file is what is trusted: an intermediate or the server's own
 * certificate will do. */
static void the_peers_own_certificate_may_be_trusted(void **state)
{
    (void)state;
    static const char *const names[] = { "self.pem", "good.pem" };

    for (size_t i = 0; i < COUNT(names); i++) {
        const ws_tls files = { .cert_file = certs_path(names[i]) };
        const ws_tls trust = { .ca_file = certs_path(names[i]) };
        ws_listener *l = serve_tls(&files);
        ws_conn *c = dial(l, &trust, "good.test", NULL);

        assert_echoes(c);
        ws_close(c);
        end(l);
    }
}

/* ---- Who the client is -------------------------------------------------- */

static void a_client_certificate_is_demanded_if_a_ca_is_named(void **state)
{
    (void)state;
    static const struct {
        struct cert_spec spec;
        char by; /* as above; 0: none */
        const char *words;
        const char *line; /* what the server says of it */
    } rows[] = {
        { { .cn = "me" }, 'c', NULL, NULL },
        { { .cn = "me", .eku = "clientAuth" }, 'c', NULL, NULL },
        { { .cn = "" },
          0,
          "certificate required",
          "peer did not return a certificate" },
        { { .cn = "me" },
          'o',
          "unknown ca",
          "unable to get local issuer certificate (depth 0, CN=me)" },
        { { .cn = "me" }, 's', "unknown ca", "self-signed certificate" },
        { { .cn = "me", .from = -3, .to = -1 },
          'c',
          "certificate expired",
          "TLS: certificate has expired (depth 0, CN=me)" },
        { { .cn = "me", .eku = "serverAuth" },
          'c',
          "",
          "certificate purpose (depth 0, CN=me)" },
    };
    const ws_tls files = { .cert_file = certs_path("good.pem"),
                           .ca_file = certs_path("ca.pem") };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cert c = cert_make(rows[i].spec, rows[i].by == 'c'   ? &ca
                                                : rows[i].by == 'o' ? &other_ca
                                                                    : NULL);
        ws_tls mine = { .ca_file = certs_path("ca.pem") };
        ws_listener *l = serve_tls(&files);
        ws_error err;

        cert_write("me.pem", &c);
        if (rows[i].by)
            mine.cert_file = certs_path("me.pem");
        forget_lines();
        ws_conn *conn = dial(l, &mine, "good.test", &err);
        assert_int_equal(!conn, rows[i].words != NULL);
        if (conn) {
            assert_echoes(conn);
            ws_close(conn);
        } else {
            assert_int_equal(err.code, WS_ERR_TLS);
            assert_says(err.text, rows[i].words);
        }
        end(l);
        assert_true(!rows[i].line || logged(rows[i].line));
        cert_free(&c);
    }
}

/* ---- Files -------------------------------------------------------------- */

static void files_that_do_not_do_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *cert, *key, *ca;
        const char *words;
    } rows[] = {
        { NULL, NULL, NULL, "a server needs a cert_file" },
        { "none.pem", NULL, NULL, "none.pem: certificate: No such file" },
        { "good.key", NULL, NULL, "good.key: certificate: there is none" },
        { "good.crt", NULL, NULL, "good.crt: private key: there is none" },
        { "good.crt", "none.pem", NULL, "none.pem: private key: No such file" },
        { "good.crt", "self.pem", NULL,
          "self.pem: private key: it does not belong" },
        { "good.crt", "locked.key", NULL,
          "locked.key: private key: it has a password" },
        { "good.pem", NULL, "none.pem", "none.pem: CA certificates: No such" },
        { "good.pem", NULL, "good.key", "good.key: CA certificates: " },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        const ws_tls tls = {
            .cert_file = rows[i].cert ? certs_path(rows[i].cert) : NULL,
            .key_file = rows[i].key ? certs_path(rows[i].key) : NULL,
            .ca_file = rows[i].ca ? certs_path(rows[i].ca) : NULL,
        };
        ws_error err;

        assert_null(ws_listen(&(ws_server){ .addr = "127.0.0.1:0",
                                            .routes = routes,
                                            .tls = &tls },
                              &err));
        assert_says(err.text, rows[i].words);
        if (!rows[i].cert)
            continue;
        ws_listener *l = serve((ws_server){ .routes = routes });
        assert_null(dial(l, &tls, "good.test", &err));
        assert_says(err.text, rows[i].words);
        end(l);
    }
}

/* A new certificate for good.test whose CN is name. */
static struct cert renew(const char *name)
{
    return cert_make((struct cert_spec){ .cn = name, .san = "DNS:good.test" },
                     &ca);
}

/* Dial until the server's certificate is the only one that is trusted. */
static void dial_until_it_is(ws_listener *l, const char *file)
{
    const ws_tls trust = { .ca_file = certs_path(file) };
    int64_t deadline = ws_after(PATIENCE_MS);
    ws_conn *c;

    do
        c = dial(l, &trust, "good.test", NULL);
    while (!c && ws_now() < deadline);
    assert_echoes(c);
    ws_close(c);
}

static void a_changed_certificate_is_taken_up_and_nobody_is_dropped(
    void **state)
{
    (void)state;
    struct cert first = renew("first"), second = renew("second");
    const ws_tls files = { .cert_file = certs_path("live.crt"),
                           .key_file = certs_path("live.key") };
    const ws_tls trust = { .ca_file = certs_path("ca.pem") };

    cert_write_as("live.crt", first.x509, NULL, NULL);
    cert_write_as("live.key", NULL, first.key, NULL);
    cert_write_as("second.crt", second.x509, NULL, NULL);
    ws_listener *l = serve_tls(&files);
    ws_conn *old = dial(l, &trust, "good.test", NULL);
    assert_echoes(old);

    /* One after the other, and between them the old pair stays. */
    forget_lines();
    cert_write_as("live.crt", second.x509, NULL, NULL);
    int64_t deadline = ws_after(PATIENCE_MS);
    while (!logged("/live.crt; the old certificate is kept") &&
           ws_now() < deadline) {
        ws_conn *c = dial(l, &trust, "good.test", NULL);
        assert_echoes(c);
        ws_close(c);
    }
    assert_true(ws_now() < deadline);
    cert_write_as("live.key", NULL, second.key, NULL);
    dial_until_it_is(l, "second.crt");

    /* A file that is gone changes nothing. */
    forget_lines();
    assert_int_equal(unlink(certs_path("live.crt")), 0);
    while (!logged("live.crt: certificate: No such file"))
        dial_until_it_is(l, "second.crt");
    assert_echoes(old);
    ws_close(old);
    end(l);
    cert_free(&first);
    cert_free(&second);
}

/* ---- Messages ----------------------------------------------------------- */

enum { BIG = 5 * 1000 * 1000 + 7 };

static void fill(char *p, size_t n)
{
    uint32_t x = 1;

    for (size_t i = 0; i < n; i++) {
        x = x * 1664525 + 1013904223;
        p[i] = (char)(i % 64 < 32 ? 'a' : x >> 24);
    }
}

static void assert_echo_of(ws_conn *c, const char *p, size_t n)
{
    ws_message m;

    assert_int_equal(ws_write_message(c, WS_BINARY, p, n), 0);
    assert_int_equal(ws_read_message(c, &m), 0);
    assert_int_equal(m.len, n);
    assert_memory_equal(m.data, p, n);
}

/* All sizes about a record's and a buffer's, and large ones. */
static void messages_of_all_sizes_go_both_ways(void **state)
{
    (void)state;
    static const size_t sizes[] = { 0,     1,     125,   126,   4081,
                                    4096,  16370, 16384, 16385, 32768,
                                    65535, 65536, 99999, BIG };
    const ws_tls files = { .cert_file = certs_path("good.pem") };
    const ws_tls trust = { .ca_file = certs_path("ca.pem") };
    ws_listener *l = serve_tls(&files);
    char *p = malloc(BIG);

    fill(p, BIG);
    for (int compression = 0; compression <= 1; compression++) {
        const ws_dialer d = { .tls = &trust,
                              .connect = reach,
                              .arg = l,
                              .enable_compression = compression };
        ws_conn *c = ws_dial(&d, "wss://good.test/", NULL, NULL, NULL);

        for (size_t i = 0; i < COUNT(sizes); i++)
            assert_echo_of(c, p, sizes[i]);
        ws_close(c);
    }
    free(p);
    end(l);
}

enum { MANY = 200, LARGE = 100 * 1000 };

static void *write_many(void *conn)
{
    char *p = malloc(LARGE);
    int error = 0;

    fill(p, LARGE);
    for (int i = 0; i < MANY && error == 0; i++)
        error = ws_write_message(conn, WS_BINARY, p,
                                 i % 3 == 0 ? LARGE : (size_t)i);
    free(p);
    return (void *)(intptr_t)error;
}

/* One object of OpenSSL serves two threads, which wait for each other's
 * bytes. */
static void one_writes_while_another_reads(void **state)
{
    (void)state;
    const ws_tls files = { .cert_file = certs_path("good.pem") };
    const ws_tls trust = { .ca_file = certs_path("ca.pem") };
    ws_listener *l = serve_tls(&files);
    ws_conn *c = dial(l, &trust, "good.test", NULL);
    pthread_t t;
    ws_message m;
    void *error;

    pthread_create(&t, NULL, write_many, c);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(ws_read_message(c, &m), 0);
        assert_int_equal(m.len, i % 3 == 0 ? LARGE : i);
    }
    pthread_join(t, &error);
    assert_null(error);
    assert_int_equal(ws_finish(c, WS_CLOSE_NORMAL, NULL, 0), 0);
    ws_close(c);
    end(l);
}

static void a_write_that_times_out_leaves_the_connection_usable(void **state)
{
    (void)state;
    const ws_tls files = { .cert_file = certs_path("good.pem") };
    const ws_tls trust = { .ca_file = certs_path("ca.pem") };
    ws_listener *l = serve_tls(&files);
    const ws_dialer d = { .tls = &trust, .connect = reach, .arg = l };
    char expected[32];
    ws_message m;
    int n = 0;

    drained = (ws_event){ 0 };
    ws_conn *c = ws_dial(&d, "wss://good.test/flood", NULL, NULL, NULL);
    ws_event_wait(&drained, 0);
    while (ws_read_message(c, &m) == 0 && m.len == 1000) {
        snprintf(expected, sizeof(expected), "%010d", n++);
        assert_string_equal(m.data, expected);
    }
    snprintf(expected, sizeof(expected), "sent %d", n);
    assert_string_equal(m.data, expected);
    assert_int_equal(ws_finish(c, WS_CLOSE_NORMAL, NULL, 0), 0);
    ws_close(c);
    end(l);
}

/* ---- Time --------------------------------------------------------------- */

static void who_does_not_shake_hands_in_time_is_cut(void **state)
{
    (void)state;
    static const char hello[] = "\x16\x03\x01\x20\x00"; /* and no more */
    const ws_tls files = { .cert_file = certs_path("good.pem") };
    ws_listener *l = serve((ws_server){
        .routes = routes, .tls = &files, .request_timeout_ms = 50 });
    char drop[64];

    for (size_t n = 0; n < sizeof(hello); n++) {
        int fd = call(l);

        say_n(fd, hello, n);
        assert_true(recv(fd, drop, sizeof(drop), 0) <= 0);
        close(fd);
    }
    int fd = call(l); /* a record that never ends, byte by byte */
    say_n(fd, hello, sizeof(hello) - 1);
    while (send(fd, "\x01", 1, MSG_NOSIGNAL) == 1 &&
           recv(fd, drop, sizeof(drop), MSG_DONTWAIT) < 0 && errno == EAGAIN)
        continue;
    close(fd);
    end(l);
}

static void a_shutdown_does_not_wait_for_handshakes(void **state)
{
    (void)state;
    const ws_tls files = { .cert_file = certs_path("good.pem") };
    ws_listener *l = serve_tls(&files);
    int fd = call(l);
    int64_t deadline = ws_after(5000);
    char drop[64];

    /* Who came later is served, so the first has been accepted. */
    ws_conn *c = dial(l, &(ws_tls){ .ca_file = certs_path("ca.pem") },
                      "good.test", NULL);
    ws_finish(c, WS_CLOSE_NORMAL, NULL, 0);
    ws_close(c);
    assert_int_equal(ws_listener_shutdown(l, deadline), 0);
    assert_true(ws_now() < deadline);
    assert_true(recv(fd, drop, sizeof(drop), 0) <= 0);
    close(fd);
}

/* Listens, and says nothing. */
static int reach_nobody(const char *host, const char *port, int64_t deadline,
                        void *other_end)
{
    int fds[2];

    (void)host;
    (void)port;
    (void)deadline;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0)
        abort();
    *(int *)other_end = fds[1];
    return fds[0];
}

static ws_error shake_hands_within(int timeout_ms)
{
    int fd = -1;
    ws_dialer d = { .handshake_timeout_ms = timeout_ms,
                    .connect = reach_nobody,
                    .arg = &fd };
    ws_error err;

    assert_null(ws_dial(&d, "wss://good.test/", NULL, NULL, &err));
    assert_int_equal(err.code, WS_ERR_TIMEOUT);
    close(fd);
    return err;
}

/* On a busy machine what comes before it takes longer, too. */
static void the_handshake_counts_in_the_dials_time(void **state)
{
    (void)state;
    int ms = 50;
    ws_error err = shake_hands_within(ms);

    while (!strstr(err.text, "the handshake") && ms < 20 * 1000)
        err = shake_hands_within(ms *= 2);
    assert_says(err.text, "TLS with good.test: the handshake took too long");
}

struct watcher {
    ws_event cancel;
    int fd;
    pthread_t thread;
};

static void *cancel_at_hello(void *arg)
{
    struct watcher *w = arg;
    char c;

    if (recv(w->fd, &c, 1, 0) == 1)
        ws_event_set(&w->cancel);
    return NULL;
}

static int reach_watcher(const char *host, const char *port, int64_t deadline,
                         void *arg)
{
    struct watcher *w = arg;
    int fd = reach_nobody(host, port, deadline, &w->fd);

    if (pthread_create(&w->thread, NULL, cancel_at_hello, w) != 0)
        abort();
    return fd;
}

static void the_handshake_can_be_canceled(void **state)
{
    (void)state;
    struct watcher w = { .fd = -1 };
    const ws_dialer d = { .cancel = &w.cancel,
                          .connect = reach_watcher,
                          .arg = &w };
    ws_error err;

    assert_null(ws_dial(&d, "wss://good.test/", NULL, NULL, &err));
    assert_int_equal(err.code, WS_ERR_CANCELED);
    pthread_join(w.thread, NULL);
    close(w.fd);
}

/* ---- No TLS at the other end -------------------------------------------- */

static void plain_http_is_answered_in_the_clear(void **state)
{
    (void)state;
    static struct answer a;
    const ws_tls files = { .cert_file = certs_path("good.pem") };
    ws_listener *l = serve_tls(&files);
    const ws_dialer d = { .connect = reach, .arg = l };
    ws_error err;

    assert_int_equal(ask(l, "GET / HTTP/1.1" SERVED "\r\n", &a), 400);
    assert_string_equal(a.body, "This port speaks TLS: use https:// or wss:\n");
    assert_null(ws_dial(&d, "ws://good.test/", NULL, NULL, &err));
    assert_int_equal(err.http_status, 400);
    end(l);
}

static void a_server_without_tls_is_found_out(void **state)
{
    (void)state;
    ws_listener *l = serve((ws_server){ .routes = routes });
    ws_error err;

    assert_null(dial(l, NULL, "good.test", &err));
    assert_int_equal(err.code, WS_ERR_TLS);
    assert_says(err.text, "does the peer speak TLS on this port?");
    end(l);
}

/* Anybody can have them fail, as often as they like. */
static void failed_handshakes_are_seldom_said(void **state)
{
    (void)state;
    const ws_tls files = { .cert_file = certs_path("good.pem") };
    ws_listener *l = serve_tls(&files);
    char buf[64];

    forget_lines();
    for (int i = 0; i < 10; i++) {
        int fd = call(l);

        say_n(fd, BYTES(0x16, 3, 1, 0, 4, 'w', 'h', 'a', 't'));
        while (hear_some(fd, buf, sizeof(buf)) > 0)
            continue;
        close(fd);
    }
    assert_true(logged("TLS"));
    assert_ptr_equal(strchr(lines, '\n'), lines + strlen(lines) - 1);
    end(l);
}

/* ---- Memory ------------------------------------------------------------- */

static void every_failed_allocation_is_survived(void **state)
{
    (void)state;
    const ws_tls files = { .cert_file = certs_path("good.pem") };
    const ws_tls trust = { .ca_file = certs_path("ca.pem") };
    bool failed = true;
    ws_message m;

    for (long n = 1; failed; n++) {
        alloc_fail_at(n);
        ws_listener *l = ws_listen(&(ws_server){ .addr = "127.0.0.1:0",
                                                 .routes = routes,
                                                 .tls = &files },
                                   NULL);
        ws_conn *c = l ? dial(l, &trust, "good.test", NULL) : NULL;
        if (c && ws_write_text(c, "hello") == 0 && ws_read_message(c, &m) == 0)
            assert_string_equal(m.data, "hello");
        failed = alloc_failed();
        alloc_fail_at(0);
        ws_close(c);
        end(l);
    }
}

/* ---- All of it ---------------------------------------------------------- */

static int make_files(void **state)
{
    struct cert good, self, unknown;

    (void)state;
    certs_begin();
    ca = cert_make((struct cert_spec){ .cn = "our CA", .ca = true }, NULL);
    other_ca = cert_make((struct cert_spec){ .cn = "other", .ca = true }, NULL);
    good = cert_make((struct cert_spec){ NAMED }, &ca);
    self = cert_make((struct cert_spec){ NAMED }, NULL);
    unknown = cert_make((struct cert_spec){ NAMED }, &other_ca);
    cert_write_as("ca.pem", ca.x509, NULL, NULL);
    cert_write("good.pem", &good);
    cert_write("self.pem", &self);
    cert_write("unknown.pem", &unknown);
    cert_write_as("good.crt", good.x509, NULL, NULL);
    cert_write_as("good.key", NULL, good.key, NULL);
    cert_write_as("locked.key", NULL, good.key, "secret");
    cert_free(&good);
    cert_free(&self);
    cert_free(&unknown);
    setenv("SSL_CERT_FILE", certs_path("ca.pem"), 1);
    setenv("SSL_CERT_DIR", certs_path("none"), 1);
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    cert_free(&ca);
    cert_free(&other_ca);
    certs_end();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_right_certificates_pass),
        cmocka_unit_test(the_systems_roots_are_the_default),
        cmocka_unit_test(server_name_stands_for_the_host),
        cmocka_unit_test(a_name_and_a_pin_are_not_the_proxys),
        cmocka_unit_test(skipping_the_check_is_said_loudly_each_time),
        cmocka_unit_test(the_peers_own_certificate_may_be_trusted),
        cmocka_unit_test(a_client_certificate_is_demanded_if_a_ca_is_named),
        cmocka_unit_test(files_that_do_not_do_are_told_apart),
        cmocka_unit_test(
            a_changed_certificate_is_taken_up_and_nobody_is_dropped),
        cmocka_unit_test(messages_of_all_sizes_go_both_ways),
        cmocka_unit_test(one_writes_while_another_reads),
        cmocka_unit_test(a_write_that_times_out_leaves_the_connection_usable),
        cmocka_unit_test(who_does_not_shake_hands_in_time_is_cut),
        cmocka_unit_test(a_shutdown_does_not_wait_for_handshakes),
        cmocka_unit_test(the_handshake_counts_in_the_dials_time),
        cmocka_unit_test(the_handshake_can_be_canceled),
        cmocka_unit_test(plain_http_is_answered_in_the_clear),
        cmocka_unit_test(a_server_without_tls_is_found_out),
        cmocka_unit_test(failed_handshakes_are_seldom_said),
        cmocka_unit_test(every_failed_allocation_is_survived),
    };

    alloc_fail_install();
    ws_set_log(keep_line, NULL);
    ws__tls_look_ms = 0;
    signal(SIGPIPE, SIG_DFL);
    return run_in_mode("tls", tests, make_files, remove_files);
}
