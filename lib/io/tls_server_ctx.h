/* SPDX-License-Identifier: MIT */

#ifndef WS_IO_TLS_SERVER_CTX_H
#define WS_IO_TLS_SERVER_CTX_H

#include <openssl/ssl.h>

#include <silverback/http.h>

/* A context for a server's files, read now, for the caller to free.  NULL: *err
 * says why. */
SSL_CTX *ws__tls_server_ctx(const ws_tls *tls, ws_error *err);

#endif
