/* SPDX-License-Identifier: MIT */

#ifndef WS_BASE_BASE64_H
#define WS_BASE_BASE64_H

#include <stddef.h>
#include <stdint.h>

/* The length of n bytes in base64 (RFC 4648, section 4), without a NUL. */
#define WS__BASE64_LEN(n) (((n) + 2) / 3 * 4)

/* Writes WS__BASE64_LEN(n) characters and a NUL. */
void ws__base64_encode(char *out, const uint8_t *p, size_t n);

/* Decodes n characters, padded, without white space, with zero spare bits, into
 * at most cap bytes.  Returns their number, or -1 for anything else. */
int ws__base64_decode(uint8_t *out, size_t cap, const char *s, size_t n);

#endif
