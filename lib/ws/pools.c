/* SPDX-License-Identifier: MIT */

#include "ws/pools.h"

#include <silverback/fiber.h>

#include "base/alloc.h"
#include "proto/deflate.h"
#include "proto/inflate.h"

static void lock(void *mutex)
{
    ws_mutex_lock(mutex);
}

static void unlock(void *mutex)
{
    ws_mutex_unlock(mutex);
}

static ws_mutex locks[4];

#define SHARED(i) .lock = lock, .unlock = unlock, .mutex = &locks[i]
#define DEFLATE(bits)                                                          \
    {                                                                          \
        .make = ws__deflate_make, .destroy = ws__deflate_destroy,              \
        .size = (bits), SHARED(3)                                              \
    }

static struct ws__pools shared = {
    .read = { .make = ws__alloc,
              .destroy = ws_free,
              .size = WS__READ_BUFFER,
              SHARED(0) },
    .write = { .make = ws__alloc,
               .destroy = ws_free,
               .size = WS__WRITE_BUFFER + WS__WRITE_RESERVE,
               SHARED(1) },
    .inflate = { .make = ws__inflate_make,
                 .destroy = ws__inflate_destroy,
                 SHARED(2) },
    .deflate = { DEFLATE(9), DEFLATE(10), DEFLATE(11), DEFLATE(12), DEFLATE(13),
                 DEFLATE(14), DEFLATE(15) },
};

struct ws__pools *ws__pools_here(void)
{
    return &shared;
}

struct ws__pool *ws__deflate_pool(struct ws__pools *p, int bits)
{
    return &p->deflate[bits - WS__WINDOW_BITS_MIN];
}
