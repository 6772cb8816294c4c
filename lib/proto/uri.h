/* SPDX-License-Identifier: MIT */

#ifndef WS_PROTO_URI_H
#define WS_PROTO_URI_H

#include <stdbool.h>

#include "base/str.h"

/* The characters of RFC 3986, section 2. */
bool ws__uri_is_unreserved(char c);
bool ws__uri_is_sub_delim(char c);

/* The byte that the escape at the beginning of s stands for, -1 if there is
 * none. */
int ws__uri_escaped(struct ws__str s);

/* Append s, percent-encoded but for unreserved characters and those of keep, and
 * a NUL, to out, which has room for three times as much.  Returns its end. */
char *ws__uri_escape(char *out, const char *s, const char *keep);

#endif
