/* SPDX-License-Identifier: MIT */

#ifndef WS_HTTP_REQUEST_H
#define WS_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <silverback/http.h>

#include "base/buf.h"
#include "http/fault.h"
#include "http/session.h"

/* A request and its memory: one block, which is as large as its head, and the
 * body. */
struct ws__request {
    ws_request pub; /* first: a ws_request is cast to this */
    struct ws__session *session;
    int minor; /* HTTP/1.minor */
    bool has_body;
    bool is_head;    /* the method */
    bool keep_alive; /* the connection goes on after the answer */
    bool answered;   /* or upgraded */
    struct ws__buf body;
    char *rest;                /* of its memory: see take_target */
    const char **subprotocols; /* of ws_requested_subprotocols */
};

/* Wait for the next request and read it whole.  NULL: see *f. */
struct ws__request *ws__request_receive(struct ws__session *s,
                                        struct ws__fault *f);
void ws__request_free(struct ws__request *r);

#endif
