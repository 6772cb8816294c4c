/* SPDX-License-Identifier: MIT */

#ifndef WS_IO_TLS_SERVER_H
#define WS_IO_TLS_SERVER_H

#include <stdatomic.h>
#include <stdbool.h>

#include <openssl/ssl.h>

#include <silverback/tls.h>

#include "io/tls_identity.h"
#include "io/tls_names.h"

/* What holds for every connection of a server with the same files.  Shared, and
 * never changed once it is finished. */
struct ws__tls_server {
    _Atomic int holders; /* who lets go last frees it; the connections do after
                          * their handshakes, and keep the context */
    SSL_CTX *ctx;
    bool strict; /* a client has to ask for one of names */
    struct ws__tls_names names;
    struct ws__tls_identity **identities; /* the first is the default one */
    size_t n;
};

/* With what is no file's business.  The caller's to let go of; NULL: *err says
 * why. */
struct ws__tls_server *ws__tls_server_new(const ws_tls *tls, ws_error *err);

/* Finish it: with n identities, held by it too, and the store that clients'
 * certificates are verified by; NULL: none is asked for.  Returns 0, or a
 * negative code and *err says why. */
int ws__tls_server_finish(struct ws__tls_server *s, const ws_tls *tls,
                          struct ws__tls_identity *const *identities, size_t n,
                          X509_STORE *store, ws_error *err);

struct ws__tls_server *ws__tls_server_hold(struct ws__tls_server *s);
void ws__tls_server_let_go(struct ws__tls_server *s);

#endif
