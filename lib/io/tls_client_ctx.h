/* SPDX-License-Identifier: MIT */

#ifndef WS_IO_TLS_CLIENT_CTX_H
#define WS_IO_TLS_CLIENT_CTX_H

#include <stdbool.h>

#include <openssl/ssl.h>

#include <silverback/tls.h>

/* A context for a client's files, read now, for the caller to free.  NULL: *err
 * says why. */
SSL_CTX *ws__tls_client_ctx(const ws_tls *tls, ws_error *err);

/* Has a client nothing of its own?  What such clients share, with a reference
 * for the caller: NULL until it is made. */
bool ws__tls_is_standard(const ws_tls *tls);
SSL_CTX *ws__tls_standard_ctx(void);

/* Forget what clients share, sessions among it, until the next needs it. */
void ws__tls_client_cleanup(void);

#endif
