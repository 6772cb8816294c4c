/* SPDX-License-Identifier: MIT */

/* The fields of a ws_tls: what they do, and what is said of those that do not
 * do. */

#include "test.h"

#include <signal.h>
#include <stdlib.h>

#include "tls_ends.h"
#include "tls_peer.h"

static struct cert ca;
static char *good, *good_key, *other_key, *ca_text, *crl_text, *weak;

static const ws_route routes[] = { { .path = "/", .handler = echo }, { 0 } };

static ws_listener *serve_tls(const ws_tls *tls)
{
    return serve((ws_server){ .routes = routes, .tls = tls });
}

/* ---- What does not do --------------------------------------------------- */

static const ws_tls_cert wrong_key[] = {
    { .cert_file = "/none.pem" },
    { 0 },
};
static ws_tls_cert second_wrong[3];

/* Made when the texts are there. */
struct row {
    ws_tls tls;
    int code;
    const char *words;
    bool server_only;
};

static void assert_refused(const struct row *row, size_t i)
{
    ws_error err = { 0 };
    ws_listener *l = ws_listen(&(ws_server){ .addr = "127.0.0.1:0",
                                             .routes = routes,
                                             .tls = &row->tls },
                               &err);

    if (l || err.code != row->code || !strstr(err.text, row->words))
        fail_msg("row %zu: %d, \"%s\"", i, err.code, err.text);
    if (row->server_only)
        return;
    l = serve((ws_server){ .routes = routes });
    assert_null(dial(l, &row->tls, "good.test", &err));
    if (err.code != row->code || !strstr(err.text, row->words))
        fail_msg("row %zu, client: %d, \"%s\"", i, err.code, err.text);
    end(l);
}

static void what_does_not_do_is_said_in_a_line(void **state)
{
    (void)state;
    second_wrong[0] = (ws_tls_cert){ .cert_pem = good };
    second_wrong[1] = (ws_tls_cert){ .cert_pem = good, .key_pem = other_key };
    const char *file = certs_path("good.pem");
    const struct row rows[] = {
        { { .cert_file = NULL },
          WS_ERR_INVALID,
          "a server needs a cert_file or a cert_pem",
          true },
        { { .cert_pem = "nonsense" },
          WS_ERR_TLS,
          "TLS: cert_pem: certificate: there is none in it, in PEM",
          false },
        { { .cert_pem = "" }, WS_ERR_TLS, "cert_pem: certificate: ", false },
        { { .cert_pem = good, .key_pem = "nonsense" },
          WS_ERR_TLS,
          "TLS: key_pem: private key: there is none in it, in PEM",
          false },
        { { .cert_pem = good, .key_pem = other_key },
          WS_ERR_TLS,
          "TLS: key_pem: private key: it does not belong to the certificate "
          "in cert_pem",
          false },
        { { .cert_file = file, .cert_pem = good },
          WS_ERR_INVALID,
          "TLS: expected cert_file or cert_pem, got both",
          false },
        { { .cert_file = file, .key_pem = good, .key_file = file },
          WS_ERR_INVALID,
          "TLS: expected key_file or key_pem, got both",
          false },
        { { .cert_file = file, .ca_pem = good_key },
          WS_ERR_TLS,
          "TLS: ca_pem: CA certificates: there is none in it",
          false },
        { { .cert_file = file, .ca_pem = ca_text, .crl_pem = ca_text },
          WS_ERR_TLS,
          "TLS: crl_pem: revocation list: there is none in it",
          false },
        { { .cert_file = file,
            .ca_pem = ca_text,
            .crl_file = certs_path("none.crl") },
          WS_ERR_TLS,
          "/none.crl: revocation list: No such file",
          false },
        { { .cert_file = file, .crl_pem = crl_text },
          WS_ERR_INVALID,
          "a revocation list is of no use",
          true },
        { { .cert_file = file, .certs = wrong_key },
          WS_ERR_TLS,
          "TLS: /none.pem: certificate: No such file",
          true },
        { { .cert_file = file, .certs = second_wrong },
          WS_ERR_TLS,
          "TLS: certs[1].key_pem: private key: it does not belong to the "
          "certificate in certs[1].cert_pem",
          true },
        { { .cert_pem = weak },
          WS_ERR_TLS,
          "TLS: cert_pem: certificate: ee key too small",
          false },
        { { .cert_file = file, .client_certs = WS_CLIENT_CERTS_OPTIONAL },
          WS_ERR_INVALID,
          "client_certs: expected a ca_file or a ca_pem",
          true },
        { { .cert_file = file, .client_certs = (ws_client_certs)7 },
          WS_ERR_INVALID,
          "client_certs: expected a WS_CLIENT_CERTS_..., got 7",
          true },
        { { .cert_file = file, .min_version = 12 },
          WS_ERR_INVALID,
          "min_version: expected WS_TLS_1_2 or WS_TLS_1_3, got 12",
          false },
        { { .cert_file = file, .min_version = TLS1_1_VERSION },
          WS_ERR_INVALID,
          "min_version: ",
          false },
        { { .cert_file = file, .ciphers = "NO-SUCH" },
          WS_ERR_TLS,
          "ciphers: expected ciphers that OpenSSL has, got \"NO-SUCH\"",
          false },
        { { .cert_file = file, .ciphers = "ECDHE+AESGCM:HIHG:!aNULL" },
          WS_ERR_TLS,
          "got \"HIHG\"",
          false },
        { { .cert_file = file, .ciphers = "HIGH:@LEVEL" },
          WS_ERR_TLS,
          "got \"HIGH:@LEVEL\"",
          false },
        { { .cert_file = file, .ciphers = "" }, WS_ERR_TLS, "got \"\"", false },
        { { .cert_file = file, .ciphers = "TLS_AES_128_GCM_SHA256" },
          WS_ERR_TLS,
          "ciphers: ", /* of 1.3 */
          false },
        { { .cert_file = file,
            .ciphersuites = "TLS_AES_128_GCM_SHA256:TLS_NONE\n" },
          WS_ERR_TLS,
          "ciphersuites: expected ciphers that OpenSSL has, got \"TLS_NONE\\n",
          false },
        { { .cert_file = file, .ciphersuites = "" },
          WS_ERR_TLS,
          "ciphersuites: ",
          false },
    };

    for (size_t i = 0; i < COUNT(rows); i++)
        assert_refused(&rows[i], i);
}

/* ---- What does ---------------------------------------------------------- */

static void everything_may_be_in_memory(void **state)
{
    (void)state;
    const ws_tls tls = { .cert_pem = good,
                         .key_pem = good_key,
                         .ca_pem = ca_text,
                         .crl_pem = crl_text };
    ws_listener *l = serve_tls(&tls);
    ws_error err;
    ws_conn *c = dial(l, &tls, "good.test", &err);

    assert_echoes(c);
    assert_true(ws_conn_cert(c)->verified);
    ws_close(c);
    const ws_tls none = { .ca_pem = ca_text };
    assert_null(dial(l, &none, "good.test", &err));
    assert_says(err.text, "certificate required");
    end(l);
}

/* A CA in memory is trusted beside those of the file. */
static void a_ca_in_memory_stands_beside_the_file(void **state)
{
    (void)state;
    const ws_tls files = { .cert_pem = good, .key_pem = good_key };
    ws_tls mine = { .ca_file = certs_path("other.pem") };
    ws_listener *l = serve_tls(&files);
    ws_error err;

    assert_null(dial(l, &mine, "good.test", &err));
    assert_says(err.text, "unable to get local issuer");
    mine.ca_pem = ca_text;
    ws_conn *c = dial(l, &mine, "good.test", &err);
    assert_echoes(c);
    ws_close(c);
    end(l);
}

/* Shake hands as a client that knows only this much.  Returns the name of the
 * cipher, or NULL. */
static const char *agreed(ws_listener *l, int version, const char *ciphers)
{
    SSL_CTX *client = SSL_CTX_new(TLS_client_method());
    SSL *ssl = tls_call(l, client);

    SSL_set_min_proto_version(ssl, version);
    SSL_set_max_proto_version(ssl, version);
    if (ciphers && version == TLS1_3_VERSION)
        assert_true(SSL_set_ciphersuites(ssl, ciphers));
    else if (ciphers)
        assert_true(SSL_set_cipher_list(ssl, ciphers));
    const char *name = SSL_connect(ssl) == 1 ? SSL_get_cipher_name(ssl) : NULL;
    tls_hang_up(ssl);
    SSL_CTX_free(client);
    return name;
}

#define AES_128 "ECDHE-ECDSA-AES128-GCM-SHA256"
#define AES_256 "ECDHE-ECDSA-AES256-GCM-SHA384"
#define CHACHA "ECDHE-ECDSA-CHACHA20-POLY1305"
#define TLS_AES_128 "TLS_AES_128_GCM_SHA256"
#define TLS_AES_256 "TLS_AES_256_GCM_SHA384"
#define TLS_CHACHA "TLS_CHACHA20_POLY1305_SHA256"

static void only_the_named_versions_and_ciphers_are_spoken(void **state)
{
    (void)state;
    static const struct {
        ws_tls want;
        int version;
        const char *offer;
        const char *agreed;
    } rows[] = {
        { { .min_version = WS_TLS_1_3 }, TLS1_2_VERSION, NULL, NULL },
        { { .min_version = WS_TLS_1_3 }, TLS1_3_VERSION, NULL, TLS_AES_128 },
        { { .min_version = WS_TLS_1_2 }, TLS1_2_VERSION, AES_128, AES_128 },
        { { .ciphers = CHACHA }, TLS1_2_VERSION, AES_128, NULL },
        { { .ciphers = CHACHA }, TLS1_2_VERSION, AES_128 ":" CHACHA, CHACHA },
        { { .ciphers = CHACHA }, TLS1_3_VERSION, TLS_AES_256, TLS_AES_256 },
        { { .ciphers = AES_256 ":" AES_128 },
          TLS1_2_VERSION,
          AES_128 ":" AES_256,
          AES_256 },
        { { .ciphers = "ECDHE+AESGCM:!AES128" },
          TLS1_2_VERSION,
          AES_128 ":" AES_256,
          AES_256 },
        { { .ciphersuites = TLS_CHACHA ":" TLS_AES_256 },
          TLS1_3_VERSION,
          TLS_AES_256 ":" TLS_CHACHA,
          TLS_CHACHA },
        { { .ciphersuites = TLS_AES_256 }, TLS1_3_VERSION, TLS_AES_128, NULL },
        { { .ciphersuites = TLS_AES_256 }, TLS1_2_VERSION, AES_128, AES_128 },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        ws_tls tls = rows[i].want;

        tls.cert_pem = good;
        tls.key_pem = good_key;
        ws_listener *l = serve_tls(&tls);
        const char *is = agreed(l, rows[i].version, rows[i].offer);
        if (!is != !rows[i].agreed)
            fail_msg("row %zu: %s", i, is ? is : "none");
        if (is)
            assert_string_equal(is, rows[i].agreed);
        end(l);
    }
}

/* Our client has the same fields. */
static void a_client_speaks_no_less(void **state)
{
    (void)state;
    const ws_tls files = { .cert_pem = good,
                           .key_pem = good_key,
                           .ciphersuites = TLS_AES_256 };
    const ws_tls wants[] = {
        { .ca_pem = ca_text, .ciphersuites = TLS_AES_256 },
        { .ca_pem = ca_text, .min_version = WS_TLS_1_3 },
        { .ca_pem = ca_text,
          .ciphersuites = TLS_CHACHA,
          .min_version = WS_TLS_1_3 },
    };
    ws_listener *l = serve_tls(&files);

    for (size_t i = 0; i < COUNT(wants); i++) {
        ws_error err;
        ws_conn *c = dial(l, &wants[i], "good.test", &err);

        assert_int_equal(!c, i == 2);
        if (c)
            assert_echoes(c);
        else
            assert_int_equal(err.code, WS_ERR_TLS);
        ws_close(c);
    }
    end(l);
}

/* ---- All of it ---------------------------------------------------------- */

static int make_files(void **state)
{
    struct cert g, o, w;

    (void)state;
    certs_begin();
    ca = cert_make((struct cert_spec){ .cn = "our CA", .ca = true }, NULL);
    g = cert_make((struct cert_spec){ .cn = "good", .san = "DNS:good.test" },
                  &ca);
    o = cert_make((struct cert_spec){ .cn = "other", .ca = true }, NULL);
    w = cert_make((struct cert_spec){ .cn = "weak" }, &ca);
    EVP_PKEY_free(w.key);
    w.key = EVP_RSA_gen(512);
    X509_set_pubkey(w.x509, w.key);
    cert_sign(&w, &ca);
    cert_write("good.pem", &g);
    cert_write_as("good.key", NULL, g.key, NULL);
    cert_write_as("other.key", NULL, o.key, NULL);
    cert_write_as("other.pem", o.x509, NULL, NULL);
    cert_write_as("ca.pem", ca.x509, NULL, NULL);
    cert_write("weak.pem", &w);
    crl_write("crl.pem", &ca, NULL, 1);
    good = certs_text("good.pem");
    good_key = certs_text("good.key");
    other_key = certs_text("other.key");
    ca_text = certs_text("ca.pem");
    crl_text = certs_text("crl.pem");
    weak = certs_text("weak.pem");
    cert_free(&g);
    cert_free(&o);
    cert_free(&w);
    return 0;
}

static int remove_files(void **state)
{
    char *const texts[] = {
        good, good_key, other_key, ca_text, crl_text, weak
    };

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++)
        free(texts[i]);
    cert_free(&ca);
    certs_end();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_does_not_do_is_said_in_a_line),
        cmocka_unit_test(everything_may_be_in_memory),
        cmocka_unit_test(a_ca_in_memory_stands_beside_the_file),
        cmocka_unit_test(only_the_named_versions_and_ciphers_are_spoken),
        cmocka_unit_test(a_client_speaks_no_less),
    };

    ws_set_log(keep_line, NULL);
    signal(SIGPIPE, SIG_IGN); /* for OpenSSL's own sockets */
    return run_in_mode("tls_settings", tests, make_files, remove_files);
}
