/* SPDX-License-Identifier: MIT */

#ifndef WS_HUB_PUBLICATION_H
#define WS_HUB_PUBLICATION_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <silverback/hub.h>

/* What all subscribers get of one, shared by the history and by deliveries under
 * way.  Nothing of it changes but who holds it. */
struct ws__publication {
    atomic_uint holders;
    ws_prepared *prepared; /* NULL: nothing is delivered of it */
    int64_t at;            /* of ws_now: when it came */
    size_t size;           /* of its payload */
    bool cuts;             /* instead, its subscribers are cut */
    char key[];            /* "": none */
};

/* With one holder.  Takes prepared, unless there is no memory: then NULL. */
struct ws__publication *ws__publication_new(ws_prepared *prepared, size_t size,
                                            const char *key);

static inline struct ws__publication *ws__publication_hold(
    struct ws__publication *p)
{
    atomic_fetch_add_explicit(&p->holders, 1, memory_order_relaxed);
    return p;
}

void ws__publication_let_go(struct ws__publication *p);

#endif
