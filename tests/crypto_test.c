/* SPDX-License-Identifier: MIT */

/* OpenSSL outlives main, for threads of the library do. */

#include "test.h"

#include <sys/wait.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "certs.h"
#include "io/tls_client_ctx.h"
#include "proto/accept_key.h"

enum { WORKS = 7, WORKS_NO_MORE = 8 };

/* Handlers run backwards: this one, registered first, after OpenSSL's. */
static void look(void)
{
    EVP_MD *md = EVP_MD_fetch(NULL, "SHA256", NULL);

    EVP_MD_free(md);
    _exit(md ? WORKS : WORKS_NO_MORE);
}

static void expect_to_outlive(void (*use)(void))
{
    int status;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        atexit(look);
        use();
        exit(EXIT_FAILURE);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), WORKS);
}

static void answer_a_key(void)
{
    char out[WS__ACCEPT_LEN + 1];

    (void)ws__accept_key(out, "dGhlIHNhbXBsZSBub25jZQ==");
}

static void a_handshake_leaves_it_be(void **state)
{
    (void)state;
    expect_to_outlive(answer_a_key);
}

static void make_a_client(void)
{
    SSL_CTX_free(ws__tls_client_ctx(&(ws_tls){ 0 }, NULL));
}

static void tls_leaves_it_be(void **state)
{
    (void)state;
    expect_to_outlive(make_a_client);
}

/* Who uses OpenSSL first decides. */
static void make_a_certificate(void)
{
    struct cert c = cert_make((struct cert_spec){ .cn = "a" }, NULL);

    cert_free(&c);
}

static void so_does_what_the_tests_make_first(void **state)
{
    (void)state;
    expect_to_outlive(make_a_certificate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handshake_leaves_it_be),
        cmocka_unit_test(tls_leaves_it_be),
        cmocka_unit_test(so_does_what_the_tests_make_first),
    };

    return cmocka_run_group_tests_name("crypto", tests, NULL, NULL);
}
