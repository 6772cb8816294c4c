/* SPDX-License-Identifier: MIT */

#ifndef WS_HTTP_ROUTE_H
#define WS_HTTP_ROUTE_H

#include <stdbool.h>

#include <silverback/http.h>

/* Can each of them be called?  Returns 0 or WS_ERR_INVALID, and *err says which
 * cannot.  NULL is none. */
int ws__routes_check(const ws_route *routes, ws_error *err);

/* The first of those with the longest path that matches; NULL if none does. */
const ws_route *ws__route_find(const ws_route *routes, const char *path);

/* Of those that have its path, the one for a method: one that names it; GET's
 * for HEAD, unless it is a socket's; one for all methods.  NULL if there is none
 * such. */
const ws_route *ws__route_choose(const ws_route *of_path, const char *method);

/* The methods that it chooses a route for, and OPTIONS, as in Allow.  There is no
 * route for all.  Returns false when they do not fit. */
enum { WS__ALLOW_SIZE = 256 };
bool ws__route_allow(const ws_route *of_path, char out[static WS__ALLOW_SIZE]);

#endif
