/* SPDX-License-Identifier: MIT */

#ifndef WS_PROTO_RANGE_H
#define WS_PROTO_RANGE_H

#include <stdint.h>

/* What a Range field asks for. */
enum ws__range {
    WS__RANGE_ALL,  /* everything: it is malformed, of another unit, or of
                     * several ranges, and may be ignored (RFC 9110, 14.2) */
    WS__RANGE_PART, /* *len bytes, at least one, from *first on */
    WS__RANGE_VOID, /* nothing that is there: 416 */
};

/* Of size bytes, that is.  An empty whole has no parts: ALL. */
enum ws__range ws__range_parse(const char *value, uint64_t size,
                               uint64_t *first, uint64_t *len);

#endif
