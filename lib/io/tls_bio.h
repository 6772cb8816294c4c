/* SPDX-License-Identifier: MIT */

#ifndef WS_IO_TLS_BIO_H
#define WS_IO_TLS_BIO_H

#include "io/tls_state.h"

/* A BIO over t->beneath, or NULL.  Its data is t: the SSL has none of its own,
 * which would cost each connection 96 bytes. */
BIO *ws__tls_bio(struct ws__tls *t);

#endif
