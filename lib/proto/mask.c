/* SPDX-License-Identifier: MIT */

#include "proto/mask.h"

#include <string.h>

#include "proto/mask_wide.h"

void ws__mask_scalar(uint8_t *p, size_t n, const uint8_t key[static 4],
                     size_t phase)
{
    for (size_t i = 0; i < n; i++)
        p[i] ^= key[(phase + i) & 3];
}

/* Twice the key, turned so that it begins at the phase. */
static uint64_t turned(const uint8_t key[static 4], size_t phase)
{
    unsigned by = 8 * (phase & 3);
    uint32_t half;

    memcpy(&half, key, sizeof(half));
    uint64_t word = (uint64_t)half << 32 | half;
    if (by == 0)
        return word;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    return word << by | word >> (64 - by);
#else
    return word >> by | word << (64 - by);
#endif
}

static void mask_word(uint8_t *p, uint64_t mask)
{
    uint64_t word;

    memcpy(&word, p, sizeof(word));
    word ^= mask;
    memcpy(p, &word, sizeof(word));
}

/* By the mask's first half, which is the key, turned. */
static void mask_half(uint8_t *p, uint64_t mask)
{
    uint32_t half, word;

    memcpy(&half, &mask, sizeof(half));
    memcpy(&word, p, sizeof(word));
    word ^= half;
    memcpy(p, &word, sizeof(word));
}

void ws__mask(uint8_t *p, size_t n, const uint8_t key[static 4], size_t phase)
{
    uint64_t mask = turned(key, phase);
    size_t i = n >= WS__MASK_WIDE_MIN ? ws__mask_wide(p, n, mask) : 0;

    for (; n - i >= sizeof(mask); i += sizeof(mask))
        mask_word(p + i, mask);
    if (n - i >= sizeof(uint32_t)) {
        mask_half(p + i, mask);
        i += sizeof(uint32_t);
    }
    ws__mask_scalar(p + i, n - i, key, phase + i);
}
