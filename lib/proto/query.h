/* SPDX-License-Identifier: MIT */

#ifndef WS_PROTO_QUERY_H
#define WS_PROTO_QUERY_H

#include <stdbool.h>

#include "base/str.h"

/*
 * application/x-www-form-urlencoded (WHATWG URL, section 5): queries and forms.
 * Take the next pair from *rest, as it was sent; what has no '=' has an empty
 * value, and what has nothing at all is left out.  Returns false at the end.
 */
bool ws__query_next(struct ws__str *rest, struct ws__str *name,
                    struct ws__str *value);

/* Decode a name or a value into out, which has room for s.n bytes: '+' is a
 * blank; "%00", which no string could hold, and what is no escape stay as they
 * are.  Returns how many bytes there are. */
size_t ws__query_decode(char *out, struct ws__str s);

#endif
