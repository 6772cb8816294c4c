/* SPDX-License-Identifier: MIT */

#ifndef WS_PROTO_HANDSHAKE_H
#define WS_PROTO_HANDSHAKE_H

#include <stdbool.h>
#include <stdint.h>

#include <silverback/http.h>
#include <silverback/upgrade.h>

#include "proto/extension.h"
#include "proto/http_write.h"

#define WS__KEY_LEN 24    /* of Sec-WebSocket-Key: 16 bytes in base64 */
#define WS__ACCEPT_LEN 28 /* of Sec-WebSocket-Accept: a SHA-1 in base64 */

/* Sec-WebSocket-Accept for a key (RFC 6455, section 4.2.2).  Returns 0 or
 * -ENOMEM. */
int ws__accept_key(char out[static WS__ACCEPT_LEN + 1], const char *key);

/* ---- Server ------------------------------------------------------------- */

/* How a request that is not upgraded is answered. */
struct ws__refusal {
    int status;               /* 0: it may be upgraded */
    const ws_header *headers; /* to answer with, beside the usual; static */
};

/*
 * Look at a request: first the faults of HTTP (HTTP/1.0, a body, a second Host,
 * Key or Origin), then gorilla's checks in its order.  minor and has_body are
 * what the parser found; response is what the caller wants to add.  *err says
 * why it is refused: WS_ERR_HANDSHAKE, or WS_ERR_INVALID for a 500.
 */
struct ws__refusal ws__handshake_check(const ws_request *r, int minor,
                                       bool has_body, const ws_upgrader *u,
                                       const ws_header *response,
                                       ws_error *err);

/* Is the Origin the same as Host, or one of the allowed (NULL: none), or absent?
 * Default ports are the same as none. */
bool ws__origin_allowed(const ws_request *r, const char *const *allowed);

/* Is each of the allowed (see ws_upgrader) one that can be an Origin?  Returns 0
 * or WS_ERR_INVALID, and *err says which is not. */
int ws__origins_check(const char *const *allowed, ws_error *err);

/* Record in *err that r's Origin was not allowed, by the list or the function of
 * an upgrader. */
void ws__origin_refused(ws_error *err, const ws_request *r,
                        const ws_upgrader *u);

/* The first of the client's subprotocols that is listed in ours, as it stands
 * there; NULL if none is. */
const char *ws__subprotocol_choose(const ws_header *headers,
                                   const char *const *ours);

/* Write the 101 response.  response follows our own fields, without those of its
 * fields that are the handshake's.  Returns o->error. */
int ws__handshake_answer(struct ws__http_out *o, const ws_request *r,
                         const char *subprotocol,
                         const struct ws__deflate_params *deflate,
                         const ws_header *response);

/* ---- Client ------------------------------------------------------------- */

/* What a client asks for. */
struct ws__asked {
    const char *host_port;
    const char *target;
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
