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

/* An HTTP connection: one request after the other.  It lies on its fiber's
 * stack, and so does a request of the usual size: in the page that a fiber needs
 * anyway. */
struct ws__session {
    struct ws__host *host;
    const ws_server *server; /* the host's */
    struct ws__entry entry;
    struct ws__stream stream;
    struct ws__buf in;       /* received and not yet used */
    int64_t first_by;        /* when the first request has to be here */
    bool served;             /* it was */
    bool upgraded;           /* the stream belongs to a ws_conn */
    bool broken;             /* a write has failed */
    bool in_thread;          /* the route asks for one */
    ws_conn *conn;           /* the handler's, since it upgraded */
    struct ws__calls *calls; /* what it wants done with it */
    bool handed_on;          /* the registry's reference */
    const ws_route *route;
    char remote[WS__ADDR_LEN];
    _Alignas(16) char request[WS__REQUEST_ROOM];
};

/* What a shutdown does to one. */
extern const struct ws__entry_ops ws__session_ops;

/* The deadline of a limit in a ws_server: never, if it is negative. */
int64_t ws__session_deadline(int timeout_ms);

/* An accepted socket, for a session that was begun. */
struct ws__newcomer {
    struct ws__host *host;
    unsigned seat; /* of the worker that serves it */
    int fd;
    int64_t first_by;
    char remote[WS__ADDR_LEN];
};

/* Put TLS, if that is wanted, beneath what is still to come.  Returns false if
 * nothing will, and *linger: the peer has something to read, in the clear. */
bool ws__session_secure(struct ws__session *s, bool *linger);

/* Serve a newcomer to its end, or turn it away; it is freed.  For ws_go. */
void ws__session_run(void *newcomer);
void ws__session_abandon(void *newcomer);

/* A route's socket: upgrade, call it, say goodbye. */
void ws__socket_run(ws_request *r, const ws_route *route);

#endif
