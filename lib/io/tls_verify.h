/* SPDX-License-Identifier: MIT */

#ifndef WS_IO_TLS_VERIFY_H
#define WS_IO_TLS_VERIFY_H

#include "io/tls_state.h"

/* Let a client verify that its peer is t->peer, and name it to servers with
 * many names.  Returns 0 or a negative code. */
int ws__tls_verify(struct ws__tls *t, bool skip, ws_error *err);

/* Let a server say what it has against a client's certificate. */
void ws__tls_verify_client(struct ws__tls *t);

#endif
