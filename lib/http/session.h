/* SPDX-License-Identifier: MIT */

#ifndef WS_HTTP_SESSION_H
#define WS_HTTP_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include <silverback/conn.h>
#include <silverback/http.h>

#include "base/buf.h"
#include "http/host.h"
#include "io/sock.h"
#include "io/stream.h"

enum { WS__REQUEST_ROOM = 1024 };

struct ws__request;
struct ws__share;

/*
 * An HTTP connection: one request after the other.  It lies on its fiber's
 * stack, and so does a request of the usual size: in the page that a fiber needs
 * anyway.
 *
 * What it holds, each until one other takes it over:
 *   - the stream and the place of entry in the registry: until `upgraded` is
 *     set, which is before anything can go wrong with the connection's making;
 *     from then on both are the ws_conn's, or gone if there is none;
 *   - its part of share: until it is handed over with the stream;
 *   - the reference of ws__session_begin: until `handed_on` is set; from then on
 *     it is that of the connection, which http/on_message goes on with;
 *   - the request under way: nobody but serve_one frees it, when the handler has
 *     returned and all of its answer was sent.
 */
struct ws__session {
    struct ws__host *host;
    const ws_server *server; /* the host's */
    struct ws__entry entry;
    struct ws__stay stay;
    struct ws__stream stream;
    struct ws__buf in;   /* received and not yet used */
    int64_t first_by;    /* when the first request has to be here, */
    int64_t fresh_until; /* and when, if connections are closed meanwhile */
    bool served;         /* it was */
    bool upgraded;
    bool broken;    /* a write has failed */
    bool in_thread; /* the handler runs in a thread of its own */
    bool handed_on;
    bool on_message;         /* conn is to be handed on */
    bool trusted;            /* what the other end says of its client counts */
    bool tls;                /* so does the client */
    struct ws__share *share; /* with others of its address; or NULL */
    struct ws__request *under_way; /* while its handler runs */
    ws_conn *conn;                 /* that it was upgraded to */
    const ws_route *route;         /* of the request under way */
    char remote[WS__ADDR_LEN];
    _Alignas(16) char request[WS__REQUEST_ROOM];
};

/* What a shutdown does to one. */
extern const struct ws__entry_ops ws__session_ops;

/* An accepted socket, for a session that was begun. */
struct ws__newcomer {
    struct ws__host *host;
    struct ws__share *share; /* or NULL; it is in there already */
    unsigned seat;           /* of the worker that serves it */
    int fd;
    int64_t first_by;
    int64_t fresh_until;
    char remote[WS__ADDR_LEN];
};

/* Serve a newcomer to its end, or turn it away; it is freed.  For ws_go. */
void ws__session_run(void *newcomer);
void ws__session_abandon(void *newcomer);

#endif
