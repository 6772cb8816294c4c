/* SPDX-License-Identifier: MIT */

#ifndef WS_PROTO_WHOLE_H
#define WS_PROTO_WHOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * DEFLATE of whole messages, each on its own, by libdeflate where the library
 * was built with it: faster than zlib, but it keeps no window, and takes and
 * gives all at once.  A make that returns NULL says: use zlib.
 */

/* Fast, like zlib's level 1.  Other levels take three times the memory, and are
 * faster than zlib's only above 16 KiB. */
void *ws__whole_deflate_make(void);
void ws__whole_deflate_destroy(void *deflate);

/* The most bytes that n become. */
size_t ws__whole_deflate_bound(void *deflate, size_t n);

/* Deflate n bytes into out, which has room for the bound.  Returns how many
 * there are. */
size_t ws__whole_deflate(void *deflate, const uint8_t *p, size_t n,
                         uint8_t *out);

/* Bytes behind a message's that are overwritten meanwhile. */
#define WS__WHOLE_TAIL 9

void *ws__whole_inflate_make(void);
void ws__whole_inflate_destroy(void *inflate);

/* Inflate the message at p into at most cap bytes at out.  Returns false for
 * one that does not fit there, or that zlib has to judge. */
bool ws__whole_inflate(void *inflate, uint8_t *p, size_t n, uint8_t *out,
                       size_t cap, size_t *made);

#endif
