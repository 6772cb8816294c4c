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
    uint8_t bytes[8];
    uint64_t word;

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = key[(phase + i) & 3];
    memcpy(&word, bytes, sizeof(word));
    return word;
}

void ws__mask(uint8_t *p, size_t n, const uint8_t key[static 4], size_t phase)
{
    uint64_t mask = turned(key, phase);
    size_t i = n >= WS__MASK_WIDE_MIN ? ws__mask_wide(p, n, mask) : 0;

    for (; n - i >= sizeof(mask); i += sizeof(mask)) {
        uint64_t word;

        memcpy(&word, p + i, sizeof(word));
        word ^= mask;
        memcpy(p + i, &word, sizeof(word));
    }
    ws__mask_scalar(p + i, n - i, key, phase + i);
}
