/* SPDX-License-Identifier: MIT */

#include "proto/mask_wide.h"

/* The compiler's own vectors: 16 bytes are in every x86-64 and aarch64; more is
 * chosen when it runs. */
typedef uint64_t vec16 __attribute__((vector_size(16), aligned(1)));
typedef uint64_t vec32 __attribute__((vector_size(32), aligned(1)));

static size_t by_16(uint8_t *p, size_t n, uint64_t mask, uint64_t *seen)
{
    vec16 m = { mask, mask }, all = { 0 };
    size_t i = 0;

    for (; n - i >= 2 * sizeof(m); i += 2 * sizeof(m)) {
        vec16 *v = (vec16 *)(p + i);

        v[0] ^= m;
        v[1] ^= m;
        all |= v[0] | v[1];
    }
    *seen = all[0] | all[1];
    return i;
}

#ifdef __x86_64__

__attribute__((target("avx2"))) static size_t by_32(uint8_t *p, size_t n,
                                                    uint64_t mask,
                                                    uint64_t *seen)
{
    vec32 m = { mask, mask, mask, mask }, all = { 0 };
    size_t i = 0;

    for (; n - i >= 2 * sizeof(m); i += 2 * sizeof(m)) {
        vec32 *v = (vec32 *)(p + i);

        v[0] ^= m;
        v[1] ^= m;
        all |= v[0] | v[1];
    }
    *seen = all[0] | all[1] | all[2] | all[3];
    return i;
}

size_t ws__mask_wide(uint8_t *p, size_t n, uint64_t mask, uint64_t *seen)
{
    return __builtin_cpu_supports("avx2") ? by_32(p, n, mask, seen)
                                          : by_16(p, n, mask, seen);
}

#else

size_t ws__mask_wide(uint8_t *p, size_t n, uint64_t mask, uint64_t *seen)
{
    return by_16(p, n, mask, seen);
}

#endif
