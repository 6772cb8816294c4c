/* SPDX-License-Identifier: MIT */

/* What each end learns of the other's certificate, and which are let in. */

#include "test.h"

#include <signal.h>
#include <stdlib.h>

#include "io/tls_stamp.h"
#include "tls_ends.h"

static struct cert ca;

/* ---- A server that says who its client is ------------------------------- */

/* As the request has it, or "none". */
static void who(ws_request *r, void *arg)
{
    const ws_cert *c = ws_request_cert(r);
    char text[256];

    (void)arg;
    assert_ptr_equal(ws_request_cert(r), c);
    snprintf(text, sizeof(text), "%s, %s", c ? c->common_name : "none",
             !c            ? ""
             : c->verified ? "verified"
                           : "not verified");
    ws_reply_text(r, 200, text);
}

/* As the connection has it, and the request once it is upgraded: it was asked
 * before, or was not. */
static void who_upgraded(ws_request *r, void *asks)
{
    const ws_cert *before = asks ? ws_request_cert(r) : NULL;
    ws_conn *c = ws_upgrade(&upgrader, r, NULL);
    const ws_cert *cert = ws_conn_cert(c);

    assert_ptr_equal(ws_request_cert(r), before);
    assert_ptr_equal(ws_conn_cert(c), cert);
    ws_writef(c, "%s", cert ? cert->subject : "none");
    ws_finish(c, WS_CLOSE_NORMAL, NULL, ws_after(PATIENCE_MS));
    ws_close(c);
    if (before)
        assert_string_equal(before->subject, "CN=me");
}

static const ws_route routes[] = {
    { .path = "/", .handler = echo },
    { .path = "/who", .handler = who },
    { .path = "/upgraded", .handler = who_upgraded },
    { .path = "/asked", .handler = who_upgraded, .arg = "asks" },
    { 0 },
};

static ws_listener *serve_tls(const ws_tls *tls)
{
    return serve((ws_server){ .routes = routes, .tls = tls });
}

static ws_conn *dial_path(ws_listener *l, const ws_tls *tls, const char *path,
                          ws_response **resp, ws_error *err)
{
    const ws_dialer d = { .tls = tls, .connect = reach, .arg = l };
    char url[128];

    snprintf(url, sizeof(url), "wss://good.test%s", path);
    return ws_dial(&d, url, NULL, resp, err);
}

static void assert_said(ws_listener *l, const ws_tls *tls, const char *path,
                        const char *words)
{
    ws_conn *c = dial_path(l, tls, path, NULL, NULL);
    ws_message m;

    assert_int_equal(ws_read_message(c, &m), 0);
    assert_string_equal(m.data, words);
    ws_finish(c, WS_CLOSE_NORMAL, NULL, ws_after(PATIENCE_MS));
    ws_close(c);
}

/* ---- Who is let in ------------------------------------------------------ */

static void a_client_needs_a_certificate_or_not(void **state)
{
    (void)state;
    static const struct {
        ws_client_certs want;
        bool ca; /* named to the server */
        const char *mine;
        const char *answer; /* NULL: refused */
    } rows[] = {
        { WS_CLIENT_CERTS_DEFAULT, false, NULL, "none, " },
        { WS_CLIENT_CERTS_DEFAULT, false, "me.pem", "none, " },
        { WS_CLIENT_CERTS_DEFAULT, true, NULL, NULL },
        { WS_CLIENT_CERTS_DEFAULT, true, "me.pem", "me, verified" },
        { WS_CLIENT_CERTS_NONE, true, "me.pem", "none, " },
        { WS_CLIENT_CERTS_NONE, true, NULL, "none, " },
        { WS_CLIENT_CERTS_OPTIONAL, true, NULL, "none, " },
        { WS_CLIENT_CERTS_OPTIONAL, true, "me.pem", "me, verified" },
        { WS_CLIENT_CERTS_OPTIONAL, true, "stranger.pem", NULL },
        { WS_CLIENT_CERTS_REQUIRED, true, NULL, NULL },
        { WS_CLIENT_CERTS_REQUIRED, true, "me.pem", "me, verified" },
        { WS_CLIENT_CERTS_REQUIRED, true, "stranger.pem", NULL },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        const ws_tls files = {
            .cert_file = certs_path("good.pem"),
            .ca_file = rows[i].ca ? certs_path("ca.pem") : NULL,
            .client_certs = rows[i].want,
        };
        const ws_tls mine = {
            .ca_file = certs_path("ca.pem"),
            .cert_file = rows[i].mine ? certs_path(rows[i].mine) : NULL,
        };
        ws_listener *l = serve_tls(&files);
        ws_response *resp;
        ws_error err;

        assert_null(dial_path(l, &mine, "/who", &resp, &err));
        if (!!resp != !!rows[i].answer)
            fail_msg("row %zu: %s", i, err.text);
        if (resp)
            assert_string_equal(resp->body, rows[i].answer);
        else
            assert_int_equal(err.code, WS_ERR_TLS);
        ws_response_free(resp);
        end(l);
    }
}

static void a_connection_knows_its_client(void **state)
{
    (void)state;
    const ws_tls files = { .cert_file = certs_path("good.pem"),
                           .ca_file = certs_path("ca.pem") };
    const ws_tls mine = { .cert_file = certs_path("me.pem"),
                          .ca_file = certs_path("ca.pem") };
    ws_listener *l = serve_tls(&files);

    assert_said(l, &mine, "/upgraded", "CN=me");
    assert_said(l, &mine, "/asked", "CN=me");
    assert_null(ws_conn_cert(NULL));
    assert_null(ws_request_cert(NULL));
    end(l);
}

/* ---- In the log of accesses --------------------------------------------- */

static pthread_mutex_t accesses_lock = PTHREAD_MUTEX_INITIALIZER;
static char accesses[1024];

/* Of a request, or of a connection that it became: at its end. */
static void note_access(const ws_access *a, void *arg)
{
    const ws_cert *cert =
        a->conn ? ws_conn_cert(a->conn) : ws_request_cert(a->request);

    (void)arg;
    pthread_mutex_lock(&accesses_lock);
    size_t n = strlen(accesses);
    snprintf(accesses + n, sizeof(accesses) - n, "%d %s;", a->status,
             cert ? cert->subject : "none");
    pthread_mutex_unlock(&accesses_lock);
}

static void the_log_of_accesses_has_the_clients_name(void **state)
{
    (void)state;
    static const char *const rows[] = { ";200 CN=me;", ";101 CN=me;",
                                        ";0 CN=me;", ";101 none;", ";0 none;" };
    const ws_tls tls = { .cert_file = certs_path("good.pem"),
                         .ca_file = certs_path("ca.pem"),
                         .client_certs = WS_CLIENT_CERTS_OPTIONAL };
    const ws_tls mine = { .cert_file = certs_path("me.pem"),
                          .ca_file = certs_path("ca.pem") };
    const ws_tls nobody = { .ca_file = certs_path("ca.pem") };

    strcpy(accesses, ";");
    ws_listener *l = serve(
        (ws_server){ .routes = routes, .tls = &tls, .access = note_access });
    assert_null(dial_path(l, &mine, "/who", NULL, NULL));
    assert_said(l, &mine, "/upgraded", "CN=me");
    assert_said(l, &nobody, "/upgraded", "none");
    end(l);
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_says(accesses, rows[i]);
}

static void without_tls_there_is_none(void **state)
{
    (void)state;
    ws_listener *l = serve((ws_server){ .routes = routes });
    const ws_dialer d = { .connect = reach, .arg = l };
    ws_conn *c = ws_dial(&d, "ws://good.test/", NULL, NULL, NULL);

    assert_echoes(c);
    assert_null(ws_conn_cert(c));
    ws_close(c);
    end(l);
}

/* ---- Who was let in once ------------------------------------------------ */

enum { REVOKES = 1, OF_OTHERS, OLD };

static void a_revoked_certificate_is_refused(void **state)
{
    (void)state;
    static const struct {
        int list;
        const char *words; /* NULL: it passes */
    } rows[] = {
        { 0, NULL },
        { REVOKES, "certificate revoked (depth 0, CN=me)" },
        { OF_OTHERS, "unable to get certificate CRL (depth 0, CN=me)" },
        { OLD, "CRL has expired (depth 0, CN=me)" },
    };
    struct cert me = cert_make((struct cert_spec){ .cn = "me" }, &ca);
    struct cert other =
        cert_make((struct cert_spec){ .cn = "other", .ca = true }, NULL);
    const ws_tls files = { .cert_file = certs_path("good.pem"),
                           .ca_file = certs_path("ca.pem"),
                           .crl_file = certs_path("crl.pem") };
    const ws_tls mine = { .cert_file = certs_path("mine.pem"),
                          .ca_file = certs_path("ca.pem") };

    cert_write("mine.pem", &me);
    for (size_t i = 0; i < COUNT(rows); i++) {
        crl_write("crl.pem", rows[i].list == OF_OTHERS ? &other : &ca,
                  rows[i].list == REVOKES ? me.x509 : NULL,
                  rows[i].list == OLD ? -1 : 1);
        forget_lines();
        ws_listener *l = serve_tls(&files);
        ws_conn *c = dial(l, &mine, "good.test", NULL);
        assert_int_equal(!c, rows[i].words != NULL);
        if (c)
            assert_echoes(c);
        ws_close(c);
        end(l);
        if (rows[i].words && !logged(rows[i].words))
            fail_msg("not \"%s\", but %s", rows[i].words, lines);
    }
    cert_free(&me);
    cert_free(&other);
}

/* Even a client that has a ticket is looked at again. */
static void a_new_revocation_list_is_taken_up(void **state)
{
    (void)state;
    struct cert me = cert_make((struct cert_spec){ .cn = "me" }, &ca);
    const ws_tls files = { .cert_file = certs_path("good.pem"),
                           .ca_file = certs_path("ca.pem"),
                           .crl_file = certs_path("live.crl") };
    const ws_tls mine = { .cert_file = certs_path("mine.pem"),
                          .ca_file = certs_path("ca.pem") };
    int64_t deadline = ws_after(PATIENCE_MS);
    ws_conn *c;

    cert_write("mine.pem", &me);
    crl_write("live.crl", &ca, NULL, 1);
    ws_listener *l = serve_tls(&files);
    c = dial(l, &mine, "good.test", NULL);
    assert_echoes(c);
    ws_close(c);
    crl_write("live.crl", &ca, me.x509, 1);
    do {
        c = dial(l, &mine, "good.test", NULL);
        if (c)
            assert_echoes(c);
        ws_close(c);
    } while (c && ws_now() < deadline);
    assert_null(c);
    end(l);
    assert_true(logged("certificate revoked"));
    cert_free(&me);
}

static void a_client_looks_up_its_server_too(void **state)
{
    (void)state;
    struct cert good =
        cert_make((struct cert_spec){ .cn = "s", .san = "DNS:good.test" }, &ca);
    const ws_tls files = { .cert_file = certs_path("server.pem") };
    ws_tls mine = { .crl_file = certs_path("server.crl") };
    ws_error err;

    cert_write("server.pem", &good);
    for (int roots = 0; roots <= 1; roots++) {
        ws_listener *l = serve_tls(&files);

        mine.ca_file = roots ? NULL : certs_path("ca.pem");
        crl_write("server.crl", &ca, NULL, 1);
        ws_conn *c = dial(l, &mine, "good.test", &err);
        assert_echoes(c);
        ws_close(c);
        crl_write("server.crl", &ca, good.x509, 1);
        assert_null(dial(l, &mine, "good.test", &err));
        assert_says(err.text, "certificate revoked (depth 0, CN=s)");
        end(l);
    }
    cert_free(&good);
}

/* By a list of the root's, beside one of the issuer's own. */
static void the_certificate_of_an_issuer_may_be_revoked(void **state)
{
    (void)state;
    struct cert middle =
        cert_make((struct cert_spec){ .cn = "middle", .ca = true }, &ca);
    struct cert leaf = cert_make(
        (struct cert_spec){ .cn = "s", .san = "DNS:good.test" }, &middle);
    const ws_tls files = { .cert_file = certs_path("chain.pem") };
    ws_tls mine = { .ca_file = certs_path("ca.pem"),
                    .crl_file = certs_path("root.crl") };
    ws_error err;

    cert_write("chain.pem", &leaf);
    FILE *f = fopen(certs_path("chain.pem"), "a");
    PEM_write_X509(f, middle.x509);
    fclose(f);
    crl_write("middle.crl", &middle, NULL, 1);
    char *text = certs_text("middle.crl");
    mine.crl_pem = text;
    for (int revoked = 0; revoked <= 1; revoked++) {
        crl_write("root.crl", &ca, revoked ? middle.x509 : NULL, 1);
        ws_listener *l = serve_tls(&files);
        ws_conn *c = dial(l, &mine, "good.test", &err);
        assert_int_equal(!c, revoked);
        ws_close(c);
        end(l);
    }
    assert_says(err.text, "certificate revoked (depth 1, CN=middle)");
    free(text);
    cert_free(&leaf);
    cert_free(&middle);
}

/* ---- What is in it ------------------------------------------------------ */

/* The client's end of a connection to a server with this certificate, which the
 * client does not verify. */
static ws_conn *dial_to(const struct cert *c, ws_listener **l)
{
    static ws_tls files;
    static const ws_tls skip = { .insecure_skip_verify = true };

    cert_write("row.pem", c);
    files.cert_file = certs_path("row.pem");
    *l = serve_tls(&files);
    ws_conn *conn = dial(*l, &skip, "good.test", NULL);
    assert_echoes(conn);
    return conn;
}

static void hang_up(ws_conn *c, ws_listener *l)
{
    ws_finish(c, WS_CLOSE_NORMAL, NULL, ws_after(PATIENCE_MS));
    ws_close(c);
    end(l);
}

static void assert_fingerprint(const ws_cert *c, const X509 *x)
{
    unsigned char hash[EVP_MAX_MD_SIZE], *der = NULL;
    int n = i2d_X509((X509 *)x, &der);
    char hex[3];

    assert_int_equal(c->der_len, n);
    assert_memory_equal(c->der, der, c->der_len);
    OPENSSL_free(der);
    assert_true(X509_digest(x, EVP_sha256(), hash, NULL));
    assert_int_equal(strlen(c->sha256), 64);
    for (int i = 0; i < 32; i++) {
        snprintf(hex, sizeof(hex), "%02x", hash[i]);
        assert_memory_equal(c->sha256 + 2 * i, hex, 2);
    }
}

static void all_of_a_certificate_is_told(void **state)
{
    (void)state;
    static const ws_cert_name names[] = {
        { WS_NAME_DNS, "good.test" },
        { WS_NAME_DNS, "*.good.test" },
        { WS_NAME_EMAIL, "me@good.test" },
        { WS_NAME_URI, "spiffe://good.test/me" },
        { WS_NAME_IP, "192.0.2.1" },
        { WS_NAME_IP, "2001:db8::1" },
        { WS_NAME_ID, "1.2.3.4" },
        { WS_NAME_OTHER, "1.3.6.1.4.1.311.20.2.3:me@corp" },
        { WS_NAME_OTHER, "1.2.3:#020105" },
    };
    struct cert c = cert_make(
        (struct cert_spec){
            .cn = "me, myself",
            .san = "DNS:good.test,DNS:*.good.test,email:me@good.test,"
                   "URI:spiffe://good.test/me,IP:192.0.2.1,IP:2001:db8::1,"
                   "RID:1.2.3.4,"
                   "otherName:1.3.6.1.4.1.311.20.2.3;UTF8:me@corp,"
                   "otherName:1.2.3;INTEGER:5" },
        &ca);
    ws_listener *l;
    ws_conn *conn = dial_to(&c, &l);
    const ws_cert *cert = ws_conn_cert(conn);
    size_t i = 0;

    assert_non_null(cert);
    assert_ptr_equal(ws_conn_cert(conn), cert);
    assert_string_equal(cert->subject, "CN=me\\, myself");
    assert_string_equal(cert->common_name, "me, myself");
    assert_string_equal(cert->issuer, "CN=our CA");
    assert_int_equal(strtol(cert->serial, NULL, 16),
                     ASN1_INTEGER_get(X509_get0_serialNumber(c.x509)));
    for (; cert->names[i].type; i++) {
        assert_in_range(i, 0, COUNT(names) - 1);
        assert_int_equal(cert->names[i].type, names[i].type);
        assert_string_equal(cert->names[i].value, names[i].value);
    }
    assert_int_equal(i, COUNT(names));
    assert_fingerprint(cert, c.x509);
    assert_true(cert->verified); /* although nobody has asked for it */
    int64_t now = (int64_t)time(NULL);
    assert_in_range(now - cert->not_before, 86400, 86400 + PATIENCE_S);
    assert_in_range(cert->not_after - now, 86400 - PATIENCE_S, 86400);
    hang_up(conn, l);
    cert_free(&c);
}

/* Bytes as a name of type, whatever they are. */
static void add_name(GENERAL_NAMES *names, int type, const char *p, int n)
{
    GENERAL_NAME *g = GENERAL_NAME_new();
    ASN1_STRING *s =
        type == GEN_IPADD ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();

    ASN1_STRING_set(s, p, n);
    GENERAL_NAME_set0_value(g, type, s);
    sk_GENERAL_NAME_push(names, g);
}

static void add_common_name(X509 *x, int type, const char *p, int n)
{
    X509_NAME_add_entry_by_NID(X509_get_subject_name(x), NID_commonName, type,
                               (const unsigned char *)p, n, -1, 0);
}

/* CVE-2009-2408 and its kin. */
static void what_is_no_text_is_escaped(void **state)
{
    (void)state;
    static const struct {
        int type;
        const char *bytes;
        int n;
        const char *value;
    } rows[] = {
        { GEN_DNS, "good.test\0.evil.test", 20, "good.test\\00.evil.test" },
        { GEN_DNS, "a\\00b", 5, "a\\5C00b" },
        { GEN_EMAIL, "a\r\nb@c", 6, "a\\0D\\0Ab@c" },
        { GEN_URI, "x:\x1b[2J\x7f", 7, "x:\\1B[2J\\7F" },
        { GEN_DNS, "\xe2\x80\xae", 3, "\\E2\\80\\AE" },
        { GEN_DNS, "", 0, "" },
        { GEN_IPADD, "\x7f\x00\x01", 3, "\\7F\\00\\01" },
    };
    struct cert c = cert_make((struct cert_spec){ .cn = "J\xc3\xbcrgen" }, &ca);
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    ws_listener *l;

    for (size_t i = 0; i < COUNT(rows); i++)
        add_name(names, rows[i].type, rows[i].bytes, rows[i].n);
    X509_add1_ext_i2d(c.x509, NID_subject_alt_name, names, 0, 0);
    GENERAL_NAMES_free(names);
    add_common_name(c.x509, V_ASN1_BIT_STRING, "\0\\", 2);
    add_common_name(c.x509, V_ASN1_T61STRING, "a\xff\n\0z", 5);
    cert_sign(&c, &ca);

    ws_conn *conn = dial_to(&c, &l);
    const ws_cert *cert = ws_conn_cert(conn);
    assert_non_null(cert);
    for (const char *p = cert->subject; *p; p++)
        assert_in_range(*p, ' ', '~');
    assert_says(cert->subject, "J\\C3\\BCrgen");
    assert_string_equal(cert->common_name, "a\\C3\\BF\\0A\\00z");
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_string_equal(cert->names[i].value, rows[i].value);
    assert_int_equal(cert->names[COUNT(rows)].type, 0);
    assert_false(cert->verified);
    hang_up(conn, l);
    cert_free(&c);
}

static void add_value(GENERAL_NAMES *names, int type, void *value)
{
    GENERAL_NAME *g = GENERAL_NAME_new();

    GENERAL_NAME_set0_value(g, type, value);
    sk_GENERAL_NAME_push(names, g);
}

static void add_directory(GENERAL_NAMES *names, const char *cn)
{
    X509_NAME *n = X509_NAME_new();

    X509_NAME_add_entry_by_txt(n, "C", MBSTRING_UTF8,
                               (const unsigned char *)"NZ", -1, -1, 0);
    X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_UTF8,
                               (const unsigned char *)cn, -1, -1, 0);
    add_value(names, GEN_DIRNAME, n);
}

static void add_other(GENERAL_NAMES *names, int type, const char *text)
{
    OTHERNAME *o = OTHERNAME_new();
    ASN1_STRING *s = ASN1_STRING_type_new(type);

    ASN1_STRING_set(s, text, -1);
    ASN1_OBJECT_free(o->type_id);
    o->type_id = OBJ_txt2obj("1.2.3", 1);
    ASN1_TYPE_set(o->value, type, s);
    add_value(names, GEN_OTHERNAME, o);
}

static void add_edi_party(GENERAL_NAMES *names)
{
    EDIPARTYNAME *e = EDIPARTYNAME_new();

    ASN1_STRING_free(e->partyName);
    e->partyName = ASN1_STRING_type_new(V_ASN1_UTF8STRING);
    ASN1_STRING_set(e->partyName, "party", -1);
    add_value(names, GEN_EDIPARTY, e);
}

static void names_of_rarer_kinds_are_told_too(void **state)
{
    (void)state;
    static const ws_cert_name told[] = {
        { WS_NAME_DIRECTORY, "CN=a\\, b\\0A\\C3\\BC,C=NZ" },
        { WS_NAME_OTHER, "1.2.3:me@corp" },
        { WS_NAME_OTHER, "1.2.3:me" },
        { WS_NAME_OTHER, "" }, /* of what nobody uses, only that there is one */
    };
    struct cert c = cert_make((struct cert_spec){ .cn = "x" }, &ca);
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    ws_listener *l;

    add_directory(names, "a, b\n\xc3\xbc");
    add_other(names, V_ASN1_IA5STRING, "me@corp");
    add_other(names, V_ASN1_PRINTABLESTRING, "me");
    add_edi_party(names);
    assert_int_equal(
        X509_add1_ext_i2d(c.x509, NID_subject_alt_name, names, 0, 0), 1);
    GENERAL_NAMES_free(names);
    cert_sign(&c, &ca);

    ws_conn *conn = dial_to(&c, &l);
    const ws_cert *cert = ws_conn_cert(conn);
    assert_non_null(cert);
    for (size_t i = 0; i < COUNT(told); i++) {
        assert_int_equal(cert->names[i].type, told[i].type);
        assert_string_equal(cert->names[i].value, told[i].value);
    }
    assert_int_equal(cert->names[COUNT(told)].type, 0);
    hang_up(conn, l);
    cert_free(&c);
}

static void a_certificate_may_have_nothing_in_it(void **state)
{
    (void)state;
    struct cert c = cert_make((struct cert_spec){ .cn = "x" }, &ca);
    ws_listener *l;

    X509_NAME *empty = X509_NAME_new();
    X509_set_subject_name(c.x509, empty);
    X509_NAME_free(empty);
    cert_sign(&c, &ca);
    ws_conn *conn = dial_to(&c, &l);
    const ws_cert *cert = ws_conn_cert(conn);
    assert_string_equal(cert->subject, "");
    assert_string_equal(cert->common_name, "");
    assert_int_equal(cert->names[0].type, 0);
    hang_up(conn, l);
    cert_free(&c);
}

/* ---- All of it ---------------------------------------------------------- */

static int make_files(void **state)
{
    struct cert good, me, stranger;

    (void)state;
    certs_begin();
    ca = cert_make((struct cert_spec){ .cn = "our CA", .ca = true }, NULL);
    good =
        cert_make((struct cert_spec){ .cn = "s", .san = "DNS:good.test" }, &ca);
    me = cert_make((struct cert_spec){ .cn = "me" }, &ca);
    stranger = cert_make((struct cert_spec){ .cn = "me" }, NULL);
    cert_write_as("ca.pem", ca.x509, NULL, NULL);
    cert_write("good.pem", &good);
    cert_write("me.pem", &me);
    cert_write("stranger.pem", &stranger);
    cert_free(&good);
    cert_free(&me);
    cert_free(&stranger);
    setenv("SSL_CERT_FILE", certs_path("ca.pem"), 1);
    setenv("SSL_CERT_DIR", certs_path("none"), 1);
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
        cmocka_unit_test(a_client_needs_a_certificate_or_not),
        cmocka_unit_test(a_connection_knows_its_client),
        cmocka_unit_test(the_log_of_accesses_has_the_clients_name),
        cmocka_unit_test(without_tls_there_is_none),
        cmocka_unit_test(a_revoked_certificate_is_refused),
        cmocka_unit_test(a_new_revocation_list_is_taken_up),
        cmocka_unit_test(a_client_looks_up_its_server_too),
        cmocka_unit_test(the_certificate_of_an_issuer_may_be_revoked),
        cmocka_unit_test(all_of_a_certificate_is_told),
        cmocka_unit_test(what_is_no_text_is_escaped),
        cmocka_unit_test(names_of_rarer_kinds_are_told_too),
        cmocka_unit_test(a_certificate_may_have_nothing_in_it),
    };

    ws_set_log(keep_line, NULL);
    ws__tls_look_ms = 0;
    signal(SIGPIPE, SIG_DFL);
    return run_in_mode("tls_cert", tests, make_files, remove_files);
}
