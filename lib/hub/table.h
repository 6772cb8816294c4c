/* SPDX-License-Identifier: MIT */

#ifndef WS_HUB_TABLE_H
#define WS_HUB_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Things by their hash.  Each has its link in it; what else makes two of them the
 * same is for the caller to compare.  Zeroed is empty; for one at a time.
 */
struct ws__link {
    struct ws__link *next;
    uint32_t hash;
    uint32_t spare; /* the thing's own, since there is room */
};

struct ws__table {
    struct ws__link **chains;
    uint32_t n;
    uint32_t size; /* chains: a power of two, or 0 */
};

/* Have room for one more: then the next ws__table_add cannot fail.  Returns 0 or
 * -ENOMEM. */
int ws__table_reserve(struct ws__table *t);
void ws__table_add(struct ws__table *t, struct ws__link *l, uint32_t hash);
void ws__table_remove(struct ws__table *t, struct ws__link *l);

/* Its memory, not the things in it. */
void ws__table_fini(struct ws__table *t);

/* The first link with this hash, and the next one behind it; or NULL. */
static inline struct ws__link *ws__table_match(struct ws__link *l,
                                               uint32_t hash)
{
    while (l && l->hash != hash)
        l = l->next;
    return l;
}

static inline struct ws__link *ws__table_first(const struct ws__table *t,
                                               uint32_t hash)
{
    return t->size == 0
               ? NULL
               : ws__table_match(t->chains[hash & (t->size - 1)], hash);
}

static inline struct ws__link *ws__table_next(const struct ws__link *l)
{
    return ws__table_match(l->next, l->hash);
}

/* Call fn for each, which may remove that one. */
void ws__table_each(struct ws__table *t,
                    void (*fn)(struct ws__link *l, void *arg), void *arg);

#endif
