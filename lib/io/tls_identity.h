/* SPDX-License-Identifier: MIT */

#ifndef WS_IO_TLS_IDENTITY_H
#define WS_IO_TLS_IDENTITY_H

#include <stdatomic.h>

#include <openssl/ssl.h>

#include <silverback/tls.h>

/* A certificate, its key, and the certificates that lead to its root.  Shared,
 * and never changed. */
struct ws__tls_identity {
    _Atomic int holders; /* who lets go last frees it */
    X509 *cert;
    EVP_PKEY *key;
    STACK_OF(X509) * chain;
};

/* What is at from, the certs[index] of a ws_tls, or its own if index is -1.
 * ctx, which is left as it was, says whether it may be used.  The caller's to let
 * go of; NULL: *err says why. */
struct ws__tls_identity *ws__tls_identity_read(SSL_CTX *ctx,
                                               const ws_tls_cert *from,
                                               int index, ws_error *err);

struct ws__tls_identity *ws__tls_identity_hold(struct ws__tls_identity *i);
void ws__tls_identity_let_go(struct ws__tls_identity *i);

#endif
