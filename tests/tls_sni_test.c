/* SPDX-License-Identifier: MIT */

/* A server with several certificates, of which the client's name chooses one. */

#include "test.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "io/tls_stamp.h"
#include "tls_ends.h"
#include "tls_peer.h"

static struct cert ca;

/* All but what is said of each dial. */
static void keep_news(const char *line, void *arg)
{
    if (!strstr(line, "NOT VERIFIED"))
        keep_line(line, arg);
}

static const ws_route routes[] = { { .path = "/", .handler = echo }, { 0 } };

static ws_listener *serve_tls(const ws_tls *tls)
{
    return serve((ws_server){ .routes = routes, .tls = tls });
}

/* The common name of the certificate that the server shows, or NULL. */
static const char *shown(ws_listener *l, const char *name, ws_error *err)
{
    static char text[64];
    const ws_tls mine = { .insecure_skip_verify = true, .no_resumption = true };
    ws_conn *c = dial(l, &mine, name, err);

    if (!c)
        return NULL;
    snprintf(text, sizeof(text), "%s", ws_conn_cert(c)->common_name);
    assert_echoes(c);
    ws_close(c);
    return text;
}

/* ---- By name ------------------------------------------------------------ */

static const struct {
    const char *name;
    const char *cn; /* NULL: nobody's name */
} names[] = {
    { "one.test", "one" },     { "two.test", "two" },
    { "TWO.test", "two" },     { "www.two.test", "two" },
    { "a.wild.test", "wild" }, { "exact.wild.test", "two" },
    { "a.b.wild.test", NULL }, { "wild.test", NULL },
    { "other.test", NULL },    { "127.0.0.1", NULL },
};

static ws_tls_cert further[3];

static ws_tls by_files(void)
{
    further[0] = (ws_tls_cert){ .cert_file = certs_path("two.crt"),
                                .key_file = certs_path("two.key") };
    further[1] = (ws_tls_cert){ .cert_file = certs_path("wild.pem") };
    return (ws_tls){ .cert_file = certs_path("one.pem"), .certs = further };
}

static void the_name_chooses_the_certificate(void **state)
{
    (void)state;
    const ws_tls tls = by_files();
    ws_listener *l = serve_tls(&tls);

    for (size_t i = 0; i < COUNT(names); i++)
        assert_string_equal(shown(l, names[i].name, NULL),
                            names[i].cn ? names[i].cn : "one");
    end(l);
}

static void a_name_that_nobody_has_is_refused_if_that_is_wanted(void **state)
{
    (void)state;
    ws_tls tls = by_files();

    tls.strict_sni = true;
    ws_listener *l = serve_tls(&tls);
    for (size_t i = 0; i < COUNT(names); i++) {
        ws_error err;
        const char *cn = shown(l, names[i].name, &err);

        if (names[i].cn) {
            assert_string_equal(cn, names[i].cn);
            continue;
        }
        assert_null(cn);
        assert_int_equal(err.code, WS_ERR_TLS);
        assert_says(err.text, "unrecognized name");
    }
    end(l);
}

static void who_is_refused_is_named_in_the_log(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *words;
    } rows[] = {
        { "other.test", "no certificate has the name that the client asks for, "
                        "\"other.test\"" },
        { "127.0.0.1", "the client asks for no name, and strict_sni is set" },
    };
    ws_tls tls = by_files();

    tls.strict_sni = true;
    for (size_t i = 0; i < COUNT(rows); i++) {
        ws_listener *l = serve_tls(&tls);

        forget_lines();
        assert_null(shown(l, rows[i].name, NULL));
        end(l);
        assert_true(logged(rows[i].words));
    }
}

static void a_list_needs_no_other_certificate(void **state)
{
    (void)state;
    ws_tls tls = by_files();

    tls.cert_file = NULL;
    ws_listener *l = serve_tls(&tls);
    assert_string_equal(shown(l, "a.wild.test", NULL), "wild");
    assert_string_equal(shown(l, "other.test", NULL), "two");
    end(l);
}

static void certificates_may_be_in_memory(void **state)
{
    (void)state;
    char *one = certs_text("one.pem"), *two = certs_text("two.crt"),
         *key = certs_text("two.key"), *wild = certs_text("wild.pem");
    const ws_tls_cert list[] = {
        { .cert_pem = two, .key_pem = key },
        { .cert_pem = wild },
        { 0 },
    };
    const ws_tls tls = { .cert_pem = one, .certs = list };
    ws_listener *l = serve_tls(&tls);

    for (size_t i = 0; i < COUNT(names); i++)
        assert_string_equal(shown(l, names[i].name, NULL),
                            names[i].cn ? names[i].cn : "one");
    end(l);
    free(one);
    free(two);
    free(key);
    free(wild);
}

/* ---- By what the client can do ------------------------------------------ */

static void of_two_the_client_gets_the_one_that_it_can_verify(void **state)
{
    (void)state;
    static const struct {
        int version;
        const char *name;
        const char *algorithms;
        const char
            *cn; /* NULL: none, and not the default one, which has Ed25519 */
    } rows[] = {
        { TLS1_3_VERSION, "both.test", "ECDSA+SHA256:ed25519", "ecdsa" },
        { TLS1_3_VERSION, "both.test", "ed25519", "ed25519" },
        { TLS1_2_VERSION, "both.test", "ECDSA+SHA256:ed25519", "ecdsa" },
        { TLS1_2_VERSION, "both.test", "ed25519", "ed25519" },
        { TLS1_3_VERSION, "one.test", "ECDSA+SHA256", "one" },
        { TLS1_3_VERSION, "one.test", "ed25519", NULL },
        { TLS1_2_VERSION, "one.test", "ed25519", NULL },
        { TLS1_2_VERSION, "none.test", "ed25519", "default" },
    };
    const ws_tls_cert list[] = {
        { .cert_file = certs_path("ecdsa.pem") },
        { .cert_file = certs_path("ed25519.pem") },
        { .cert_file = certs_path("one.pem") },
        { 0 },
    };
    const ws_tls tls = { .cert_file = certs_path("default.pem"),
                         .certs = list };
    SSL_CTX *client = SSL_CTX_new(TLS_client_method());
    ws_listener *l = serve_tls(&tls);

    for (size_t i = 0; i < COUNT(rows); i++) {
        SSL *ssl = tls_call(l, client);
        char cn[16] = "";

        SSL_set_min_proto_version(ssl, rows[i].version);
        SSL_set_max_proto_version(ssl, rows[i].version);
        assert_true(SSL_set1_sigalgs_list(ssl, rows[i].algorithms));
        SSL_set_tlsext_host_name(ssl, rows[i].name);
        assert_int_equal(SSL_connect(ssl) == 1, rows[i].cn != NULL);
        if (!rows[i].cn) {
            tls_hang_up(ssl);
            continue;
        }
        X509_NAME_get_text_by_NID(
            X509_get_subject_name(SSL_get0_peer_certificate(ssl)),
            NID_commonName, cn, sizeof(cn));
        assert_string_equal(cn, rows[i].cn);
        tls_hang_up(ssl);
    }
    end(l);
    SSL_CTX_free(client);
}

/* ---- Renewed ------------------------------------------------------------ */

static void make_as(const char *file, const char *cn, const char *san)
{
    cert_write_new(file, (struct cert_spec){ .cn = cn, .san = san }, &ca);
}

static void show_until_it_is(ws_listener *l, const char *name, const char *cn)
{
    int64_t deadline = ws_after(PATIENCE_MS);

    while (strcmp(shown(l, name, NULL), cn) != 0)
        assert_true(ws_now() < deadline);
}

static void one_that_cannot_be_read_holds_up_no_other(void **state)
{
    (void)state;
    const ws_tls_cert list[] = {
        { .cert_file = certs_path("live1.pem") },
        { .cert_file = certs_path("live2.pem") },
        { 0 },
    };
    const ws_tls tls = { .cert_file = certs_path("live0.pem"), .certs = list };

    make_as("live0.pem", "old0", "DNS:zero.test");
    make_as("live1.pem", "old1", "DNS:one.test");
    make_as("live2.pem", "old2", "DNS:two.test");
    ws_listener *l = serve_tls(&tls);
    forget_lines();
    assert_int_equal(truncate(certs_path("live1.pem"), 10), 0);
    make_as("live2.pem", "new2", "DNS:two.test,DNS:three.test");
    show_until_it_is(l, "two.test", "new2");
    assert_string_equal(shown(l, "three.test", NULL), "new2");
    assert_string_equal(shown(l, "one.test", NULL), "old1");
    assert_true(logged("live1.pem: certificate: there is none in it, in PEM; "
                       "the old certificate is kept"));
    make_as("live1.pem", "new1", "DNS:one.test");
    show_until_it_is(l, "one.test", "new1");
    assert_string_equal(shown(l, "zero.test", NULL), "old0");
    end(l);
}

static void a_reload_is_there_at_once_and_says_what_it_cannot_read(void **state)
{
    (void)state;
    const ws_tls tls = { .cert_file = certs_path("now.pem") };
    ws_error err;

    make_as("now.pem", "old", "DNS:now.test");
    ws_listener *l = serve_tls(&tls);
    assert_int_equal(ws_listener_reload(l, &err), 0);
    make_as("now.pem", "new", "DNS:now.test");
    assert_int_equal(ws_listener_reload(l, NULL), 0);
    assert_string_equal(shown(l, "now.test", NULL), "new");

    assert_int_equal(truncate(certs_path("now.pem"), 10), 0);
    assert_true(ws_listener_reload(l, &err) < 0);
    assert_says(err.text, "now.pem: certificate: there is none in it, in PEM");
    assert_string_equal(shown(l, "now.test", NULL), "new");
    end(l);
    assert_int_equal(ws_listener_reload(NULL, &err), WS_ERR_INVALID);
}

enum { NAMES = 3, AT_ONCE = 4, ROUNDS = 3 };

static struct {
    ws_listener *l;
    const char *ca;
    _Atomic int dials;
    _Atomic int round;       /* that the files are in */
    _Atomic int seen[NAMES]; /* by clients: the newest */
    _Atomic int failed;
} renewal;

static int clients_of_the_test(void)
{
    const char *n = getenv("SILVERBACK_CLIENTS");

    return n ? atoi(n) : 24;
}

/* Dials until all is seen that there is to be. */
static void come_and_go(void *arg)
{
    char name[32];

    for (int i = *(int *)arg;; i++) {
        const ws_tls mine = { .ca_file = renewal.ca, .no_resumption = true };
        int n = i % NAMES, round = atomic_load(&renewal.round);

        if (round > ROUNDS || atomic_load(&renewal.failed))
            return;
        snprintf(name, sizeof(name), "name%d.test", n);
        ws_conn *c = dial(renewal.l, &mine, name, NULL);
        const ws_cert *cert = ws_conn_cert(c);
        if (!cert) {
            atomic_store(&renewal.failed, 1);
            return;
        }
        int is = atoi(cert->common_name);
        if (is > atomic_load(&renewal.seen[n]))
            atomic_store(&renewal.seen[n], is);
        ws_close(c);
        atomic_fetch_add(&renewal.dials, 1);
    }
}

static bool all_seen(int round)
{
    for (int n = 0; n < NAMES; n++)
        if (atomic_load(&renewal.seen[n]) < round)
            return false;
    return true;
}

static void renew_all(int round)
{
    char file[32], cn[16], san[32];

    for (int n = 0; n < NAMES; n++) {
        snprintf(file, sizeof(file), "renewed%d.pem", n);
        snprintf(cn, sizeof(cn), "%d", round);
        snprintf(san, sizeof(san), "DNS:name%d.test", n);
        make_as(file, cn, san);
    }
}

static void no_handshake_fails_while_certificates_are_renewed(void **state)
{
    (void)state;
    const ws_tls_cert list[] = {
        { .cert_file = certs_path("renewed1.pem") },
        { .cert_file = certs_path("renewed2.pem") },
        { 0 },
    };
    const ws_tls tls = { .cert_file = certs_path("renewed0.pem"),
                         .certs = list };
    int64_t deadline = ws_after(PATIENCE_MS);
    int number[AT_ONCE], round = 1;
    ws_fiber *clients[AT_ONCE];

    memset(&renewal, 0, sizeof(renewal));
    renew_all(round);
    renewal.l = serve_tls(&tls);
    renewal.ca = certs_path("ca.pem");
    for (int i = 0; i < AT_ONCE; i++) {
        number[i] = i;
        clients[i] = mode_go(come_and_go, &number[i]);
    }
    while (round <= ROUNDS && ws_now() < deadline &&
           !atomic_load(&renewal.failed)) {
        ws_sleep(1);
        if (!all_seen(round) || atomic_load(&renewal.dials) <
                                    round * clients_of_the_test() / ROUNDS)
            continue;
        atomic_store(&renewal.round, ++round);
        if (round <= ROUNDS)
            renew_all(round);
    }
    atomic_store(&renewal.round, ROUNDS + 1);
    for (int i = 0; i < AT_ONCE; i++)
        ws_join(clients[i]);
    assert_int_equal(atomic_load(&renewal.failed), 0);
    assert_true(all_seen(ROUNDS));
    assert_true(atomic_load(&renewal.dials) >= clients_of_the_test());
    end(renewal.l);
}

/* ---- All of it ---------------------------------------------------------- */

/* Signed by our CA, which a client that has not ECDSA cannot verify. */
static void make_ed25519(const char *file, const char *cn, const char *san)
{
    cert_write_new(
        file, (struct cert_spec){ .cn = cn, .san = san, .ed25519 = true }, &ca);
}

static int make_files(void **state)
{
    struct cert two;

    (void)state;
    certs_begin();
    ca = cert_make((struct cert_spec){ .cn = "our CA", .ca = true }, NULL);
    two = cert_make((struct cert_spec){ .cn = "two",
                                        .san = "DNS:two.test,DNS:www.two.test,"
                                               "DNS:exact.wild.test" },
                    &ca);
    cert_write_as("ca.pem", ca.x509, NULL, NULL);
    cert_write_as("two.crt", two.x509, NULL, NULL);
    cert_write_as("two.key", NULL, two.key, NULL);
    cert_free(&two);
    make_as("one.pem", "one", "DNS:one.test");
    make_as("wild.pem", "wild", "DNS:*.wild.test");
    make_as("ecdsa.pem", "ecdsa", "DNS:both.test");
    make_ed25519("ed25519.pem", "ed25519", "DNS:both.test");
    make_ed25519("default.pem", "default", "DNS:default.test");
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    cert_free(&ca);
    certs_end();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_name_chooses_the_certificate),
        cmocka_unit_test(a_name_that_nobody_has_is_refused_if_that_is_wanted),
        cmocka_unit_test(who_is_refused_is_named_in_the_log),
        cmocka_unit_test(a_list_needs_no_other_certificate),
        cmocka_unit_test(certificates_may_be_in_memory),
        cmocka_unit_test(of_two_the_client_gets_the_one_that_it_can_verify),
        cmocka_unit_test(one_that_cannot_be_read_holds_up_no_other),
        cmocka_unit_test(
            a_reload_is_there_at_once_and_says_what_it_cannot_read),
        cmocka_unit_test(no_handshake_fails_while_certificates_are_renewed),
    };

    ws_set_log(keep_news, NULL);
    ws__tls_look_ms = 10;
    signal(SIGPIPE, SIG_IGN); /* for OpenSSL's own sockets */
    return run_in_mode("tls_sni", tests, make_files, remove_files);
}
