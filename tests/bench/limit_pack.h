/* SPDX-License-Identifier: MIT */

#ifndef BENCH_LIMIT_PACK_H
#define BENCH_LIMIT_PACK_H

/* How the limit compresses: by libdeflate, where the build has found it, which
 * is faster than zlib. */

#include <stddef.h>
#include <stdint.h>

extern const char limit_packer[];

/* How much n bytes may become. */
size_t limit_bound(size_t n);

/* A message in clear, of *len bytes.  It lies in memory that the next call
 * reuses. */
uint8_t *limit_inflate(const uint8_t *p, size_t n, size_t *len);

/* Write to to, where limit_bound(n) bytes have room.  Returns how many. */
size_t limit_deflate(uint8_t *to, const uint8_t *p, size_t n);

#endif
