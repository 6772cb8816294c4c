/* SPDX-License-Identifier: MIT */

#ifndef WS_HTTP_HOST_H
#define WS_HTTP_HOST_H

#include <stdatomic.h>
#include <stdint.h>

#include <silverback/http.h>

#include "http/registry.h"

struct ws__tls_context;
struct ws__limits;
struct ws__trusted;

/* What a listener has for all of its connections, and outlives them with. */
struct ws__host {
    ws_server server;            /* no field is left at 0 */
    struct ws__tls_context *tls; /* NULL: plain TCP */
    struct ws__trusted *trusted; /* NULL: nobody */
    struct ws__limits *limits;   /* of each address; NULL: none */
    struct ws__registry *registry;
    _Atomic int64_t refusal_said;  /* when one was logged; 0: never */
    _Atomic int64_t stranger_said; /* the same: see http/peer */
};

#endif
