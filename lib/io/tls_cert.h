/* SPDX-License-Identifier: MIT */

#ifndef WS_IO_TLS_CERT_H
#define WS_IO_TLS_CERT_H

#include <openssl/ssl.h>

#include <silverback/tls.h>

/* What ssl's peer has shown, now or when the session began: one block, for the
 * caller to free.  NULL: nothing, or there was no memory. */
ws_cert *ws__tls_cert_new(const SSL *ssl);

#endif
