/* SPDX-License-Identifier: MIT */

#include "conn/pools.h"

#include <silverback/fiber.h>

#include "base/alloc.h"
#include "conn/conn.h"
#include "fiber/sched.h"
#include "proto/deflate.h"
#include "proto/http_parse.h"
#include "proto/inflate.h"

static void lock(void *mutex)
{
    ws_mutex_lock(mutex);
}

static void unlock(void *mutex)
{
    ws_mutex_unlock(mutex);
}

/* With the buffer that it may have kept. */
static void destroy_reading(void *thing)
{
    ws_free(((struct ws__reading *)thing)->in.begin);
    ws_free(thing);
}

static void destroy_outgoing(void *thing)
{
    ws_free(((struct ws__outgoing *)thing)->buf.begin);
    ws_free(thing);
}

static ws_mutex locks[7];

#define SHARED(i) .lock = lock, .unlock = unlock, .mutex = &locks[i]
#define DEFLATE(bits)                                                          \
    {                                                                          \
        .make = ws__deflate_make, .destroy = ws__deflate_destroy,              \
        .size = (bits), SHARED(3)                                              \
    }

static struct ws__pools shared = {
    .reading = { .make = ws__zalloc,
                 .destroy = destroy_reading,
                 .size = sizeof(struct ws__reading),
                 SHARED(4) },
    .outgoing = { .make = ws__zalloc,
                  .destroy = destroy_outgoing,
                  .size = sizeof(struct ws__outgoing),
                  SHARED(5) },
    .head = { .make = ws__alloc,
              .destroy = ws_free,
              .size = sizeof(struct ws__http_head),
              SHARED(6) },
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

static struct ws__pool own(const struct ws__pool *like)
{
    return (struct ws__pool){ .make = like->make,
                              .destroy = like->destroy,
                              .size = like->size };
}

static void pools_empty(struct ws__pools *p)
{
    ws__pool_fini(&p->reading);
    ws__pool_fini(&p->outgoing);
    ws__pool_fini(&p->head);
    ws__pool_fini(&p->read);
    ws__pool_fini(&p->write);
    ws__pool_fini(&p->inflate);
    for (int i = 0; i < WS__WINDOWS; i++)
        ws__pool_fini(&p->deflate[i]);
}

static void pools_free(void *pools)
{
    pools_empty(pools);
    ws_free(pools);
}

void ws__pools_cleanup(void)
{
    pools_empty(&shared);
}

/* What they give out may be put back into others of the same kind. */
static struct ws__pools *pools_new(void)
{
    struct ws__pools *p = ws__alloc(sizeof(*p));

    if (!p)
        return &shared;
    p->reading = own(&shared.reading);
    p->outgoing = own(&shared.outgoing);
    p->head = own(&shared.head);
    p->read = own(&shared.read);
    p->write = own(&shared.write);
    p->inflate = own(&shared.inflate);
    for (int i = 0; i < WS__WINDOWS; i++)
        p->deflate[i] = own(&shared.deflate[i]);
    ws__worker_set_local(p, pools_free);
    return p;
}

struct ws__pools *ws__pools_find(void)
{
    return ws__in_fiber() ? pools_new() : &shared;
}

struct ws__pool *ws__deflate_pool(struct ws__pools *p, int bits)
{
    return &p->deflate[bits - WS__WINDOW_BITS_MIN];
}
