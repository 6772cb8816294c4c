/* SPDX-License-Identifier: MIT */

#ifndef WS_PROTO_MASK_WIDE_H
#define WS_PROTO_MASK_WIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* From this length on wide vectors pay. */
#define WS__MASK_WIDE_MIN 64

/* Mask as many whole vectors as there are, as ws__mask_copy does, with the widest
 * that this processor has.  Returns how many bytes that were, a multiple of 8, and
 * in *seen the bits that are set in any 8 of them. */
size_t ws__mask_wide(uint8_t *to, const uint8_t *from, size_t n, uint64_t mask,
                     uint64_t *seen);

/* For tests.  The same with vectors of 32 bytes, if this processor has them, or
 * with those of 16, which every one has. */
size_t ws__mask_wide_by(bool wide, uint8_t *to, const uint8_t *from, size_t n,
                        uint64_t mask, uint64_t *seen);

#endif
