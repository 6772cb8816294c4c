/* SPDX-License-Identifier: MIT */

#ifndef WS_PROTO_WHOLE_H
#define WS_PROTO_WHOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One of whole_libdeflate.c, whole_none.c.
 *
 * Inflating whole messages, each on its own, by libdeflate where the library
 * was built with it: faster than zlib, but it keeps no window, and takes and
 * gives all at once.  A make that returns NULL says: use zlib.
 */

/* Bytes behind a message's that are overwritten meanwhile. */
#define WS__WHOLE_TAIL 9

void *ws__whole_inflate_make(void);
void ws__whole_inflate_destroy(void *inflate);

/* Inflate the message at p into at most cap bytes at out.  Returns false for
 * one that does not fit there, or that zlib has to judge. */
bool ws__whole_inflate(void *inflate, uint8_t *p, size_t n, uint8_t *out,
                       size_t cap, size_t *made);

#endif
