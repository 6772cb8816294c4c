/* SPDX-License-Identifier: MIT */

#include "hub/table.h"

#include <errno.h>

#include "base/alloc.h"

enum { SIZE_MIN = 2, SIZE_LIMIT = 1 << 30 };

static struct ws__link **chain_for(struct ws__table *t, uint32_t hash)
{
    return &t->chains[hash & (t->size - 1)];
}

static void table_put(struct ws__table *t, struct ws__link *l)
{
    struct ws__link **chain = chain_for(t, l->hash);

    l->next = *chain;
    *chain = l;
}

static int table_grow(struct ws__table *t)
{
    uint32_t size = t->size == 0 ? SIZE_MIN : 2 * t->size;
    struct ws__table old = *t;
    struct ws__link **chains = ws__zalloc(size * sizeof(struct ws__link *));

    if (!chains)
        return -ENOMEM;
    t->chains = chains;
    t->size = size;
    for (uint32_t i = 0; i < old.size; i++)
        for (struct ws__link *l = old.chains[i], *next; l; l = next) {
            next = l->next;
            table_put(t, l);
        }
    ws_free(old.chains);
    return 0;
}

/* Chains that are longer than they should be are no failure. */
int ws__table_reserve(struct ws__table *t)
{
    if (t->n < t->size || t->size >= SIZE_LIMIT)
        return 0;
    int r = table_grow(t);
    return t->size > 0 ? 0 : r;
}

void ws__table_add(struct ws__table *t, struct ws__link *l, uint32_t hash)
{
    l->hash = hash;
    table_put(t, l);
    t->n++;
}

void ws__table_remove(struct ws__table *t, struct ws__link *l)
{
    struct ws__link **at = chain_for(t, l->hash);

    while (*at != l)
        at = &(*at)->next;
    *at = l->next;
    t->n--;
}

void ws__table_fini(struct ws__table *t)
{
    ws_free(t->chains);
    *t = (struct ws__table){ 0 };
}

void ws__table_each(struct ws__table *t,
                    void (*fn)(struct ws__link *l, void *arg), void *arg)
{
    for (uint32_t i = 0; i < t->size; i++)
        for (struct ws__link *l = t->chains[i], *next; l; l = next) {
            next = l->next;
            fn(l, arg);
        }
}
