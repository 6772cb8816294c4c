/* SPDX-License-Identifier: MIT */

/* What clients with settings of their own share, and when they must not. */

#include "test.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "certs.h"
#include "io/tls_client_ctx.h"
#include "io/tls_contexts.h"
#include "io/tls_read.h"

static struct cert ca, other;
static char *ca_text, *other_text;

/* What a dial would have, for the caller to free. */
static SSL_CTX *context_of(ws_tls tls)
{
    struct ws__tls_client client;
    ws_error err = { 0 };

    if (ws__tls_read_client(&tls, 0, NULL, &client, &err) != 0)
        fail_msg("%s", err.text);
    return client.ctx;
}

static bool is_shared(ws_tls one, ws_tls two)
{
    SSL_CTX *a = context_of(one), *b = context_of(two);
    bool shared = a == b;

    SSL_CTX_free(a);
    SSL_CTX_free(b);
    return shared;
}

static bool trusts(SSL_CTX *ctx, const struct cert *cert)
{
    const STACK_OF(X509_OBJECT) *all =
        X509_STORE_get0_objects(SSL_CTX_get_cert_store(ctx));

    for (int i = 0; i < sk_X509_OBJECT_num(all); i++)
        if (X509_cmp(X509_OBJECT_get0_X509(sk_X509_OBJECT_value(all, i)),
                     cert->x509) == 0)
            return true;
    return false;
}

/* ---- Tests -------------------------------------------------------------- */

static void dials_with_the_same_settings_share_a_context(void **state)
{
    (void)state;
    ws_tls tls = { .ca_pem = ca_text }, named = tls;
    char *copy = strdup(ca_text);

    named.server_name = "good.test";
    assert_true(is_shared(tls, tls));
    assert_true(is_shared(tls, named));
    assert_true(is_shared(tls, (ws_tls){ .ca_pem = copy }));
    free(copy);
}

static void others_do_not(void **state)
{
    (void)state;
    ws_tls tls = { .ca_pem = ca_text }, more = tls;
    const ws_tls others[] = {
        { .ca_pem = other_text },
        { .ca_pem = ca_text, .min_version = WS_TLS_1_3 },
        { .ca_pem = ca_text, .ciphersuites = "TLS_AES_256_GCM_SHA384" },
        { .ca_pem = ca_text, .insecure_skip_verify = true },
        { .ca_file = certs_path("ca.pem") },
    };

    for (size_t i = 0; i < COUNT(others); i++)
        assert_false(is_shared(tls, others[i]));
    more.key_log = true;
    assert_false(is_shared(more, more));
}

/* In its place, where another of the same length may come in the same step of
 * the file system's clock. */
static void overwrite(const char *name, const char *text)
{
    FILE *f = fopen(certs_path(name), "w");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void a_file_that_has_just_changed_is_read_again(void **state)
{
    (void)state;
    ws_tls tls = { .ca_file = certs_path("changing.pem") };
    const struct cert *of[] = { &ca, &other };

    for (int i = 0; i < 8; i++) {
        overwrite("changing.pem", i % 2 ? other_text : ca_text);
        SSL_CTX *ctx = context_of(tls);
        assert_true(trusts(ctx, of[i % 2]));
        assert_false(trusts(ctx, of[1 - i % 2]));
        SSL_CTX_free(ctx);
    }
}

static bool has_key(int64_t changed)
{
    struct ws__tls_stamps files = { { { { 1, 2, 3, 4, 5, changed, 6 } } } };
    struct ws__tls_key key;

    return ws__tls_contexts_key(&key, &(ws_tls){ .ca_pem = ca_text }, &files);
}

static void one_that_may_change_unseen_is_not_kept(void **state)
{
    (void)state;
    int64_t now = time(NULL);

    assert_true(has_key(now - 3600));
    assert_false(has_key(now));
    assert_false(has_key(now + 3600));
}

static void those_that_were_used_last_are_kept(void **state)
{
    enum { MORE = 20 };
    ws_tls tls = { .ca_pem = ca_text };
    SSL_CTX *first = context_of(tls), *ctx;
    struct ws__tls_key key = { { 0 } };

    (void)state;
    for (int i = 0; i < MORE; i++) {
        key.of[0] = (uint8_t)i;
        ws__tls_contexts_keep(&key, first);
        ctx = context_of(tls);
        assert_ptr_equal(ctx, first);
        SSL_CTX_free(ctx);
    }
    ctx = ws__tls_contexts_find(&key);
    assert_ptr_equal(ctx, first);
    SSL_CTX_free(ctx);
    key.of[0] = 0;
    assert_null(ws__tls_contexts_find(&key));
    SSL_CTX_free(first);
}

static void cleaning_up_forgets_them(void **state)
{
    (void)state;
    ws_tls tls = { .ca_pem = ca_text };
    SSL_CTX *before = context_of(tls);

    ws__tls_client_cleanup();
    SSL_CTX *after = context_of(tls);
    assert_ptr_not_equal(before, after);
    SSL_CTX_free(before);
    SSL_CTX_free(after);
}

/* ------------------------------------------------------------------------- */

static int make_certs(void **state)
{
    (void)state;
    certs_begin();
    ca = cert_make((struct cert_spec){ .cn = "CA", .ca = true }, NULL);
    other = cert_make((struct cert_spec){ .cn = "CB", .ca = true }, NULL);
    cert_write_as("ca.pem", ca.x509, NULL, NULL);
    cert_write_as("other.pem", other.x509, NULL, NULL);
    ca_text = certs_text("ca.pem");
    other_text = certs_text("other.pem");
    return 0;
}

static int free_certs(void **state)
{
    (void)state;
    ws__tls_client_cleanup();
    free(ca_text);
    free(other_text);
    cert_free(&ca);
    cert_free(&other);
    certs_end();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dials_with_the_same_settings_share_a_context),
        cmocka_unit_test(others_do_not),
        cmocka_unit_test(a_file_that_has_just_changed_is_read_again),
        cmocka_unit_test(one_that_may_change_unseen_is_not_kept),
        cmocka_unit_test(those_that_were_used_last_are_kept),
        cmocka_unit_test(cleaning_up_forgets_them),
    };

    return cmocka_run_group_tests_name("tls_contexts", tests, make_certs,
                                       free_certs);
}
