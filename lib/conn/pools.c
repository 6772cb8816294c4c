/* SPDX-License-Identifier: MIT */

#include "conn/pools.h"

#include <silverback/fiber.h>

#include "base/alloc.h"
#include "conn/inbox.h"
#include "conn/sendbuf.h"
#include "fiber/sched.h"
#include "proto/deflate.h"
#include "proto/inflate.h"

static void pools_lock(void *mutex)
{
    ws_mutex_lock(mutex);
}

static void pools_unlock(void *mutex)
{
    ws_mutex_unlock(mutex);
}

/* With the buffer that it may have kept. */
static void destroy_inbox(void *thing)
{
    ws_free(((struct ws__inbox *)thing)->in.begin);
    ws_free(thing);
}

static void destroy_sendbuf(void *thing)
{
    ws_free(((struct ws__sendbuf *)thing)->buf.begin);
    ws_free(thing);
}

static ws_mutex locks[6];

#define SHARED(i) .lock = pools_lock, .unlock = pools_unlock, .mutex = &locks[i]
#define DEFLATE(bits)                                                          \
    {                                                                          \
        .make = ws__deflate_make, .destroy = ws__deflate_destroy,              \
        .size = (bits), SHARED(3)                                              \
    }

static struct ws__pools shared = {
    .inbox = { .make = ws__zalloc,
               .destroy = destroy_inbox,
               .size = sizeof(struct ws__inbox),
               SHARED(4) },
    .sendbuf = { .make = ws__zalloc,
                 .destroy = destroy_sendbuf,
                 .size = sizeof(struct ws__sendbuf),
                 SHARED(5) },
    .large = { .make = ws__alloc,
               .destroy = ws_free,
               .size = WS__READ_BUFFER,
               SHARED(0) },
    .small = { .make = ws__alloc,
               .destroy = ws_free,
               .size = WS__WRITE_BUFFER + WS__WRITE_RESERVE,
               SHARED(1) },
    .inflate = { .make = ws__inflate_make,
                 .destroy = ws__inflate_destroy,
                 SHARED(2) },
    .deflate = { DEFLATE(9), DEFLATE(10), DEFLATE(11), DEFLATE(12), DEFLATE(13),
                 DEFLATE(14), DEFLATE(15) },
};

static struct ws__pool pool_like(const struct ws__pool *like)
{
    return (struct ws__pool){ .make = like->make,
                              .destroy = like->destroy,
                              .size = like->size };
}

static void pools_empty(struct ws__pools *p)
{
    ws__pool_fini(&p->inbox);
    ws__pool_fini(&p->sendbuf);
    ws__pool_fini(&p->large);
    ws__pool_fini(&p->small);
    ws__pool_fini(&p->inflate);
    for (int i = 0; i < WS__WINDOWS; i++)
        ws__pool_fini(&p->deflate[i]);
}

/* What pools that are gone gave out, and did not take back. */
static atomic_long lent_by_others;

static long buffers_lent(const struct ws__pools *p)
{
    return ws__pool_lent(&p->inbox) + ws__pool_lent(&p->sendbuf);
}

static void add_lent(const struct ws__stats *s, void *sum)
{
    *(long *)sum += buffers_lent(
        (const struct ws__pools *)((const char *)s -
                                   offsetof(struct ws__pools, stats)));
}

size_t ws__pools_lent(void)
{
    long n = atomic_load(&lent_by_others) + buffers_lent(&shared);

    ws__stats_each_worker(add_lent, &n);
    return n > 0 ? (size_t)n : 0; /* one that changed hands meanwhile */
}

static void pools_free(void *pools)
{
    struct ws__pools *p = pools;

    pools_empty(p);
    ws__stats_remove(&p->stats);
    atomic_fetch_add(&lent_by_others, buffers_lent(p));
    ws_free(p);
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
    p->inbox = pool_like(&shared.inbox);
    p->sendbuf = pool_like(&shared.sendbuf);
    p->large = pool_like(&shared.large);
    p->small = pool_like(&shared.small);
    p->inflate = pool_like(&shared.inflate);
    for (int i = 0; i < WS__WINDOWS; i++)
        p->deflate[i] = pool_like(&shared.deflate[i]);
    ws__stats_add(&p->stats);
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
