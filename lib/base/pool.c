/* SPDX-License-Identifier: MIT */

#include "base/pool.h"

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

void *ws__pool_get_any(struct ws__pool *p)
{
    void *thing = NULL;

    pool_lock(p);
    if (p->count > 0)
        thing = p->spare[--p->count];
    pool_unlock(p);
    return thing ? thing : p->make(p->size);
}

void ws__pool_put_any(struct ws__pool *p, void *thing)
{
    pool_lock(p);
    if (p->count < WS__POOL_KEEP) {
        p->spare[p->count++] = thing;
        thing = NULL;
    }
    pool_unlock(p);
    if (thing)
        p->destroy(thing);
}

void ws__pool_fini(struct ws__pool *p)
{
    void *thing;

    do {
        thing = NULL;
        pool_lock(p);
        if (p->count > 0)
            thing = p->spare[--p->count];
        pool_unlock(p);
        if (thing)
            p->destroy(thing);
    } while (thing);
}
