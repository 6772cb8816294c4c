/* SPDX-License-Identifier: MIT */

#ifndef WS_IO_TLS_SESSIONS_H
#define WS_IO_TLS_SESSIONS_H

#include <openssl/ssl.h>

#include "io/tls_key.h"

/*
 * The sessions that clients may resume, of the whole process: those that came
 * last.
 *
 * Concurrency: any thread.
 */

/* Keep a copy of a session. */
void ws__tls_sessions_keep(const struct ws__tls_key *key,
                           const SSL_SESSION *of);

/* One to resume, for the caller to free; NULL: there is none.  TLS 1.3 has each
 * used once only (RFC 8446, appendix C.4). */
SSL_SESSION *ws__tls_sessions_take(const struct ws__tls_key *key);

/* A handshake that was to resume one has failed, which a server that cannot
 * would do again: keep none of this key any more. */
void ws__tls_sessions_spoil(const struct ws__tls_key *key);

/* Forget them all. */
void ws__tls_sessions_cleanup(void);

#endif
