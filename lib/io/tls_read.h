/* SPDX-License-Identifier: MIT */

#ifndef WS_IO_TLS_READ_H
#define WS_IO_TLS_READ_H

#include <stdint.h>

#include <openssl/ssl.h>

#include <silverback/fiber.h>
#include <silverback/http.h>

/* ws__tls_client_ctx by a helper thread, which is left to itself at the
 * deadline (0: never), or when cancel, which may be NULL, is set.  Returns 0, or
 * a negative code and *err says why. */
int ws__tls_read_client(const ws_tls *tls, int64_t deadline, ws_event *cancel,
                        SSL_CTX **ctx, ws_error *err);

#endif
