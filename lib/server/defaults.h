/* SPDX-License-Identifier: MIT */

#ifndef WS_SERVER_DEFAULTS_H
#define WS_SERVER_DEFAULTS_H

#include <stddef.h>

#include <silverback/http.h>

/* Put the default in each field that is 0, but for max_connections. */
void ws__defaults(ws_server *s);

/* The same for max_connections: what the limit of descriptors, which is
 * returned, leaves room for beside so many workers.  0: it was given. */
size_t ws__defaults_connections(ws_server *s, size_t workers);

#endif
