/* SPDX-License-Identifier: MIT */

#ifndef WS_IO_TLS_REASON_H
#define WS_IO_TLS_REASON_H

/* OpenSSL's words for an error of its queue, or better ones. */
const char *ws__tls_reason(unsigned long fault);

#endif
