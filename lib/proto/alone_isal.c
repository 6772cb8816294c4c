/* SPDX-License-Identifier: MIT */

#include <isa-l/igzip_lib.h>

#include "base/alloc.h"
#include "proto/alone.h"

enum {
    LEVEL = 1,

    /* Less makes messages of 16 KiB slower by a third, and those that cannot be
     * compressed by far more; more gains little. */
    LEVEL_BUFFER = ISAL_DEF_LVL1_SMALL,

    TAIL = 4, /* 00 00 ff ff */
};

struct alone {
    struct isal_zstream z;
    uint8_t level_buffer[LEVEL_BUFFER];
};

void *ws__alone_make(size_t bits)
{
    struct alone *a = ws__zalloc(sizeof(*a));

    if (!a)
        return NULL;
    isal_deflate_init(&a->z);
    a->z.level = LEVEL;
    a->z.level_buf = a->level_buffer;
    a->z.level_buf_size = LEVEL_BUFFER;
    a->z.hist_bits = (uint16_t)bits;
    return a;
}

void ws__alone_destroy(void *alone)
{
    ws_free(alone);
}

/* Stored blocks are the worst; and with less than 328 bytes of room for the
 * head of a block (ISAL_DEF_MAX_HDR_SIZE) it goes the long way round. */
size_t ws__alone_bound(size_t n)
{
    return n + n / 1024 + 512;
}

/* A full flush ends as a sync flush does; ISA-L then knows that nothing will be
 * looked back at, and clears and copies less. */
size_t ws__alone_deflate(void *alone, const uint8_t *p, size_t n, uint8_t *out,
                         size_t cap)
{
    struct alone *a = alone;
    struct isal_zstream *z = &a->z;

    isal_deflate_reset(z);
    z->flush = FULL_FLUSH;
    z->next_in = (uint8_t *)p;
    z->avail_in = (uint32_t)n;
    z->next_out = out;
    z->avail_out = cap < UINT32_MAX ? (uint32_t)cap : UINT32_MAX;
    if (isal_deflate(z) != COMP_OK || z->avail_in > 0 ||
        z->internal_state.state != ZSTATE_NEW_HDR)
        return 0;
    return z->total_out - TAIL;
}
