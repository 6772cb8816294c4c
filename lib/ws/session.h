/* SPDX-License-Identifier: MIT */

#ifndef WS_WS_SESSION_H
#define WS_WS_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include <silverback/conn.h>
#include <silverback/http.h>

#include "base/buf.h"
#include "io/sock.h"
#include "io/stream.h"
#include "ws/listener.h"
#include "ws/registry.h"

/* An HTTP connection: one request after the other. */
struct ws__session {
    const ws_server *server; /* no field is left at 0 */
    struct ws__seat *seat;
    struct ws__registry *registry;
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
};

/* The deadline of a limit in a ws_server: never, if it is negative. */
int64_t ws__session_deadline(int timeout_ms);

/* A session over an accepted socket, which is taken, also when it fails: NULL
 * when there is no memory, or the shutdown has begun. */
struct ws__session *ws__session_new(struct ws__seat *seat, int fd);

/* Put TLS, if that is wanted, beneath what is still to come.  Returns false if
 * nothing will, and *linger: the peer has something to read, in the clear. */
bool ws__session_secure(struct ws__session *s, bool *linger);

/* Serve it to its end, and free it.  For ws_go. */
void ws__session_run(void *session);

/* A route's socket: upgrade, call it, say goodbye. */
void ws__socket_run(ws_request *r, const ws_route *route);

/* End it unserved. */
void ws__session_abandon(void *session);

#endif
