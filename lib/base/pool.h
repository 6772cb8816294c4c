/* SPDX-License-Identifier: MIT */

#ifndef WS_BASE_POOL_H
#define WS_BASE_POOL_H

#include <stdatomic.h>
#include <stddef.h>

#define WS__POOL_KEEP 16

/*
 * A stack of spare things of one kind: the last one put is the next one got,
 * since it is still in the cache.  A pool shared by threads has lock and unlock
 * set; a worker's own leaves them NULL.
 */
struct ws__pool {
    void *(*make)(size_t size);
    void (*destroy)(void *thing);
    size_t size; /* handed to make */
    void (*lock)(void *mutex);
    void (*unlock)(void *mutex);
    void *mutex;
    void *spare[WS__POOL_KEEP];

    /* Others may look at these at any time. */
    _Atomic unsigned count; /* of the spare ones */
    _Atomic long made;      /* and not destroyed */
};

static inline unsigned ws__pool_count(const struct ws__pool *p)
{
    return atomic_load_explicit(&p->count, memory_order_relaxed);
}

static inline void ws__pool_set_count(struct ws__pool *p, unsigned n)
{
    atomic_store_explicit(&p->count, n, memory_order_relaxed);
}

/* How many more things it has given out than taken back: what one pool gives
 * out another may take, so only the sum over all of a kind says something. */
static inline long ws__pool_lent(const struct ws__pool *p)
{
    return atomic_load_explicit(&p->made, memory_order_relaxed) -
           (long)ws__pool_count(p);
}

void *ws__pool_get_any(struct ws__pool *p);
void ws__pool_put_any(struct ws__pool *p, void *thing);

/* A spare thing or a new one; NULL when there is no memory. */
static inline void *ws__pool_get(struct ws__pool *p)
{
    unsigned n = ws__pool_count(p);

    if (p->lock || n == 0)
        return ws__pool_get_any(p);
    ws__pool_set_count(p, n - 1);
    return p->spare[n - 1];
}

/* Keep a thing for the next one, or destroy it when there are enough. */
static inline void ws__pool_put(struct ws__pool *p, void *thing)
{
    unsigned n = ws__pool_count(p);

    if (p->lock || n == WS__POOL_KEEP) {
        ws__pool_put_any(p, thing);
        return;
    }
    p->spare[n] = thing;
    ws__pool_set_count(p, n + 1);
}

/* Destroy all spare things. */
void ws__pool_fini(struct ws__pool *p);

#endif
