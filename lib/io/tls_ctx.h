/* SPDX-License-Identifier: MIT */

#ifndef WS_IO_TLS_CTX_H
#define WS_IO_TLS_CTX_H

#include <openssl/ssl.h>

#include <silverback/http.h>

/* The one protocol that is spoken, as ALPN wants it (RFC 7301, section 3.1). */
#define WS__TLS_PROTOCOL "\x08http/1.1"
#define WS__TLS_PROTOCOL_LEN (sizeof(WS__TLS_PROTOCOL) - 1)

/* A context with what holds at both ends, for the caller to free; NULL: there
 * was no memory. */
SSL_CTX *ws__tls_ctx_new(const SSL_METHOD *method);

/* Read tls's certificate and its key.  Returns 0, or a negative code and *err
 * says why. */
int ws__tls_use_certificate(SSL_CTX *ctx, const ws_tls *tls, ws_error *err);

/* Trust what is in the file; the same. */
int ws__tls_use_ca(SSL_CTX *ctx, const char *file, ws_error *err);

/* Say what OpenSSL has just had against the file, which was to hold what.
 * Returns WS_ERR_TLS. */
int ws__tls_file_fail(ws_error *err, const char *file, const char *what);

#endif
