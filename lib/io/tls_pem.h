/* SPDX-License-Identifier: MIT */

#ifndef WS_IO_TLS_PEM_H
#define WS_IO_TLS_PEM_H

#include <openssl/bio.h>

#include <silverback/base.h>

/* Where something is in PEM. */
struct ws__tls_pem {
    const char *file; /* NULL: in text */
    const char *text;
    const char *field; /* the text's, for errors */
};

/* What to say where it is. */
const char *ws__tls_pem_name(const struct ws__tls_pem *p);

/* Its beginning, for the caller to free.  NULL: OpenSSL's queue says why. */
BIO *ws__tls_pem_open(const struct ws__tls_pem *p);

/* Say what OpenSSL's queue has against it, which was to hold what, and empty the
 * queue.  Returns WS_ERR_TLS. */
int ws__tls_pem_fail(const struct ws__tls_pem *p, const char *what,
                     ws_error *err);

/* A pem_password_cb for where nobody is there to be asked. */
int ws__tls_no_password(char *buf, int size, int writing, void *arg);

#endif
