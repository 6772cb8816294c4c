/* SPDX-License-Identifier: MIT */

/* Built without libdeflate: nothing is made, so nothing is asked. */

#include "proto/whole.h"

void *ws__whole_inflate_make(void)
{
    return NULL;
}

void ws__whole_inflate_destroy(void *inflate)
{
    (void)inflate;
}

bool ws__whole_inflate(void *inflate, uint8_t *p, size_t n, uint8_t *out,
                       size_t cap, size_t *made)
{
    (void)inflate, (void)p, (void)n, (void)out, (void)cap, (void)made;
    return false;
}
