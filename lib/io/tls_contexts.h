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

/* The key of a context, which says all but what is in the files.  Returns false
 * when none is to be kept, since it logs secrets, or there is no memory. */
bool ws__tls_contexts_key(struct ws__tls_key *key, const ws_tls *tls);

/* One that was kept, for the caller to free, if somebody has looked at its files
 * within the last ws__tls_look_ms; *files is what they were. */
SSL_CTX *ws__tls_contexts_recent(const struct ws__tls_key *key,
                                 struct ws__tls_stamps *files);

/* One that was made of files that were as these are, for the caller to free; NULL:
 * there is none.  looked: when they were looked at (ws_now). */
SSL_CTX *ws__tls_contexts_find(const struct ws__tls_key *key,
                               const struct ws__tls_stamps *files,
                               int64_t looked);

/* In place of an earlier one with the key.  Not if one of the files has changed so
 * lately that it may do so again without another stamp. */
void ws__tls_contexts_keep(const struct ws__tls_key *key,
                           const struct ws__tls_stamps *files, int64_t looked,
                           SSL_CTX *ctx);

/* Forget them all. */
void ws__tls_contexts_cleanup(void);

#endif
