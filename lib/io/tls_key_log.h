/* SPDX-License-Identifier: MIT */

#ifndef WS_IO_TLS_KEY_LOG_H
#define WS_IO_TLS_KEY_LOG_H

#include <openssl/ssl.h>

#include <silverback/tls.h>

/* If tls wants it, and the environment names a file, append what ctx's
 * connections agree on to it.  A file that cannot be opened is logged. */
void ws__tls_log_keys(SSL_CTX *ctx, const ws_tls *tls);

#endif
