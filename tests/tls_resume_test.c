/* SPDX-License-Identifier: MIT */

/* Clients that come back: by a session, and to a key that they know. */

#include "test.h"

#include <signal.h>
#include <stdlib.h>

#include "conn/conn.h"
#include "io/tls_client_ctx.h"
#include "io/tls_sessions.h"
#include "io/tls_stamp.h"
#include "io/tls_state.h"
#include "server/listener.h"
#include "tls_ends.h"
#include "tls_peer.h"

static struct cert ca;
static char *ca_text;
static ws_tls files, demanding, trust;

static void who(ws_request *r, void *arg)
{
    ws_conn *c = ws_upgrade(&upgrader, r, NULL);
    const ws_cert *cert = ws_conn_cert(c);

    (void)arg;
    ws_writef(c, "%s", cert ? cert->common_name : "none");
    ws_finish(c, WS_CLOSE_NORMAL, NULL, ws_after(PATIENCE_MS));
    ws_close(c);
}

static const ws_route routes[] = {
    { .path = "/", .handler = echo },
    { .path = "/who", .handler = who },
    { 0 },
};

static ws_listener *serve_tls(const ws_tls *tls)
{
    return serve((ws_server){ .routes = routes, .tls = tls });
}

static bool is_resumed(const ws_conn *c)
{
    const struct ws__tls *t = (const struct ws__tls *)c->stream.transport;

    return SSL_session_reused(t->ssl);
}

/* One more dial.  Returns whether it went on with a session. */
static bool comes_back(ws_listener *l, const ws_tls *tls, const char *host)
{
    ws_error err = { 0 };
    ws_conn *c = dial(l, tls, host, &err);

    if (!c)
        fail_msg("%s", err.text);
    assert_echoes(c);
    bool resumed = is_resumed(c);
    ws_close(c);
    return resumed;
}

static int forget_sessions(void **state)
{
    (void)state;
    ws__tls_sessions_cleanup();
    return 0;
}

/* ---- Sessions ----------------------------------------------------------- */

static void the_next_dial_goes_on_with_the_session(void **state)
{
    (void)state;
    ws_listener *l = serve_tls(&files);

    assert_false(comes_back(l, &trust, "good.test"));
    for (int i = 0; i < 3; i++)
        assert_true(comes_back(l, &trust, "good.test"));
    ws__tls_sessions_cleanup();
    assert_false(comes_back(l, &trust, "good.test"));
    end(l);
}

static void so_does_one_that_trusts_the_systems_roots(void **state)
{
    (void)state;
    ws_listener *l = serve_tls(&files);

    assert_false(comes_back(l, NULL, "good.test"));
    assert_true(comes_back(l, NULL, "good.test"));
    assert_true(comes_back(l, &(ws_tls){ 0 }, "good.test"));
    end(l);
}

static void of_tls_1_2_too(void **state)
{
    (void)state;
    ws_listener *l = serve_tls(&files);
    struct ws__tls_server *s = ws__tls_current(l->host.tls);

    SSL_CTX_set_max_proto_version(s->ctx, TLS1_2_VERSION);
    ws__tls_server_let_go(s);
    assert_false(comes_back(l, &trust, "good.test"));
    for (int i = 0; i < 3; i++)
        assert_true(comes_back(l, &trust, "good.test"));
    end(l);
}

static void a_connection_that_was_cut_is_gone_on_with(void **state)
{
    (void)state;
    ws_listener *l = serve_tls(&files);
    ws_conn *c = dial(l, &trust, "good.test", NULL);

    assert_echoes(c);
    ws_shutdown(c);
    ws_close(c);
    assert_true(comes_back(l, &trust, "good.test"));
    end(l);
}

static void it_may_be_left(void **state)
{
    (void)state;
    ws_tls never = trust;
    ws_listener *l = serve_tls(&files);

    never.no_resumption = true;
    for (int i = 0; i < 3; i++)
        assert_false(comes_back(l, &never, "good.test"));
    assert_false(comes_back(l, &trust, "good.test"));
    end(l);
}

/* Whatever has a say in whom to trust, and who one is. */
static void nobody_goes_on_with_the_session_of_another(void **state)
{
    (void)state;
    const ws_tls others[] = {
        { .ca_file = certs_path("ca2.pem") },
        { .ca_pem = ca_text },
        { .ca_file = trust.ca_file, .server_name = "also.test" },
        { .ca_file = trust.ca_file, .insecure_skip_verify = true },
        { .ca_file = trust.ca_file, .cert_file = certs_path("me.pem") },
        { .ca_file = trust.ca_file, .crl_file = certs_path("crl.pem") },
        { .ca_file = trust.ca_file, .min_version = WS_TLS_1_3 },
        { .ca_file = trust.ca_file, .ciphers = "HIGH" },
    };
    ws_listener *l = serve_tls(&files);

    assert_false(comes_back(l, &trust, "good.test"));
    for (size_t i = 0; i < COUNT(others); i++)
        if (comes_back(l, &others[i], "good.test"))
            fail_msg("row %zu", i);
    assert_false(comes_back(l, &trust, "also.test"));
    assert_false(comes_back(l, &trust, "good.test:444"));
    assert_true(comes_back(l, &trust, "good.test"));
    for (size_t i = 0; i < COUNT(others); i++)
        if (!comes_back(l, &others[i], "good.test"))
            fail_msg("row %zu", i);
    cert_write_as("ca.pem", ca.x509, NULL, NULL); /* another file */
    assert_false(comes_back(l, &trust, "good.test"));
    end(l);
}

static void a_server_knows_who_comes_back(void **state)
{
    (void)state;
    ws_tls mine = trust;
    ws_listener *l = serve_tls(&demanding);
    const ws_dialer d = { .tls = &mine, .connect = reach, .arg = l };

    mine.cert_file = certs_path("me.pem");
    for (int i = 0; i < 2; i++) {
        ws_conn *c = ws_dial(&d, "wss://good.test/who", NULL, NULL, NULL);
        ws_message m;

        assert_int_equal(ws_read_message(c, &m), 0);
        assert_string_equal(m.data, "me");
        assert_int_equal(is_resumed(c), i == 1);
        assert_string_equal(ws_conn_cert(c)->common_name, "good");
        assert_true(ws_conn_cert(c)->verified);
        ws_close(c);
    }
    end(l);
}

/* Both ends look at the time themselves. */
static void a_certificate_that_has_expired_ends_the_session(void **state)
{
    (void)state;
    ws_tls mine = trust;
    ws_listener *l = serve_tls(&demanding);
    struct ws__tls_server *s = ws__tls_current(l->host.tls);

    mine.cert_file = certs_path("old.pem");
    X509_VERIFY_PARAM_set_time(SSL_CTX_get0_param(s->ctx),
                               time(NULL) - 36 * 3600);
    ws__tls_server_let_go(s);
    for (int i = 0; i < 2; i++)
        assert_false(comes_back(l, &mine, "good.test"));
    end(l);

    const ws_tls expired = { .cert_file = certs_path("old.pem") };
    const ws_tls skip = { .insecure_skip_verify = true };
    l = serve_tls(&expired);
    for (int i = 0; i < 2; i++)
        assert_false(comes_back(l, &skip, "good.test"));
    end(l);
}

/* ---- A server that cannot ----------------------------------------------- */

/* It gives tickets, and fails when they come back: for want of a session id
 * context. */
static void *serve_badly(void *fd)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    SSL *ssl;
    char drop[1024];

    SSL_CTX_use_certificate_chain_file(ctx, files.cert_file);
    SSL_CTX_use_PrivateKey_file(ctx, files.cert_file, SSL_FILETYPE_PEM);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    for (int i = 0; i < 4; i++) {
        int peer = accept(*(int *)fd, NULL, NULL);

        ssl = SSL_new(ctx);
        SSL_set_fd(ssl, peer);
        if (SSL_accept(ssl) == 1)
            SSL_read(ssl, drop, sizeof(drop));
        tls_hang_up(ssl);
    }
    SSL_CTX_free(ctx);
    return NULL;
}

static int reach_badly(const char *host, const char *port, int64_t deadline,
                       void *address)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    (void)host;
    (void)port;
    (void)deadline;
    if (connect(fd, address, sizeof(struct sockaddr_in)) != 0)
        abort();
    return fd;
}

static void a_server_that_cannot_is_not_asked_twice(void **state)
{
    (void)state;
    static const int codes[] = { WS_ERR_EOF, WS_ERR_TLS, WS_ERR_EOF,
                                 WS_ERR_EOF };
    struct sockaddr_in a = { .sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    const ws_dialer d = { .tls = &trust, .connect = reach_badly, .arg = &a };
    pthread_t t;

    assert_int_equal(bind(fd, (struct sockaddr *)&a, len), 0);
    assert_int_equal(listen(fd, 8), 0);
    getsockname(fd, (struct sockaddr *)&a, &len);
    assert_int_equal(pthread_create(&t, NULL, serve_badly, &fd), 0);
    for (size_t i = 0; i < COUNT(codes); i++) {
        ws_error err;

        assert_null(ws_dial(&d, "wss://good.test/", NULL, NULL, &err));
        assert_int_equal(err.code, codes[i]);
    }
    pthread_join(t, NULL);
    close(fd);
}

/* Dial until that fails, or until it does not. */
static void dial_until(ws_listener *l, bool fails)
{
    int64_t deadline = ws_after(PATIENCE_MS);
    bool failed;

    do {
        ws_conn *c = dial(l, &trust, "good.test", NULL);

        failed = !c;
        if (c)
            assert_echoes(c);
        ws_close(c);
    } while (failed != fails && ws_now() < deadline);
    assert_int_equal(failed, fails);
}

static void make_server(const char *file, const char *cn,
                        const struct cert *issuer)
{
    cert_write_new(file, (struct cert_spec){ .cn = cn, .san = "DNS:good.test" },
                   issuer);
}

static void a_certificate_that_was_refused_spoils_nothing(void **state)
{
    (void)state;
    const ws_tls live = { .cert_file = certs_path("live.pem") };

    make_server("live.pem", "first", &ca);
    ws_listener *l = serve_tls(&live);
    dial_until(l, false);
    make_server("live.pem", "by itself", NULL);
    dial_until(l, true);
    make_server("live.pem", "second", &ca);
    dial_until(l, false);
    assert_true(comes_back(l, &trust, "good.test"));
    end(l);
}

/* ---- The places --------------------------------------------------------- */

/* A session of this version whose time says which it is. */
static void keep(int key, int version, int number)
{
    SSL_SESSION *s = SSL_SESSION_new();
    struct ws__tls_key k = { { 0 } };

    memcpy(k.of, &key, sizeof(key));
    SSL_SESSION_set_protocol_version(s, version);
    SSL_SESSION_set_time(s, (long)time(NULL) - number);
    SSL_SESSION_set_timeout(s, 7200);
    ws__tls_sessions_keep(&k, s);
    SSL_SESSION_free(s);
}

static void sessions_of_nobody_are_not_taken(void **state)
{
    (void)state;
    struct ws__tls_key k = { { 0 } };

    keep(0, TLS1_3_VERSION, 0); /* without a certificate */
    assert_null(ws__tls_sessions_take(&k));
    for (int i = 0; i < 1000; i++)
        keep(i, i % 2 ? TLS1_2_VERSION : TLS1_3_VERSION, i);
    for (int i = 0; i < 1000; i++)
        keep(7, TLS1_3_VERSION, i);
    ws__tls_sessions_spoil(&k);
    keep(0, TLS1_3_VERSION, 0);
    assert_null(ws__tls_sessions_take(&k));
}

/* Returns how many there were. */
static int take_all(const struct ws__tls_key *key)
{
    SSL_SESSION *s;
    int n = 0;

    for (; (s = ws__tls_sessions_take(key)); n++)
        SSL_SESSION_free(s);
    return n;
}

static void keep_often(const struct ws__tls_key *key, const SSL_SESSION *s,
                       int n)
{
    for (int i = 0; i < n; i++)
        ws__tls_sessions_keep(key, s);
}

/* TLS 1.3 has a ticket used once only: as many are kept as there is room for,
 * and of those who dial little a few in any case. */
static void all_may_come_back_at_once(void **state)
{
    (void)state;
    enum { PLACES = 128, SHARE = 4 };
    ws_listener *l = serve_tls(&files);
    const struct ws__tls_stamps stamps = ws__tls_stamps(&trust);
    struct ws__tls_key much, little = { { 1 } };

    ws__tls_sessions_cleanup();
    assert_false(comes_back(l, &trust, "good.test"));
    assert_true(
        ws__tls_key_make(&much, &trust, &stamps, "good.test", "good.test"));
    SSL_SESSION *s = ws__tls_sessions_take(&much);
    assert_non_null(s);
    assert_null(ws__tls_sessions_take(&much));
    keep_often(&much, s, 2 * PLACES);
    keep_often(&little, s, 2 * SHARE);
    keep_often(&much, s, 2 * PLACES);
    SSL_SESSION_free(s);
    assert_int_equal(take_all(&little), SHARE);
    assert_int_equal(take_all(&much), PLACES - SHARE);
    end(l);
}

/* ---- A key that is known ------------------------------------------------ */

static void a_pinned_key_is_refused_when_it_changes(void **state)
{
    (void)state;
    const ws_tls live = { .cert_file = certs_path("live.pem") };
    char pins[128] = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=;";
    ws_tls mine = { .ca_file = certs_path("ca2.pem") };
    int64_t deadline = ws_after(PATIENCE_MS);
    ws_error err = { 0 };
    ws_conn *c;

    make_server("live.pem", "first", &ca);
    ws_listener *l = serve_tls(&live);
    c = dial(l, &mine, "good.test", NULL);
    strcat(pins, ws_conn_cert(c)->pin);
    ws_close(c);

    mine.pinned_key = pins;
    assert_false(comes_back(l, &mine, "good.test"));
    assert_true(comes_back(l, &mine, "good.test"));
    make_server("live.pem", "second", &ca);
    do {
        c = dial(l, &mine, "good.test", &err);
        ws_close(c);
    } while (c && ws_now() < deadline);
    assert_null(c);
    assert_int_equal(err.code, WS_ERR_TLS);
    assert_says(err.text, "TLS with good.test: its public key is not the "
                          "pinned one, but sha256//");
    mine.pinned_key = strstr(err.text, "sha256//");
    assert_false(comes_back(l, &mine, "good.test"));
    end(l);
}

/* What it is not: a proof that stands for the others, unless that is said. */
static void a_pin_is_one_proof_more(void **state)
{
    (void)state;
    const ws_tls unknown = { .cert_file = certs_path("self.pem") };
    ws_tls mine = { .ca_file = certs_path("ca2.pem"),
                    .insecure_skip_verify = true };
    ws_listener *l = serve_tls(&unknown);
    char pin[64];
    ws_error err;

    ws_conn *c = dial(l, &mine, "good.test", NULL);
    snprintf(pin, sizeof(pin), "%s", ws_conn_cert(c)->pin);
    ws_close(c);
    mine.pinned_key = pin;
    forget_lines();
    assert_false(comes_back(l, &mine, "other.test"));
    assert_false(logged("NOT VERIFIED"));
    mine.insecure_skip_verify = false;
    assert_null(dial(l, &mine, "good.test", &err));
    assert_says(err.text, "self-signed certificate");
    mine.insecure_skip_verify = true;
    mine.pinned_key = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    assert_null(dial(l, &mine, "good.test", &err));
    assert_says(err.text, "its public key is not the pinned one, but sha256//");
    mine.pinned_key = "sha256//nonsense";
    assert_null(dial(l, &mine, "good.test", &err));
    assert_int_equal(err.code, WS_ERR_INVALID);
    end(l);
}

/* A proxy has a key of its own: it is asked for a tunnel, which our server is
 * none to give. */
static void a_pin_is_not_the_proxys(void **state)
{
    (void)state;
    const ws_tls mine = {
        .ca_file = certs_path("ca2.pem"),
        .pinned_key = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    };
    ws_listener *l = serve_tls(&files);
    const ws_dialer d = {
        .tls = &mine, .proxy = "https://good.test", .connect = reach, .arg = l
    };
    ws_error err;

    assert_null(ws_dial(&d, "wss://other.test/", NULL, NULL, &err));
    assert_int_equal(err.code, WS_ERR_PROXY);
    end(l);
}

/* ---- All of it ---------------------------------------------------------- */

static int make_files(void **state)
{
    struct cert good, self, me, old;

    (void)state;
    certs_begin();
    ca = cert_make(
        (struct cert_spec){ .cn = "our CA", .ca = true, .from = -3, .to = 1 },
        NULL);
    good = cert_make((struct cert_spec){ .cn = "good",
                                         .san = "DNS:good.test,DNS:also.test" },
                     &ca);
    self = cert_make((struct cert_spec){ .cn = "s", .san = "DNS:good.test" },
                     NULL);
    me = cert_make((struct cert_spec){ .cn = "me" }, &ca);
    old =
        cert_make((struct cert_spec){ .cn = "old", .from = -2, .to = -1 }, &ca);
    cert_write_as("ca.pem", ca.x509, NULL, NULL);
    cert_write_as("ca2.pem", ca.x509, NULL, NULL);
    cert_write("good.pem", &good);
    cert_write("self.pem", &self);
    cert_write("me.pem", &me);
    cert_write("old.pem", &old);
    crl_write("crl.pem", &ca, NULL, 1);
    cert_free(&good);
    cert_free(&self);
    cert_free(&me);
    cert_free(&old);
    ca_text = certs_text("ca.pem");
    setenv("SSL_CERT_FILE", certs_path("ca2.pem"), 1);
    setenv("SSL_CERT_DIR", certs_path("none"), 1);
    files.cert_file = demanding.cert_file = certs_path("good.pem");
    demanding.ca_file = certs_path("ca2.pem");
    trust.ca_file = certs_path("ca.pem");
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    free(ca_text);
    cert_free(&ca);
    ws__tls_client_cleanup();
    certs_end();
    return 0;
}

#define TEST(name) cmocka_unit_test_setup(name, forget_sessions)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_next_dial_goes_on_with_the_session),
        TEST(so_does_one_that_trusts_the_systems_roots),
        TEST(of_tls_1_2_too),
        TEST(a_connection_that_was_cut_is_gone_on_with),
        TEST(it_may_be_left),
        TEST(nobody_goes_on_with_the_session_of_another),
        TEST(a_server_knows_who_comes_back),
        TEST(a_certificate_that_has_expired_ends_the_session),
        TEST(a_server_that_cannot_is_not_asked_twice),
        TEST(a_certificate_that_was_refused_spoils_nothing),
        TEST(sessions_of_nobody_are_not_taken),
        TEST(all_may_come_back_at_once),
        TEST(a_pinned_key_is_refused_when_it_changes),
        TEST(a_pin_is_one_proof_more),
        TEST(a_pin_is_not_the_proxys),
    };

    ws_set_log(keep_line, NULL);
    ws__tls_look_ms = 0;
    signal(SIGPIPE, SIG_IGN); /* for OpenSSL's own sockets */
    return run_in_mode("tls_resume", tests, make_files, remove_files);
}
