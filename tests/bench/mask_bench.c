/* SPDX-License-Identifier: MIT */
/* How fast payloads are masked. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "fiber/stopwatch.h"
#include "proto/mask.h"

enum { TOTAL = 512 * 1024 * 1024 };

typedef void (*mask_fn)(uint8_t *p, size_t n, const uint8_t *key, size_t phase);

static double gigabytes(mask_fn mask, uint8_t *p, size_t n, size_t total)
{
    static const uint8_t key[4] = { 1, 2, 3, 4 };
    int64_t began = ws__now_us();

    for (size_t done = 0; done < total; done += n)
        mask(p, n, key, done);
    return (double)total / 1e3 / (double)(ws__now_us() - began);
}

static void wide(uint8_t *p, size_t n, const uint8_t *key, size_t phase)
{
    ws__mask(p, n, key, phase);
}

static void scalar(uint8_t *p, size_t n, const uint8_t *key, size_t phase)
{
    ws__mask_scalar(p, n, key, phase);
}

int main(void)
{
    static const size_t sizes[] = { 20, 1024, 64 * 1024 };
    uint8_t *p = calloc(1, 64 * 1024);

    for (size_t i = 0; p && i < sizeof(sizes) / sizeof(*sizes); i++)
        printf("mask %6zu bytes: %6.2f GB/s, a byte at a time %5.2f GB/s\n",
               sizes[i], gigabytes(wide, p, sizes[i], TOTAL),
               gigabytes(scalar, p, sizes[i], TOTAL / 16));
    free(p);
    return 0;
}
