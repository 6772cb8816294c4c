/* SPDX-License-Identifier: MIT */

#ifndef WS_IO_TLS_CONTEXT_H
#define WS_IO_TLS_CONTEXT_H

#include <silverback/tls.h>

#include "io/tls_server.h"

/* What a server's files say.  Any number of fibers may accept with it. */
struct ws__tls_context;

/* Read the files of a server.  *tls must stay.  NULL: *err says why. */
struct ws__tls_context *ws__tls_context_new(const ws_tls *tls, ws_error *err);
void ws__tls_context_free(struct ws__tls_context *x);

/* Look at the files now.  Returns 0, or the code of the first that has changed
 * and cannot be read, and *err says why: the old one stays then. */
int ws__tls_context_reload(struct ws__tls_context *x, ws_error *err);

/* Log why a handshake failed; at most a line every ten seconds, since anybody can
 * make one fail. */
void ws__tls_context_complain(struct ws__tls_context *x, const char *remote,
                              const ws_error *err);

/* What was made of the files as they are now, or were a second ago; the
 * caller's to let go of. */
struct ws__tls_server *ws__tls_current(struct ws__tls_context *x);

#endif
