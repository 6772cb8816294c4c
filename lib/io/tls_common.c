/* SPDX-License-Identifier: MIT */

#include "io/tls_common.h"

#include <errno.h>

#include <openssl/err.h>

#include "base/crypto.h"
#include "base/error.h"
#include "io/tls_ciphers.h"

SSL_CTX *ws__tls_common_new(const SSL_METHOD *method, const ws_tls *tls,
                            ws_error *err)
{
    ws__crypto_begin();
    SSL_CTX *ctx = SSL_CTX_new(method);
    if (!ctx) {
        ERR_clear_error();
        ws__fail(err, -ENOMEM, "TLS: out of memory");
        return NULL;
    }
    SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(ctx, 1);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    if (ws__tls_set_ciphers(ctx, tls, err) == 0)
        return ctx;
    SSL_CTX_free(ctx);
    return NULL;
}
