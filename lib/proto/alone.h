/* SPDX-License-Identifier: MIT */

#ifndef WS_PROTO_ALONE_H
#define WS_PROTO_ALONE_H

#include <stddef.h>
#include <stdint.h>

/*
 * One of alone_isal.c, alone_none.c.
 *
 * DEFLATE of messages that look back at no other, by ISA-L where the library
 * was built with it: it takes half of zlib's time or less, but a message all at
 * once.  A make that returns NULL says: use zlib.
 */

/* Like zlib's level 1, with a window of so many bits.  Takes 165 KiB. */
void *ws__alone_make(size_t bits);
void ws__alone_destroy(void *alone);

/* The room that n bytes take at most, as far as is known. */
size_t ws__alone_bound(size_t n);

/* Deflate n > 0 bytes, less than 4 GiB, into at most cap at out: up to a sync
 * flush (RFC 1951, section 3.2.4), whose 00 00 ff ff is left out.  Returns how
 * many bytes there are; 0 when they did not fit, which is no error. */
size_t ws__alone_deflate(void *alone, const uint8_t *p, size_t n, uint8_t *out,
                         size_t cap);

#endif
