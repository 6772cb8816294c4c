/* SPDX-License-Identifier: MIT */

#ifndef WS_PROTO_COOKIE_H
#define WS_PROTO_COOKIE_H

#include <stdbool.h>

#include "base/str.h"

/* Take the next cookie from *rest, of a Cookie field's value (RFC 6265, section
 * 4.2.1), without the quotes around its value; what has no name is left out.
 * Returns false at the end. */
bool ws__cookie_next(struct ws__str *rest, struct ws__str *name,
                     struct ws__str *value);

#endif
