/* SPDX-License-Identifier: MIT */

#ifndef WS_IO_TLS_NAMES_H
#define WS_IO_TLS_NAMES_H

#include <stddef.h>

#include <openssl/x509.h>

/* Which certificates there are for the name of a host: a zeroed one is empty. */
struct ws__tls_names {
    struct ws__tls_name *list; /* in order, once that is wanted */
    size_t n;
    size_t room;
};

/* One of them.  Of equal ones the certificates' order is kept. */
struct ws__tls_name {
    char *name; /* in lower case */
    size_t whose;
};

/* Append the dNSNames of a certificate.  Returns 0 or -ENOMEM. */
int ws__tls_names_add(struct ws__tls_names *names, const X509 *x, size_t whose);

/* To be called once all are there. */
void ws__tls_names_sort(struct ws__tls_names *names);

/* How many certificates have this name, or else the wildcard that stands for it
 * (RFC 9525, section 6.3); *first begins them. */
size_t ws__tls_names_find(const struct ws__tls_names *names, const char *name,
                          const struct ws__tls_name **first);

void ws__tls_names_fini(struct ws__tls_names *names);

#endif
