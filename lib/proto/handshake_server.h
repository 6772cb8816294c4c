/* SPDX-License-Identifier: MIT */

#ifndef WS_PROTO_HANDSHAKE_SERVER_H
#define WS_PROTO_HANDSHAKE_SERVER_H

#include <stdbool.h>

#include <silverback/http.h>
#include <silverback/upgrade.h>

#include "proto/extension.h"
#include "proto/http_write.h"

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

#endif
