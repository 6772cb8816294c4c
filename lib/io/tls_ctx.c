/* SPDX-License-Identifier: MIT */

/* What the contexts of servers and of clients have in common. */

#include "io/tls_ctx.h"

#include <openssl/err.h>

#include "base/crypto.h"
#include "base/error.h"
#include "io/tls_reason.h"

/* Nobody is there to be asked. */
static int ctx_no_password(char *buf, int size, int writing, void *arg)
{
    (void)buf;
    (void)size;
    (void)writing;
    (void)arg;
    return -1;
}

/* The system's settings may ask for more than TLS 1.2. */
SSL_CTX *ws__tls_ctx_new(const SSL_METHOD *method)
{
    ws__crypto_begin();
    SSL_CTX *ctx = SSL_CTX_new(method);
    if (!ctx)
        return NULL;
    if (SSL_CTX_get_min_proto_version(ctx) < TLS1_2_VERSION)
        SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(ctx, 1);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_default_passwd_cb(ctx, ctx_no_password);
    return ctx;
}

int ws__tls_file_fail(ws_error *err, const char *file, const char *what)
{
    unsigned long fault = ERR_peek_error();

    ws__fail(err, WS_ERR_TLS, "TLS: %s: %s: %s", file, what,
             ws__tls_reason(fault));
    ERR_clear_error();
    return WS_ERR_TLS;
}

int ws__tls_use_certificate(SSL_CTX *ctx, const ws_tls *tls, ws_error *err)
{
    const char *cert = tls->cert_file;
    const char *key = tls->key_file ? tls->key_file : cert;

    if (SSL_CTX_use_certificate_chain_file(ctx, cert) != 1)
        return ws__tls_file_fail(err, cert, "certificate");
    if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(ctx) != 1)
        return ws__tls_file_fail(err, key, "private key");
    return 0;
}

/* What is in the file is trusted, be it a root or not. */
int ws__tls_use_ca(SSL_CTX *ctx, const char *file, ws_error *err)
{
    if (SSL_CTX_load_verify_file(ctx, file) != 1)
        return ws__tls_file_fail(err, file, "CA certificates");
    X509_STORE_set_flags(SSL_CTX_get_cert_store(ctx),
                         X509_V_FLAG_PARTIAL_CHAIN);
    return 0;
}
