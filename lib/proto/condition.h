/* SPDX-License-Identifier: MIT */

#ifndef WS_PROTO_CONDITION_H
#define WS_PROTO_CONDITION_H

#include <stdbool.h>
#include <stdint.h>

#include <silverback/http.h>

/* What tells whether something has changed (RFC 9110, section 8.8). */
struct ws__validators {
    const char *etag; /* an entity tag */
    int64_t modified; /* in seconds since 1970 */
    bool dated;       /* and so is the answer, by Last-Modified */
    bool settled;     /* it cannot have changed twice in that second */
};

/* The conditions of a GET or HEAD, in the order of section 13.2.2.  Returns 0,
 * 304 or 412. */
int ws__condition(const ws_header *headers, const struct ws__validators *v);

/* Does its Range count, as far as If-Range has a say (section 13.1.5)? */
bool ws__condition_of_range(const ws_header *headers,
                            const struct ws__validators *v);

#endif
