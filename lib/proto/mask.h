/* SPDX-License-Identifier: MIT */

#ifndef WS_PROTO_MASK_H
#define WS_PROTO_MASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Mask or unmask n bytes in place (RFC 6455, section 5.3): byte i is XORed with
 * key[(phase + i) % 4], phase being the bytes of the payload that went before.
 * Returns whether all of them are ASCII then.
 */
bool ws__mask(uint8_t *p, size_t n, const uint8_t key[static 4], size_t phase);

/* The same on the way from one place to another, in one pass: to may be from, but
 * must not lie within it otherwise. */
bool ws__mask_copy(uint8_t *to, const uint8_t *from, size_t n,
                   const uint8_t key[static 4], size_t phase);

/* For tests.  ws__mask a byte at a time, for it to be compared with. */
void ws__mask_scalar(uint8_t *p, size_t n, const uint8_t key[static 4],
                     size_t phase);

#endif
