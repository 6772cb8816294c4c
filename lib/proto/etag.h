/* SPDX-License-Identifier: MIT */

#ifndef WS_PROTO_ETAG_H
#define WS_PROTO_ETAG_H

#include <stdbool.h>

#include <silverback/http.h>

#include "base/str.h"

/* Entity tags (RFC 9110, section 8.8.3), each as it is sent: "x" or W/"x", with
 * the quotes. */
bool ws__etag_is(struct ws__str s);

/* Section 8.8.3.2.  A weak one is equal to nothing when strong is asked for. */
bool ws__etag_equal(struct ws__str a, struct ws__str b, bool strong);

/* Does a list in the fields of this name hold the tag, or is one of them "*"?
 * What follows a malformed element of a field is not looked at. */
bool ws__etag_listed(const ws_header *headers, const char *name,
                     struct ws__str tag, bool strong);

#endif
