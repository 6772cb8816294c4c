/* SPDX-License-Identifier: MIT */

/* Versions and ciphers. */

#include "io/tls_ciphers.h"

#include <stdio.h>
#include <string.h>

#include <openssl/err.h>

#include "base/error.h"
#include "base/line.h"

/* The system's settings may ask for more than TLS 1.2. */
static int set_version(SSL_CTX *ctx, int version, ws_error *err)
{
    if (version != 0 && version != WS_TLS_1_2 && version != WS_TLS_1_3)
        return ws__fail(err, WS_ERR_INVALID,
                        "TLS: min_version: expected WS_TLS_1_2 or WS_TLS_1_3, "
                        "got %d",
                        version);
    if (version != 0)
        SSL_CTX_set_min_proto_version(ctx, version);
    else if (SSL_CTX_get_min_proto_version(ctx) < TLS1_2_VERSION)
        SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    return 0;
}

/* ---- Ciphers by name ---------------------------------------------------- */

/* A list of OpenSSL's. */
struct cipher_list {
    const char *field;
    const char *separators;
    int (*set)(SSL_CTX *ctx, const char *list);
};

/* Does OpenSSL know it?  "!X", "-X" and "@X" choose among what others name. */
static bool cipher_is_known(SSL_CTX *ctx, struct ws__str name,
                            const struct cipher_list *list)
{
    char one[128];

    if (name.n > 0 && *name.p == '+')
        name.p++, name.n--;
    if (name.n == 0 || strchr("!-@", *name.p))
        return true;
    int n = snprintf(one, sizeof(one), "%.*s", (int)name.n, name.p);
    return n < (int)sizeof(one) && list->set(ctx, one) == 1;
}

/* OpenSSL leaves out whatever it does not know, without a word. */
static int cipher_list_set(SSL_CTX *ctx, const struct cipher_list *list,
                           const char *names, ws_error *err)
{
    struct ws__str name = { names, 0 };
    char quote[WS__QUOTED];
    bool known = true;

    if (!names)
        return 0;
    for (const char *p = names; known && *p; p += strspn(p, list->separators)) {
        name = (struct ws__str){ p, strcspn(p, list->separators) };
        known = cipher_is_known(ctx, name, list);
        p += name.n;
    }
    if (known && *names && list->set(ctx, names) == 1)
        return 0;
    ERR_clear_error();
    return ws__fail(err, WS_ERR_TLS,
                    "TLS: %s: expected ciphers that OpenSSL has, got \"%s\"",
                    list->field,
                    ws__quote(quote, known ? ws__str(names) : name));
}

int ws__tls_set_ciphers(SSL_CTX *ctx, const ws_tls *tls, ws_error *err)
{
    static const struct cipher_list of_1_2 = { "ciphers", ":, ;",
                                               SSL_CTX_set_cipher_list };
    static const struct cipher_list of_1_3 = { "ciphersuites", ":",
                                               SSL_CTX_set_ciphersuites };
    int error = set_version(ctx, tls->min_version, err);

    if (error == 0)
        error = cipher_list_set(ctx, &of_1_2, tls->ciphers, err);
    if (error == 0)
        error = cipher_list_set(ctx, &of_1_3, tls->ciphersuites, err);
    if (tls->ciphers || tls->ciphersuites)
        SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE);
    return error;
}

/* ---- Nobody has named any ----------------------------------------------- */

static bool is_1_3(const SSL_CIPHER *c)
{
    return strcmp(SSL_CIPHER_get_version(c), "TLSv1.3") == 0;
}

/* AES with 128 bits costs a quarter less than with 256, the first choice of
 * OpenSSL's clients.  Of the suites that the system allows none is lost, and a
 * client that would rather have ChaCha20, for want of a CPU that knows AES, gets
 * it. */
void ws__tls_prefer_aes_128(SSL_CTX *ctx)
{
    static const char first[] = "TLS_AES_128_GCM_SHA256";
    const STACK_OF(SSL_CIPHER) *all = SSL_CTX_get_ciphers(ctx);
    char suites[256];
    size_t n = (size_t)snprintf(suites, sizeof(suites), "%s", first);
    bool allowed = false;

    for (int i = 0; i < sk_SSL_CIPHER_num(all) && n < sizeof(suites); i++) {
        const SSL_CIPHER *c = sk_SSL_CIPHER_value(all, i);
        const char *name = SSL_CIPHER_get_name(c);

        if (strcmp(name, first) == 0)
            allowed = true;
        else if (is_1_3(c))
            n += (size_t)snprintf(suites + n, sizeof(suites) - n, ":%s", name);
    }
    if (allowed && n < sizeof(suites) && SSL_CTX_set_ciphersuites(ctx, suites))
        SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE |
                                     SSL_OP_PRIORITIZE_CHACHA);
}
