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

static uint64_t mask_word(uint8_t *to, const uint8_t *from, uint64_t mask)
{
    uint64_t word;

    memcpy(&word, from, sizeof(word));
    word ^= mask;
    memcpy(to, &word, sizeof(word));
    return word;
}

/* By the mask's first half, which is the key, turned. */
static uint32_t mask_half(uint8_t *to, const uint8_t *from, uint64_t mask)
{
    uint32_t half, word;

    memcpy(&half, &mask, sizeof(half));
    memcpy(&word, from, sizeof(word));
    word ^= half;
    memcpy(to, &word, sizeof(word));
    return word;
}

/* At most three bytes. */
static uint8_t mask_rest(uint8_t *to, const uint8_t *from, size_t n,
                         uint64_t mask)
{
    uint8_t key[sizeof(mask)], seen = 0;

    memcpy(key, &mask, sizeof(mask));
    for (size_t i = 0; i < 3 && i < n; i++)
        seen |= to[i] = from[i] ^ key[i];
    return seen;
}

/* Returns the bits that are set in any 8 of them.  Most payloads are short: a loop
 * over single words would be made one of wide vectors by the compiler, which
 * takes longer to begin than to end. */
static inline uint64_t mask_short(uint8_t *to, const uint8_t *from, size_t n,
                                  uint64_t mask)
{
    const size_t word = sizeof(mask), half = sizeof(uint32_t);
    uint64_t seen = 0;

    for (; n >= 2 * word; n -= 2 * word, to += 2 * word, from += 2 * word) {
        seen |= mask_word(to, from, mask);
        seen |= mask_word(to + word, from + word, mask);
    }
    if (n >= word) {
        seen |= mask_word(to, from, mask);
        n -= word;
        to += word;
        from += word;
    }
    if (n >= half) {
        seen |= mask_half(to, from, mask);
        n -= half;
        to += half;
        from += half;
    }
    return seen | mask_rest(to, from, n, mask);
}

__attribute__((noinline)) static uint64_t mask_long(uint8_t *to,
                                                    const uint8_t *from,
                                                    size_t n, uint64_t mask)
{
    uint64_t seen = 0;
    size_t i = ws__mask_wide(to, from, n, mask, &seen);

    return seen | mask_short(to + i, from + i, n - i, mask);
}

static inline bool mask_any(uint8_t *to, const uint8_t *from, size_t n,
                            const uint8_t key[static 4], size_t phase)
{
    uint64_t mask = turned(key, phase);
    uint64_t seen = n < WS__MASK_WIDE_MIN ? mask_short(to, from, n, mask)
                                          : mask_long(to, from, n, mask);

    return (seen & 0x8080808080808080u) == 0;
}

bool ws__mask(uint8_t *p, size_t n, const uint8_t key[static 4], size_t phase)
{
    return mask_any(p, p, n, key, phase);
}

bool ws__mask_copy(uint8_t *to, const uint8_t *from, size_t n,
                   const uint8_t key[static 4], size_t phase)
{
    return mask_any(to, from, n, key, phase);
}
