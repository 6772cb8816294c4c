/* SPDX-License-Identifier: MIT */

#ifndef WS_IO_TLS_TRUST_H
#define WS_IO_TLS_TRUST_H

#include <stdbool.h>

#include <openssl/ssl.h>

#include <silverback/tls.h>

/* Is there a CA, a list of what is revoked? */
bool ws__tls_names_ca(const ws_tls *tls);
bool ws__tls_names_crl(const ws_tls *tls);

/* Trust tls's CA certificates, be they roots or not, and have certificates looked
 * up in its revocation lists, if there are any.  Return 0, or a negative code and
 * *err says why. */
int ws__tls_trust_ca(X509_STORE *store, const ws_tls *tls, ws_error *err);
int ws__tls_trust_crl(X509_STORE *store, const ws_tls *tls, ws_error *err);

/* The subjects of what a store trusts, for clients to choose their certificate
 * by: the caller's to free.  NULL: there was no memory. */
STACK_OF(X509_NAME) * ws__tls_trusted_names(X509_STORE *store);

#endif
