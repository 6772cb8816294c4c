/* SPDX-License-Identifier: MIT */

#ifndef WS_IO_TLS_COMMON_H
#define WS_IO_TLS_COMMON_H

#include <openssl/ssl.h>

#include <silverback/tls.h>

/* The one protocol that is spoken, as ALPN wants it (RFC 7301, section 3.1). */
#define WS__TLS_PROTOCOL "\x08http/1.1"
#define WS__TLS_PROTOCOL_LEN (sizeof(WS__TLS_PROTOCOL) - 1)

/* A context with what servers and clients have in common, for the caller to
 * free.  NULL: *err says why. */
SSL_CTX *ws__tls_common_new(const SSL_METHOD *method, const ws_tls *tls,
                            ws_error *err);

#endif
