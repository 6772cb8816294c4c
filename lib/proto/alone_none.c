/* SPDX-License-Identifier: MIT */

/* Built without ISA-L: nothing is made, so nothing is asked. */

#include "proto/alone.h"

void *ws__alone_make(size_t bits)
{
    (void)bits;
    return NULL;
}

void ws__alone_destroy(void *alone)
{
    (void)alone;
}

size_t ws__alone_bound(size_t n)
{
    return n;
}

size_t ws__alone_deflate(void *alone, const uint8_t *p, size_t n, uint8_t *out,
                         size_t cap)
{
    (void)alone, (void)p, (void)n, (void)out, (void)cap;
    return 0;
}
