/* SPDX-License-Identifier: MIT */

#include "base/pool.h"

#include <stdbool.h>

static void pool_lock(struct ws__pool *p)
{
    if (p->lock)
        p->lock(p->mutex);
}

static void pool_unlock(struct ws__pool *p)
{
    if (p->unlock)
        p->unlock(p->mutex);
}

/* NULL when there is none. */
static void *take_spare(struct ws__pool *p)
{
    void *thing = NULL;

    pool_lock(p);
    unsigned n = ws__pool_count(p);
    if (n > 0) {
        thing = p->spare[n - 1];
        ws__pool_set_count(p, n - 1);
    }
    pool_unlock(p);
    return thing;
}

/* Returns false when there are enough. */
static bool keep_spare(struct ws__pool *p, void *thing)
{
    pool_lock(p);
    unsigned n = ws__pool_count(p);
    bool kept = n < WS__POOL_KEEP;
    if (kept) {
        p->spare[n] = thing;
        ws__pool_set_count(p, n + 1);
    }
    pool_unlock(p);
    return kept;
}

static void count_made(struct ws__pool *p, long n)
{
    atomic_fetch_add_explicit(&p->made, n, memory_order_relaxed);
}

void *ws__pool_get_any(struct ws__pool *p)
{
    void *thing = take_spare(p);

    if (thing)
        return thing;
    thing = p->make(p->size);
    count_made(p, thing ? 1 : 0);
    return thing;
}

static void pool_destroy(struct ws__pool *p, void *thing)
{
    count_made(p, -1);
    p->destroy(thing);
}

void ws__pool_put_any(struct ws__pool *p, void *thing)
{
    if (!keep_spare(p, thing))
        pool_destroy(p, thing);
}

void ws__pool_fini(struct ws__pool *p)
{
    for (void *thing; (thing = take_spare(p)) != NULL;)
        pool_destroy(p, thing);
}
