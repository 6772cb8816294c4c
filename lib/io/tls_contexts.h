/* SPDX-License-Identifier: MIT */

#ifndef WS_IO_TLS_CONTEXTS_H
#define WS_IO_TLS_CONTEXTS_H

#include <stdbool.h>

#include <openssl/ssl.h>

#include "io/tls_key.h"

/*
 * The contexts of clients that have settings of their own, of the whole process:
 * those that were used last.  To make one takes longer than a handshake.
 *
 * Concurrency: any thread.
 */

/* The key of a context.  Returns false when it is not to be kept: it logs
 * secrets, or a file has changed so lately that it may do so again without
 * another stamp; or there is no memory. */
bool ws__tls_contexts_key(struct ws__tls_key *key, const ws_tls *tls,
                          const struct ws__tls_stamps *files);

/* One that was kept, for the caller to free; NULL: there is none. */
SSL_CTX *ws__tls_contexts_find(const struct ws__tls_key *key);

void ws__tls_contexts_keep(const struct ws__tls_key *key, SSL_CTX *ctx);

/* Forget them all. */
void ws__tls_contexts_cleanup(void);

#endif
