/* SPDX-License-Identifier: MIT */

#ifndef WS_IO_TLS_READ_H
#define WS_IO_TLS_READ_H

#include <stdint.h>

#include <openssl/ssl.h>

#include <silverback/fiber.h>
#include <silverback/tls.h>

#include "io/tls_key.h"

/* What a client's files say. */
struct ws__tls_client {
    SSL_CTX *ctx; /* the caller's to free */
    struct ws__tls_stamps files;
};

/* ws__tls_client_ctx, or what an earlier call with the same settings and files
 * had; if these are to be looked at, by a helper thread, which is left to itself at
 * the deadline (0: never), or when cancel, which may be NULL, is set.  Returns 0, or a negative code and *err
 * says why. */
int ws__tls_read_client(const ws_tls *tls, int64_t deadline, ws_event *cancel,
                        struct ws__tls_client *client, ws_error *err);

#endif
