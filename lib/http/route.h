/* SPDX-License-Identifier: MIT */

#ifndef WS_HTTP_ROUTE_H
#define WS_HTTP_ROUTE_H

#include <silverback/http.h>

/* Can each of them be called?  Returns 0 or WS_ERR_INVALID, and *err says which
 * cannot.  NULL is none. */
int ws__routes_check(const ws_route *routes, ws_error *err);

/* The one with the longest path that matches; NULL if none does. */
const ws_route *ws__route_find(const ws_route *routes, const char *path);

#endif
