/* SPDX-License-Identifier: MIT */

#include "hub/prefix.h"

#include <string.h>

#include "base/alloc.h"

struct ws__prefix *ws__prefix_find(const struct ws__prefixes *all,
                                   const struct ws__hash_key *key,
                                   const char *name, size_t len)
{
    uint32_t hash = ws__hash_name(key, name, len);

    for (struct ws__link *l = ws__table_first(&all->table, hash); l;
         l = ws__table_next(l)) {
        struct ws__prefix *p = (struct ws__prefix *)l;
        if (p->len == len && memcmp(p->name, name, len) == 0)
            return p;
    }
    return NULL;
}

struct ws__prefix *ws__prefix_add(struct ws__prefixes *all,
                                  const struct ws__hash_key *key,
                                  const char *name)
{
    size_t len = strlen(name);
    struct ws__prefix *p = NULL;

    if (ws__table_reserve(&all->table) == 0)
        p = ws__zalloc(sizeof(*p) + len + 1);
    if (!p)
        return NULL;
    p->len = len;
    memcpy(p->name, name, len + 1);
    ws__table_add(&all->table, &p->link, ws__hash_name(key, name, len));
    all->of_length[len]++;
    return p;
}

void ws__prefix_remove(struct ws__prefixes *all, struct ws__prefix *p)
{
    ws__table_remove(&all->table, &p->link);
    all->of_length[p->len]--;
    ws_free(p);
}

bool ws__prefix_is_of(const struct ws__prefix *p, const char *topic)
{
    return strncmp(topic, p->name, p->len) == 0;
}

void ws__prefix_match(const struct ws__prefixes *all,
                      const struct ws__hash_key *key, const char *topic,
                      void (*fn)(struct ws__prefix *p, void *arg), void *arg)
{
    size_t len = all->table.n == 0 ? 0 : strlen(topic);

    for (size_t n = 1; n <= len; n++) {
        struct ws__prefix *p = NULL;
        if (all->of_length[n] > 0)
            p = ws__prefix_find(all, key, topic, n);
        if (p)
            fn(p, arg);
    }
}

void ws__prefixes_fini(struct ws__prefixes *all)
{
    ws__table_fini(&all->table);
}
