/* SPDX-License-Identifier: MIT */

#ifndef WS_IO_TLS_CIPHERS_H
#define WS_IO_TLS_CIPHERS_H

#include <openssl/ssl.h>

#include <silverback/tls.h>

/* Have ctx use tls's versions and ciphers.  Returns 0, or a negative code and
 * *err says why. */
int ws__tls_set_ciphers(SSL_CTX *ctx, const ws_tls *tls, ws_error *err);

/* For a server whose ciphersuites nobody has named: the cheapest first. */
void ws__tls_prefer_aes_128(SSL_CTX *ctx);

#endif
