/* SPDX-License-Identifier: MIT */

/* Our server and our client against OpenSSL used by hand. */

#include "test.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include <silverback/dial.h>
#include <silverback/http.h>

#include "certs.h"
#include "tls_peer.h"
#include "mode.h"

enum { PATIENCE_MS = PATIENCE_S * 1000, FILE_SIZE = 300 * 1000 };

static SSL_CTX *client, *server;
static ws_tls files, demanding;

/* ---- Our server --------------------------------------------------------- */

static void is_tls(ws_request *r, void *arg)
{
    (void)arg;
    ws_reply_text(r, 200, r->tls ? "tls" : "plain");
}

static void file(ws_request *r, void *arg)
{
    (void)arg;
    ws_reply_file(r, certs_folder);
}

static const ws_route routes[] = {
    { .path = "/tls", .handler = is_tls },
    { .path = "/", .handler = file },
    { 0 },
};

static ws_listener *l;

static int start(void **state)
{
    (void)state;
    l = serve((ws_server){ .routes = routes, .tls = &files });
    return 0;
}

static int stop(void **state)
{
    (void)state;
    return ws_listener_shutdown(l, ws_after(PATIENCE_MS));
}

/* Returns the reason for which it failed, or 0. */
static int reason(SSL *ssl, int (*fn)(SSL *ssl))
{
    ERR_clear_error();
    int r = fn(ssl);
    return r == 1 ? 0 : ERR_GET_REASON(ERR_peek_error());
}

static void versions_below_1_2_are_refused(void **state)
{
    (void)state;
    static const struct {
        int version;
        int reason;
    } rows[] = {
        { TLS1_VERSION, SSL_R_TLSV1_ALERT_PROTOCOL_VERSION },
        { TLS1_1_VERSION, SSL_R_TLSV1_ALERT_PROTOCOL_VERSION },
        { TLS1_2_VERSION, 0 },
        { TLS1_3_VERSION, 0 },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        SSL *ssl = tls_call(l, client);

        SSL_set_cipher_list(ssl, "ALL:@SECLEVEL=0");
        SSL_set_min_proto_version(ssl, rows[i].version);
        SSL_set_max_proto_version(ssl, rows[i].version);
        assert_int_equal(reason(ssl, SSL_connect), rows[i].reason);
        tls_hang_up(ssl);
    }
}

/* RFC 7301, section 3.2. */
static void http_1_1_is_chosen_or_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *offer;
        int reason;
        const char *chosen;
    } rows[] = {
        { "", 0, "" },
        { "\x08http/1.1", 0, "http/1.1" },
        { "\x02h2\x08http/1.1", 0, "http/1.1" },
        { "\x02h2", SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL, "" },
        { "\x08http/1.0", SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL, "" },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        SSL *ssl = tls_call(l, client);
        const unsigned char *chosen;
        unsigned n;

        SSL_set_alpn_protos(ssl, (const unsigned char *)rows[i].offer,
                            (unsigned)strlen(rows[i].offer));
        assert_int_equal(reason(ssl, SSL_connect), rows[i].reason);
        SSL_get0_alpn_selected(ssl, &chosen, &n);
        assert_int_equal(n, strlen(rows[i].chosen));
        assert_memory_equal(n ? (const char *)chosen : "", rows[i].chosen, n);
        tls_hang_up(ssl);
    }
}

static int ask_for_renegotiation(SSL *ssl)
{
    char c;

    SSL_renegotiate(ssl);
    if (SSL_do_handshake(ssl) != 1)
        return 0;
    return SSL_read(ssl, &c, 1);
}

static void nothing_is_negotiated_anew_or_compressed(void **state)
{
    (void)state;
    SSL *ssl = tls_call(l, client);

    SSL_set_max_proto_version(ssl, TLS1_2_VERSION);
    assert_int_equal(SSL_connect(ssl), 1);
    assert_null(SSL_get_current_compression(ssl));
    assert_int_equal(reason(ssl, ask_for_renegotiation),
                     SSL_R_NO_RENEGOTIATION);
    tls_hang_up(ssl);
}

static const char request[] =
    "GET /tls HTTP/1.1" SERVED "Connection: close\r\n\r\n";

/* The answer comes behind the tickets. */
static SSL_SESSION *visit(const ws_listener *where, int version,
                          SSL_SESSION *before, bool *resumed)
{
    SSL *ssl = tls_call(where, client);
    char answer[1024];

    SSL_set_max_proto_version(ssl, version);
    if (before)
        assert_int_equal(SSL_set_session(ssl, before), 1);
    assert_int_equal(SSL_connect(ssl), 1);
    *resumed = SSL_session_reused(ssl);
    tls_say(ssl, request);
    tls_hear(ssl, answer, sizeof(answer));
    assert_non_null(strstr(answer, "\r\n\r\ntls"));
    assert_int_equal(SSL_get_error(ssl, 0), SSL_ERROR_ZERO_RETURN);
    SSL_SESSION *session = SSL_get1_session(ssl);
    SSL_shutdown(ssl);
    tls_hang_up(ssl);
    return session;
}

static void who_comes_back_with_a_ticket_is_known(void **state)
{
    (void)state;
    static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
    ws_listener *strict =
        serve((ws_server){ .routes = routes, .tls = &demanding });
    ws_listener *servers[] = { l, strict };

    for (size_t i = 0; i < COUNT(versions) * COUNT(servers); i++) {
        int version = versions[i / 2];
        bool resumed;

        SSL_SESSION *s = visit(servers[i % 2], version, NULL, &resumed);
        assert_false(resumed);
        SSL_SESSION *again = visit(servers[i % 2], version, s, &resumed);
        assert_true(resumed);
        SSL_SESSION_free(s);
        SSL_SESSION_free(again);
    }
    assert_int_equal(ws_listener_shutdown(strict, ws_after(PATIENCE_MS)), 0);
}

static int tickets;

static int count_ticket(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl;
    (void)session;
    tickets++;
    return 0;
}

static void a_visit_earns_one_ticket(void **state)
{
    (void)state;
    bool resumed;

    SSL_CTX_set_session_cache_mode(client, SSL_SESS_CACHE_CLIENT);
    SSL_CTX_sess_set_new_cb(client, count_ticket);
    SSL_SESSION *s = visit(l, TLS1_3_VERSION, NULL, &resumed);
    assert_int_equal(tickets, 1);
    SSL_SESSION *again = visit(l, TLS1_3_VERSION, s, &resumed);
    assert_true(resumed);
    assert_int_equal(tickets, 2);
    SSL_SESSION_free(s);
    SSL_SESSION_free(again);
    SSL_CTX_set_session_cache_mode(client, SSL_SESS_CACHE_OFF);
}

static void files_are_served_whole_and_the_end_is_announced(void **state)
{
    (void)state;
    static char answer[FILE_SIZE + 1024];
    SSL *ssl = tls_call(l, client);

    assert_int_equal(SSL_connect(ssl), 1);
    tls_say(ssl, "GET /large HTTP/1.1" SERVED "\r\n"
                 "HEAD /large HTTP/1.1" SERVED "\r\n");
    tls_say(ssl, request);
    int n = tls_hear(ssl, answer, sizeof(answer));
    assert_int_equal(SSL_get_error(ssl, 0), SSL_ERROR_ZERO_RETURN);
    assert_memory_equal(answer, "HTTP/1.1 200 OK\r\n", 17);
    const char *body = strstr(answer, "\r\n\r\n") + 4;
    assert_int_equal(strspn(body, "x"), FILE_SIZE);
    assert_memory_equal(body + FILE_SIZE, "HTTP/1.1 200 OK\r\n", 17);
    assert_memory_equal(answer + n - 7, "\r\n\r\ntls", 7);
    tls_hang_up(ssl);
}

/* ---- Our client --------------------------------------------------------- */

/* What a server made by hand saw of our client. */
struct seen {
    int fd;
    int version;
    char name[64];
    char protocols[64];
    int reason;
    bool renegotiate; /* tries to, after the request, */
    int refused;      /* and was refused for this reason */
    char request[1024];
    pthread_t thread;
};

static int note_protocols(SSL *ssl, const unsigned char **out,
                          unsigned char *out_len, const unsigned char *in,
                          unsigned in_len, void *arg)
{
    struct seen *s = SSL_get_app_data(ssl);

    (void)out;
    (void)out_len;
    (void)arg;
    snprintf(s->protocols, sizeof(s->protocols), "%.*s", (int)in_len, in);
    return SSL_TLSEXT_ERR_NOACK;
}

static void *serve_once(void *arg)
{
    struct seen *s = arg;
    SSL *ssl = SSL_new(server);

    SSL_set_fd(ssl, s->fd);
    SSL_set_app_data(ssl, s);
    SSL_set_cipher_list(ssl, "ALL:@SECLEVEL=0");
    SSL_set_min_proto_version(ssl, s->version);
    SSL_set_max_proto_version(ssl, s->version);
    s->reason = reason(ssl, SSL_accept);
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    snprintf(s->name, sizeof(s->name), "%s", name ? name : "none");
    if (s->reason == 0)
        SSL_read(ssl, s->request, sizeof(s->request) - 1);
    if (s->renegotiate)
        s->refused = reason(ssl, ask_for_renegotiation);
    tls_hang_up(ssl); /* without a word */
    return NULL;
}

static int reach(const char *host, const char *port, int64_t deadline,
                 void *arg)
{
    struct seen *s = arg;
    int fds[2];

    (void)host;
    (void)port;
    (void)deadline;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0)
        abort();
    s->fd = fds[1];
    if (pthread_create(&s->thread, NULL, serve_once, s) != 0)
        abort();
    return fds[0];
}

static struct seen dial_as(struct seen s, const char *url, ws_error *err)
{
    const ws_tls trust = { .ca_file = files.cert_file };
    const ws_dialer d = { .handshake_timeout_ms = 10 * 1000,
                          .tls = &trust,
                          .connect = reach,
                          .arg = &s };

    assert_null(ws_dial(&d, url, NULL, NULL, err));
    pthread_join(s.thread, NULL);
    return s;
}

static struct seen dial(const char *url, int version, ws_error *err)
{
    return dial_as((struct seen){ .version = version }, url, err);
}

/* RFC 6066, section 3. */
static void names_are_sent_and_addresses_are_not(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        const char *name;
    } rows[] = {
        { "wss://good.test/", "good.test" },
        { "wss://good.test:8443/", "good.test" },
        { "wss://good.test./", "good.test" },
        { "wss://127.0.0.1/", "none" },
        { "wss://[::1]/", "none" },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        ws_error err;
        struct seen s = dial(rows[i].url, TLS1_3_VERSION, &err);

        assert_int_equal(s.reason, 0);
        assert_string_equal(s.name, rows[i].name);
        assert_string_equal(s.protocols, "\x08http/1.1");
        assert_memory_equal(s.request, "GET / HTTP/1.1\r\n", 16);
    }
}

static void a_server_that_hangs_up_without_a_word_is_eof(void **state)
{
    (void)state;
    static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

    for (size_t i = 0; i < COUNT(versions); i++) {
        ws_error err;

        dial("wss://good.test/", versions[i], &err);
        assert_int_equal(err.code, WS_ERR_EOF);
        assert_non_null(strstr(err.text, "good.test closed the connection"));
    }
}

static void a_server_cannot_renegotiate_either(void **state)
{
    (void)state;
    ws_error err;
    struct seen s =
        dial_as((struct seen){ .version = TLS1_2_VERSION, .renegotiate = true },
                "wss://good.test/", &err);

    assert_int_equal(s.refused, SSL_R_NO_RENEGOTIATION);
}

static void a_server_of_an_old_version_is_refused(void **state)
{
    (void)state;
    ws_error err;
    struct seen s = dial("wss://good.test/", TLS1_1_VERSION, &err);

    assert_int_equal(s.reason, SSL_R_UNSUPPORTED_PROTOCOL);
    assert_int_equal(err.code, WS_ERR_TLS);
    assert_non_null(strstr(err.text, "alert protocol version"));
}

/* ---- All of it ---------------------------------------------------------- */

/* That old versions are refused must not be left to the system's settings. */
static void make_settings(void)
{
    certs_begin();
    FILE *f = fopen(certs_path("openssl.cnf"), "w");
    fputs("openssl_conf = init\n"
          "[init]\nssl_conf = ssl\n"
          "[ssl]\nsystem_default = all\n"
          "[all]\nMinProtocol = TLSv1\nCipherString = ALL:@SECLEVEL=0\n",
          f);
    fclose(f);
    setenv("OPENSSL_CONF", certs_path("openssl.cnf"), 1);
}

static int make_files(void **state)
{
    (void)state;
    struct cert self = cert_make(
        (struct cert_spec){ .cn = "good.test",
                            .san = "DNS:good.test,IP:127.0.0.1,IP:::1" },
        NULL);
    cert_write("self.pem", &self);
    FILE *f = fopen(certs_path("large"), "w");
    for (int i = 0; i < FILE_SIZE; i++)
        fputc('x', f);
    fclose(f);

    files.cert_file = demanding.cert_file = certs_path("self.pem");
    demanding.ca_file = files.cert_file;
    client = SSL_CTX_new(TLS_client_method());
    server = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate(client, self.x509);
    SSL_CTX_use_PrivateKey(client, self.key);
    SSL_CTX_use_certificate(server, self.x509);
    SSL_CTX_use_PrivateKey(server, self.key);
    SSL_CTX_set_alpn_select_cb(server, note_protocols, NULL);
    cert_free(&self);
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    SSL_CTX_free(client);
    SSL_CTX_free(server);
    certs_end();
    return 0;
}

#define SERVED_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVED_TEST(versions_below_1_2_are_refused),
        SERVED_TEST(http_1_1_is_chosen_or_nothing),
        SERVED_TEST(nothing_is_negotiated_anew_or_compressed),
        SERVED_TEST(who_comes_back_with_a_ticket_is_known),
        SERVED_TEST(a_visit_earns_one_ticket),
        SERVED_TEST(files_are_served_whole_and_the_end_is_announced),
        cmocka_unit_test(names_are_sent_and_addresses_are_not),
        cmocka_unit_test(a_server_that_hangs_up_without_a_word_is_eof),
        cmocka_unit_test(a_server_cannot_renegotiate_either),
        cmocka_unit_test(a_server_of_an_old_version_is_refused),
    };

    make_settings();
    signal(SIGPIPE, SIG_IGN); /* for OpenSSL's own sockets */
    return run_in_mode("tls_peer", tests, make_files, remove_files);
}
