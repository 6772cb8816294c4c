/* SPDX-License-Identifier: MIT */

#ifndef WS_PROTO_HTTP_TARGET_H
#define WS_PROTO_HTTP_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

/* A request target taken apart (RFC 9112, section 3.2). */
struct ws__target {
    struct ws__str authority; /* of an absolute-form, else empty */
    struct ws__str path;      /* still encoded, begins with '/'; or is "*" */
    struct ws__str query;     /* without '?', empty if none */
};

/* Takes origin-form, asterisk-form, and absolute-form with http, https, ws or
 * wss; in each of them raw bytes above ASCII.  Returns false for anything else, a
 * fragment among it. */
bool ws__target_split(struct ws__str target, struct ws__target *t);

/*
 * Percent-decode a path once, then remove its dot segments, into out, which has
 * room for n + 1 bytes, and for "/" when n is 0; it stays under "/".  "*" is
 * left alone.  Returns its length, or -1 for a malformed escape or an escaped NUL.
 */
ptrdiff_t ws__target_path(char *out, struct ws__str path);

/* Is this a Host field's value: a name, an IPv4 address or an [IPv6] one, and
 * perhaps a port (RFC 9110, section 7.2)?  The empty one is. */
bool ws__host_valid(struct ws__str host);

#endif
