/* SPDX-License-Identifier: MIT */

/* What OpenSSL makes of memory that runs out, and what is left of it after. */

#include "test.h"

#include <errno.h>
#include <stdlib.h>

#include <openssl/err.h>

#include "alloc_fail.h"
#include "base/crypto.h"
#include "certs.h"
#include "io/tls_bio.h"
#include "io/tls_client_ctx.h"
#include "openssl_alloc.h"

/* What is made once for all, by OpenSSL itself. */
static int warm_up(void **state)
{
    (void)state;
    ws__crypto_begin();
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *ssl = SSL_new(ctx);

    SSL_free(ssl);
    SSL_CTX_free(ctx);
    return ctx && ssl ? 0 : -1;
}

/* The system's roots, for as long as the tests run. */
static struct cert roots[] = { { NULL, NULL }, { NULL, NULL } };

static int set_up(void **state)
{
    static const char *const names[] = { "one", "two" };

    certs_begin();
    FILE *f = fopen(certs_path("roots.pem"), "w");
    for (size_t i = 0; i < COUNT(roots); i++) {
        roots[i] =
            cert_make((struct cert_spec){ .cn = names[i], .ca = true }, NULL);
        PEM_write_X509(f, roots[i].x509);
    }
    fclose(f);
    setenv("SSL_CERT_FILE", certs_path("roots.pem"), 1);
    setenv("SSL_CERT_DIR", certs_folder, 1);
    return warm_up(state);
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(roots); i++)
        cert_free(&roots[i]);
    certs_end();
    return 0;
}

static int roots_of(SSL_CTX *ctx)
{
    return sk_X509_OBJECT_num(
        X509_STORE_get0_objects(SSL_CTX_get_cert_store(ctx)));
}

/* ---- Tests -------------------------------------------------------------- */

static void a_client_that_found_no_memory_finds_it_later(void **state)
{
    (void)state;
    const ws_tls tls = { .insecure_skip_verify = false };
    bool failed = true;

    for (long n = 1; failed; n += 1 + n / 128) {
        ws_error err = { 0 };

        ws__tls_client_cleanup();
        alloc_fail_at(n);
        SSL_CTX *ctx = ws__tls_client_ctx(&tls, &err);
        failed = alloc_failed();
        alloc_fail_at(0);
        ERR_clear_error();
        assert_int_equal(err.code, ctx ? 0 : -ENOMEM);
        SSL_CTX_free(ctx);
        ctx = ws__tls_client_ctx(&tls, &err);
        assert_non_null(ctx);
        assert_int_equal(roots_of(ctx), COUNT(roots));
        SSL_CTX_free(ctx);
    }
    ws__tls_client_cleanup();
}

static void what_clients_share_is_made_once(void **state)
{
    (void)state;
    const ws_tls tls = { .insecure_skip_verify = false };

    assert_null(ws__tls_standard_ctx());
    SSL_CTX *a = ws__tls_client_ctx(&tls, NULL);
    SSL_CTX *b = ws__tls_client_ctx(&tls, NULL);
    assert_non_null(a);
    assert_ptr_equal(a, b);
    SSL_CTX_free(a);
    SSL_CTX_free(b);
    ws__tls_client_cleanup();
    assert_null(ws__tls_standard_ctx());
}

static void a_stream_that_found_no_memory_finds_it_later(void **state)
{
    (void)state;
    struct ws__tls t = { .ssl = NULL };
    bool failed = true;

    for (long n = 1; failed; n++) {
        alloc_fail_at(n);
        BIO *b = ws__tls_bio(&t);
        failed = alloc_failed();
        alloc_fail_at(0);
        ERR_clear_error();
        BIO_free(b);
        b = ws__tls_bio(&t);
        assert_non_null(b);
        BIO_free(b);
    }
}

static void keep_line(const char *line, void *kept)
{
    snprintf(kept, 512, "%s", line);
}

static void secrets_that_cannot_be_written_are_named_beforehand(void **state)
{
    (void)state;
    const ws_tls tls = { .key_log = true };
    char line[512] = "";

    setenv("SSLKEYLOGFILE", certs_folder, 1);
    ws_set_log(keep_line, line);
    SSL_CTX *ctx = ws__tls_client_ctx(&tls, NULL);
    ws_set_log(NULL, NULL);
    unsetenv("SSLKEYLOGFILE");
    assert_non_null(ctx);
    assert_null(SSL_CTX_get_keylog_callback(ctx));
    assert_non_null(strstr(line, certs_folder));
    assert_non_null(strstr(line, ws_strerror(-EISDIR)));
    SSL_CTX_free(ctx);
    ws__tls_client_cleanup();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_that_found_no_memory_finds_it_later),
        cmocka_unit_test(what_clients_share_is_made_once),
        cmocka_unit_test(a_stream_that_found_no_memory_finds_it_later),
        cmocka_unit_test(secrets_that_cannot_be_written_are_named_beforehand),
    };

    openssl_alloc_install(alloc_fail_function);
    return cmocka_run_group_tests_name("tls_ctx", tests, set_up, tear_down);
}
