/* SPDX-License-Identifier: MIT */

#ifndef WS_BASE_POOL_H
#define WS_BASE_POOL_H

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
    unsigned count;
};

void *ws__pool_get_any(struct ws__pool *p);
void ws__pool_put_any(struct ws__pool *p, void *thing);

/* A spare thing or a new one; NULL when there is no memory. */
static inline void *ws__pool_get(struct ws__pool *p)
{
    if (!p->lock && p->count > 0)
        return p->spare[--p->count];
    return ws__pool_get_any(p);
}

/* Keep a thing for the next one, or destroy it when there are enough. */
static inline void ws__pool_put(struct ws__pool *p, void *thing)
{
    if (!p->lock && p->count < WS__POOL_KEEP)
        p->spare[p->count++] = thing;
    else
        ws__pool_put_any(p, thing);
}

/* Destroy all spare things. */
void ws__pool_fini(struct ws__pool *p);

#endif
