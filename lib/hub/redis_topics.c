/* SPDX-License-Identifier: MIT */

#include "hub/redis_topics.h"

#include <string.h>

#include "base/alloc.h"

int ws__redis_topics_init(struct ws__redis_topics *all, struct ws__str prefix)
{
    *all = (struct ws__redis_topics){ .prefix = prefix };
    pthread_mutex_init(&all->lock, NULL);
    return ws__hash_key_init(&all->key);
}

static void topics_free_one(struct ws__link *l, void *arg)
{
    ws__redis_topics_remove(arg, (struct ws__redis_topic *)l);
}

void ws__redis_topics_fini(struct ws__redis_topics *all)
{
    ws__table_each(&all->table, topics_free_one, all);
    ws__table_fini(&all->table);
    pthread_mutex_destroy(&all->lock);
}

static struct ws__redis_topic *topics_find(struct ws__redis_topics *all,
                                           struct ws__str name, uint32_t hash)
{
    struct ws__link *l = ws__table_first(&all->table, hash);

    for (; l; l = ws__table_next(l)) {
        struct ws__redis_topic *t = (struct ws__redis_topic *)l;

        if (ws__str_is(name, t->name))
            return t;
    }
    return NULL;
}

struct ws__redis_topic *ws__redis_topics_find(struct ws__redis_topics *all,
                                              const char *name)
{
    struct ws__str s = ws__str(name);

    return topics_find(all, s, ws__hash_name(&all->key, s.p, s.n));
}

static struct ws__redis_topic *topics_new(const struct ws__redis_topics *all,
                                          struct ws__str name)
{
    struct ws__redis_topic *t = ws__zalloc(sizeof(*t) + name.n + 1);

    if (!t)
        return NULL;
    memcpy(t->name, name.p, name.n);
    t->names = ws__redis_names_new(all->prefix, name);
    if (t->names)
        return t;
    ws_free(t);
    return NULL;
}

struct ws__redis_topic *ws__redis_topics_get(struct ws__redis_topics *all,
                                             const char *name)
{
    struct ws__str s = ws__str(name);
    uint32_t hash = ws__hash_name(&all->key, s.p, s.n);
    struct ws__redis_topic *t = topics_find(all, s, hash);

    if (t || ws__table_reserve(&all->table) != 0)
        return t;
    t = topics_new(all, s);
    if (t)
        ws__table_add(&all->table, &t->link, hash);
    return t;
}

struct ws__redis_topic *ws__redis_topics_of(struct ws__redis_topics *all,
                                            struct ws__str channel)
{
    char name[2 + 3 * WS__NAME_MAX];
    size_t n = 0;

    if (channel.n <= all->prefix.n + sizeof(name))
        n = ws__redis_topic_of(all->prefix, channel, name);
    return n > 0 && n <= WS__NAME_MAX
               ? topics_find(all, (struct ws__str){ name, n },
                             ws__hash_name(&all->key, name, n))
               : NULL;
}

void ws__redis_topics_remove(struct ws__redis_topics *all,
                             struct ws__redis_topic *t)
{
    ws__table_remove(&all->table, &t->link);
    ws_free(t->names);
    ws_free(t);
}

void ws__redis_topics_put(struct ws__redis_topics *all,
                          enum ws__redis_list list, struct ws__redis_topic *t)
{
    if (t->queued[list])
        return;
    t->queued[list] = true;
    t->next[list] = NULL;
    *(all->list[list].first ? all->list[list].end : &all->list[list].first) = t;
    all->list[list].end = &t->next[list];
}

struct ws__redis_topic *ws__redis_topics_take(struct ws__redis_topics *all,
                                              enum ws__redis_list list)
{
    struct ws__redis_topic *t = all->list[list].first;

    if (t) {
        all->list[list].first = t->next[list];
        t->queued[list] = false;
    }
    return t;
}
