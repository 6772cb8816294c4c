/* SPDX-License-Identifier: MIT */

#include "proto/mask_wide.h"

/* The compiler's own vectors: 16 bytes are in every x86-64 and aarch64; more is
 * chosen when it runs. */
typedef uint64_t vec16 __attribute__((vector_size(16), aligned(1)));
typedef uint64_t vec32 __attribute__((vector_size(32), aligned(1)));

static size_t by_16(uint8_t *to, const uint8_t *from, size_t n, uint64_t mask,
                    uint64_t *seen)
{
    vec16 m = { mask, mask }, all = { 0 };
    size_t i = 0;

    for (; n - i >= 2 * sizeof(m); i += 2 * sizeof(m)) {
        const vec16 *v = (const vec16 *)(from + i);
        vec16 one = v[0] ^ m, two = v[1] ^ m;

        ((vec16 *)(to + i))[0] = one;
        ((vec16 *)(to + i))[1] = two;
        all |= one | two;
    }
    *seen = all[0] | all[1];
    return i;
}

#ifdef __x86_64__

__attribute__((target("avx2"))) static size_t by_32(uint8_t *to,
                                                    const uint8_t *from,
                                                    size_t n, uint64_t mask,
                                                    uint64_t *seen)
{
    vec32 m = { mask, mask, mask, mask }, all = { 0 };
    size_t i = 0;

    for (; n - i >= 2 * sizeof(m); i += 2 * sizeof(m)) {
        const vec32 *v = (const vec32 *)(from + i);
        vec32 one = v[0] ^ m, two = v[1] ^ m;

        ((vec32 *)(to + i))[0] = one;
        ((vec32 *)(to + i))[1] = two;
        all |= one | two;
    }
    *seen = all[0] | all[1] | all[2] | all[3];
    return i;
}

static bool has_32(void)
{
    return __builtin_cpu_supports("avx2") != 0;
}

size_t ws__mask_wide_by(bool wide, uint8_t *to, const uint8_t *from, size_t n,
                        uint64_t mask, uint64_t *seen)
{
    return wide ? by_32(to, from, n, mask, seen)
                : by_16(to, from, n, mask, seen);
}

#else

static bool has_32(void)
{
    return false;
}

size_t ws__mask_wide_by(bool wide, uint8_t *to, const uint8_t *from, size_t n,
                        uint64_t mask, uint64_t *seen)
{
    (void)wide;
    return by_16(to, from, n, mask, seen);
}

#endif

size_t ws__mask_wide(uint8_t *to, const uint8_t *from, size_t n, uint64_t mask,
                     uint64_t *seen)
{
    return ws__mask_wide_by(has_32(), to, from, n, mask, seen);
}
