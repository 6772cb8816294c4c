/* SPDX-License-Identifier: MIT */

#include "hub/publication.h"

#include <string.h>

#include "base/alloc.h"

struct ws__publication *ws__publication_new(ws_prepared *prepared, size_t size,
                                            const char *key)
{
    size_t n = key ? strlen(key) : 0;
    struct ws__publication *p = ws__alloc(sizeof(*p) + n + 1);

    if (!p)
        return NULL;
    *p = (struct ws__publication){ .prepared = prepared,
                                   .at = ws_now(),
                                   .size = size };
    atomic_init(&p->holders, 1);
    memcpy(p->key, key ? key : "", n + 1);
    return p;
}

void ws__publication_let_go(struct ws__publication *p)
{
    if (!p ||
        atomic_fetch_sub_explicit(&p->holders, 1, memory_order_acq_rel) != 1)
        return;
    ws_prepared_free(p->prepared);
    ws_free(p);
}
