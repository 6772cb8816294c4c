/* SPDX-License-Identifier: MIT */

#ifndef WS_PROTO_HANDSHAKE_CLIENT_H
#define WS_PROTO_HANDSHAKE_CLIENT_H

#include <stdbool.h>

#include <silverback/base.h>
#include <silverback/http.h>

#include "proto/extension.h"
#include "proto/http_write.h"

/* What a client asks for. */
struct ws__asked {
    const char *host_port;
    const char *target;
    bool tls;
    const char *key;         /* in base64 */
    const char *credentials; /* "user:password"; NULL: none */
    const char *const *subprotocols;
    bool compression;
    int context_takeover_bits;
    const ws_header *headers; /* the caller's */
};

/* Write the request.  Returns 0 or o->error: WS_ERR_INVALID when a field of the
 * caller's names what is ours, or cannot be written; *err then tells which. */
int ws__handshake_request(struct ws__http_out *o, const struct ws__asked *a,
                          ws_error *err);

/* Where a response redirects to; NULL if it does not say. */
const char *ws__redirect(int status, const ws_header *headers);

/*
 * Check a response (RFC 6455, section 4.1).  Returns 0, with the subprotocol
 * (one of a->subprotocols, or NULL) and the extension; or WS_ERR_HANDSHAKE,
 * and *err says what was expected and what came, with the status.
 */
int ws__handshake_verify(const struct ws__asked *a, int status,
                         const ws_header *headers, const char **subprotocol,
                         struct ws__deflate_params *deflate, ws_error *err);

#endif
