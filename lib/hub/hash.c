/* SPDX-License-Identifier: MIT */

#include "hub/hash.h"

#include <string.h>

#include "io/random.h"

enum { RANDOM_AT_ONCE = 256 };

int ws__hash_key_init(struct ws__hash_key *k)
{
    char *p = (char *)k, *end = p + sizeof(*k);

    while (p < end) {
        size_t left = (size_t)(end - p);
        size_t n = left < RANDOM_AT_ONCE ? left : RANDOM_AT_ONCE;
        int r = ws__random(p, n);
        if (r != 0)
            return r;
        p += n;
    }
    return 0;
}

/* Pairs of halves, multiplied: universal, by Dietzfelbinger. */
static uint64_t hash_mix(const uint64_t key[2], uint64_t word)
{
    return (key[0] + (word >> 32)) * (key[1] + (word & UINT32_MAX));
}

uint32_t ws__hash_name(const struct ws__hash_key *k, const char *name, size_t n)
{
    uint64_t sum = k->length * (n + 1), word;
    size_t at = 0, i = 0;

    for (; at < n; at += sizeof(word), i++) {
        size_t left = n - at;
        word = 0;
        memcpy(&word, name + at, left < sizeof(word) ? left : sizeof(word));
        sum += hash_mix(k->words[i], word);
    }
    return (uint32_t)(sum >> 32);
}

uint32_t ws__hash_pointer(const struct ws__hash_key *k, const void *p)
{
    return (uint32_t)(hash_mix(k->words[0], (uint64_t)(uintptr_t)p) >> 32);
}
