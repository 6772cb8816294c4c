/* SPDX-License-Identifier: MIT */

#ifndef WS_IO_TLS_VERIFY_H
#define WS_IO_TLS_VERIFY_H

#include "io/tls_state.h"

/* Let a client verify its peer, and name it to servers with many names.  Returns
 * 0 or a negative code, and *err says why. */
int ws__tls_verify_server(struct ws__tls *t, ws_error *err);

/* A client's verification of what the server shows, for its context. */
int ws__tls_verify_chain(X509_STORE_CTX *sc, void *unused);

/* Let a server say what it has against a client's certificate. */
void ws__tls_verify_client(struct ws__tls *t);

#endif
