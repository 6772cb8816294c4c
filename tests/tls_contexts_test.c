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

/* Of a file that has changed then. */
static struct ws__tls_stamps stamps_of(int64_t changed)
{
    return (struct ws__tls_stamps){ { { { 1, 2, 3, 4, 5, changed, 6 } } } };
}

static struct ws__tls_key key_of(int number)
{
    return (struct ws__tls_key){ { (uint8_t)number, 1 } };
}

static bool finds(SSL_CTX *found)
{
    SSL_CTX_free(found);
    return found != NULL;
}

static void one_that_may_change_unseen_is_not_kept(void **state)
{
    (void)state;
    const int64_t now = time(NULL), changed[] = { now - 3600, now, now + 3600 };
    SSL_CTX *ctx = context_of((ws_tls){ .ca_pem = ca_text });

    for (int i = 0; i < 3; i++) {
        const struct ws__tls_stamps files = stamps_of(changed[i]);
        const struct ws__tls_key key = key_of(i);

        ws__tls_contexts_keep(&key, &files, ws_now(), ctx);
        assert_int_equal(finds(ws__tls_contexts_find(&key, &files, 0)), i == 0);
    }
    SSL_CTX_free(ctx);
}

static void files_are_looked_at_once_a_second(void **state)
{
    (void)state;
    const struct ws__tls_stamps files = stamps_of(5), others = stamps_of(6);
    const struct ws__tls_key key = key_of(100);
    SSL_CTX *ctx = context_of((ws_tls){ .ca_pem = ca_text });
    const int hour = 3600 * 1000; /* this machine may be slow */
    int64_t now = ws_now(), long_ago = now - 2 * hour;
    struct ws__tls_stamps found;

    ws__tls_contexts_keep(&key, &files, now - 2 * ws__tls_look_ms, ctx);
    assert_false(finds(ws__tls_contexts_recent(&key, &found)));
    assert_false(finds(ws__tls_contexts_find(&key, &others, now)));
    assert_false(finds(ws__tls_contexts_recent(&key, &found)));
    ws__tls_look_ms = hour;
    ws__tls_contexts_keep(&key, &files, long_ago, ctx);
    assert_false(finds(ws__tls_contexts_recent(&key, &found)));
    assert_true(finds(ws__tls_contexts_find(&key, &files, now)));
    assert_true(finds(ws__tls_contexts_find(&key, &files, long_ago)));
    assert_true(finds(ws__tls_contexts_recent(&key, &found)));
    assert_memory_equal(&found, &files, sizeof(files));
    ws__tls_look_ms = 0;
    assert_false(finds(ws__tls_contexts_recent(&key, &found)));
    ws__tls_look_ms = 1000;
    SSL_CTX_free(ctx);
}

static void who_need_not_look_does_not_wait(void **state)
{
    (void)state;
    const ws_tls tls = { .ca_pem = ca_text };
    struct ws__tls_client client;
    ws_error err = { 0 };

    ws__tls_look_ms = 3600 * 1000;
    SSL_CTX_free(context_of(tls));
    for (int i = 0; i < 100; i++) {
        assert_int_equal(ws__tls_read_client(&tls, 1, NULL, &client, &err), 0);
        SSL_CTX_free(client.ctx);
    }
    ws__tls_look_ms = 1000;
}

static void those_that_were_used_last_are_kept(void **state)
{
    enum { MORE = 20 };
    ws_tls tls = { .ca_pem = ca_text };
    SSL_CTX *first = context_of(tls), *ctx;
    const struct ws__tls_stamps none = { 0 };
    struct ws__tls_key key;

    (void)state;
    for (int i = 0; i < MORE; i++) {
        key = key_of(i);
        ws__tls_contexts_keep(&key, &none, 0, first);
        ctx = context_of(tls);
        assert_ptr_equal(ctx, first);
        SSL_CTX_free(ctx);
    }
    assert_true(finds(ws__tls_contexts_find(&key, &none, 0)));
    key = key_of(0);
    assert_false(finds(ws__tls_contexts_find(&key, &none, 0)));
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
        cmocka_unit_test(files_are_looked_at_once_a_second),
        cmocka_unit_test(who_need_not_look_does_not_wait),
        cmocka_unit_test(those_that_were_used_last_are_kept),
        cmocka_unit_test(cleaning_up_forgets_them),
    };

    return cmocka_run_group_tests_name("tls_contexts", tests, make_certs,
                                       free_certs);
}
