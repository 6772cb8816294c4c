/* SPDX-License-Identifier: MIT */

#ifndef WS_HTTP_SOCKET_ROUTE_H
#define WS_HTTP_SOCKET_ROUTE_H

#include "http/request.h"

/* A route that has a socket: upgrade, call it, say goodbye, close. */
void ws__socket_route(struct ws__request *r, const ws_route *route);

#endif
