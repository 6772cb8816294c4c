/* SPDX-License-Identifier: MIT */

#ifndef WS_PROTO_ORIGIN_H
#define WS_PROTO_ORIGIN_H

#include <stdbool.h>

#include <silverback/http.h>
#include <silverback/upgrade.h>

/* Is the Origin the same as Host, or one of the allowed (NULL: none), or absent?
 * Default ports are the same as none. */
bool ws__origin_allowed(const ws_request *r, const char *const *allowed);

/* Is each of the allowed (see ws_upgrader) one that can be an Origin?  Returns 0
 * or WS_ERR_INVALID, and *err says which is not. */
int ws__origins_check(const char *const *allowed, ws_error *err);

/* Record in *err that r's Origin was not allowed, by the list or the function of
 * an upgrader. */
void ws__origin_refused(ws_error *err, const ws_request *r,
                        const ws_upgrader *u);

#endif
