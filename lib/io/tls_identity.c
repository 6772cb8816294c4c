/* SPDX-License-Identifier: MIT */

#include "io/tls_identity.h"

#include <errno.h>
#include <stdio.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/alloc.h"
#include "base/error.h"
#include "io/tls_pem.h"

/* ---- Where it is -------------------------------------------------------- */

enum { FIELD = 32 };

struct source {
    struct ws__tls_pem cert;
    struct ws__tls_pem key;
    char prefix[FIELD]; /* of a field's name */
    char fields[2][FIELD * 2];
};

static int source_ambiguous(const struct source *s, const char *what,
                            ws_error *err)
{
    return ws__fail(err, WS_ERR_INVALID,
                    "TLS: expected %s%s_file or %s%s_pem, got both", s->prefix,
                    what, s->prefix, what);
}

static int source_find(struct source *s, const ws_tls_cert *from, int index,
                       ws_error *err)
{
    if (index >= 0)
        snprintf(s->prefix, sizeof(s->prefix), "certs[%d].", index);
    snprintf(s->fields[0], sizeof(s->fields[0]), "%scert_pem", s->prefix);
    snprintf(s->fields[1], sizeof(s->fields[1]), "%skey_pem", s->prefix);
    if (from->cert_file && from->cert_pem)
        return source_ambiguous(s, "cert", err);
    if (from->key_file && from->key_pem)
        return source_ambiguous(s, "key", err);
    s->cert =
        (struct ws__tls_pem){ from->cert_file, from->cert_pem, s->fields[0] };
    s->key = s->cert;
    if (from->key_file || from->key_pem)
        s->key =
            (struct ws__tls_pem){ from->key_file, from->key_pem, s->fields[1] };
    return 0;
}

/* ---- Reading it --------------------------------------------------------- */

/* Returns whether the end was all that ended it. */
static bool identity_read_chain(struct ws__tls_identity *i, BIO *b)
{
    X509 *x;

    i->chain = sk_X509_new_null();
    if (!i->chain)
        return false;
    while ((x = PEM_read_bio_X509(b, NULL, ws__tls_no_password, NULL)))
        if (!sk_X509_push(i->chain, x)) {
            X509_free(x);
            return false;
        }
    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        return false;
    ERR_clear_error();
    return true;
}

static int identity_read_certs(struct ws__tls_identity *i,
                               const struct ws__tls_pem *from, ws_error *err)
{
    BIO *b = ws__tls_pem_open(from);

    if (b)
        i->cert = PEM_read_bio_X509_AUX(b, NULL, ws__tls_no_password, NULL);
    bool all = i->cert && identity_read_chain(i, b);
    BIO_free(b);
    return all ? 0 : ws__tls_pem_fail(from, "certificate", err);
}

static int identity_read_key(struct ws__tls_identity *i,
                             const struct ws__tls_pem *from, ws_error *err)
{
    BIO *b = ws__tls_pem_open(from);

    if (b)
        i->key = PEM_read_bio_PrivateKey(b, NULL, ws__tls_no_password, NULL);
    BIO_free(b);
    return i->key ? 0 : ws__tls_pem_fail(from, "private key", err);
}

static int identity_check(const struct ws__tls_identity *i,
                          const struct source *s, ws_error *err)
{
    if (X509_check_private_key(i->cert, i->key) == 1)
        return 0;
    ERR_clear_error();
    return ws__fail(err, WS_ERR_TLS,
                    "TLS: %s: private key: it does not belong to the "
                    "certificate in %s",
                    ws__tls_pem_name(&s->key), ws__tls_pem_name(&s->cert));
}

/* OpenSSL has an opinion on keys that are too short, and the like. */
static int identity_try(const struct ws__tls_identity *i, SSL_CTX *ctx,
                        const struct source *s, ws_error *err)
{
    SSL *ssl = SSL_new(ctx);

    if (ssl)
        SSL_certs_clear(ssl);
    bool fine =
        ssl && SSL_use_cert_and_key(ssl, i->cert, i->key, i->chain, 1) == 1;
    SSL_free(ssl);
    return fine ? 0 : ws__tls_pem_fail(&s->cert, "certificate", err);
}

struct ws__tls_identity *ws__tls_identity_read(SSL_CTX *ctx,
                                               const ws_tls_cert *from,
                                               int index, ws_error *err)
{
    struct ws__tls_identity *i = ws__zalloc(sizeof(*i));
    struct source s = { .prefix = "" };

    if (!i) {
        ws__fail(err, -ENOMEM, "TLS: out of memory");
        return NULL;
    }
    i->holders = 1;
    if (source_find(&s, from, index, err) == 0 &&
        identity_read_certs(i, &s.cert, err) == 0 &&
        identity_read_key(i, &s.key, err) == 0 &&
        identity_check(i, &s, err) == 0 && identity_try(i, ctx, &s, err) == 0)
        return i;
    ws__tls_identity_let_go(i);
    return NULL;
}

/* ---- Sharing it --------------------------------------------------------- */

struct ws__tls_identity *ws__tls_identity_hold(struct ws__tls_identity *i)
{
    atomic_fetch_add(&i->holders, 1);
    return i;
}

void ws__tls_identity_let_go(struct ws__tls_identity *i)
{
    if (!i || atomic_fetch_sub(&i->holders, 1) > 1)
        return;
    X509_free(i->cert);
    EVP_PKEY_free(i->key);
    sk_X509_pop_free(i->chain, X509_free);
    ws_free(i);
}
