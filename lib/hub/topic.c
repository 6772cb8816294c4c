/* SPDX-License-Identifier: MIT */

#include "hub/topic.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "hub/desk.h"
#include "hub/hub.h"
#include "io/random.h"

enum { SWEEP_MS = 1000 };

void ws__topics_init(struct ws__topics *all)
{
    for (int i = 0; i < WS__SHARDS; i++)
        pthread_mutex_init(&all->shards[i].lock, NULL);
    atomic_init(&all->due_at, ws_after(SWEEP_MS));
}

/* The table takes the lowest bits. */
static struct ws__shard *shard_for(ws_hub *h, uint32_t hash)
{
    return &h->topics.shards[(hash >> 24) % WS__SHARDS];
}

struct ws__topic_name ws__topic_name(ws_hub *h, const char *name)
{
    uint32_t hash = ws__hash_name(&h->key, name, strlen(name));

    return (struct ws__topic_name){ name, hash, shard_for(h, hash) };
}

struct ws__shard *ws__topic_shard(ws_hub *h, const struct ws__topic *t)
{
    return shard_for(h, t->link.hash);
}

/* ---- Their prefixes ----------------------------------------------------- */

/* Returns 0 or -ENOMEM. */
static int topic_begins_with(struct ws__topic *t, struct ws__prefix *p)
{
    uint32_t n = t->link.spare;
    void *prefixes = ws__realloc(t->prefixes, (n + 1) * sizeof(p));

    if (!prefixes)
        return -ENOMEM;
    t->prefixes = prefixes;
    t->prefixes[n] = p;
    t->link.spare = n + 1;
    return 0;
}

struct matching {
    struct ws__topic *topic;
    int error;
};

static void topic_matches(struct ws__prefix *p, void *arg)
{
    struct matching *m = arg;

    if (m->error == 0)
        m->error = topic_begins_with(m->topic, p);
}

/* ---- Topics ------------------------------------------------------------- */

static void topic_free(struct ws__topic *t)
{
    ws__history_free(&t->history);
    ws_free(t->prefixes);
    ws_free(t);
}

static int topic_begin(ws_hub *h, struct ws__topic *t)
{
    struct matching m = { .topic = t };

    if (!h->back)
        ws_event_set(&t->synced);
    t->quiet_since = ws_now();
    ws__prefix_match(&h->topics.prefixes, &h->key, t->name, topic_matches, &m);
    while (m.error == 0 && !h->back && t->place.epoch == 0)
        m.error = ws__random(&t->place.epoch, sizeof(t->place.epoch));
    return m.error;
}

static struct ws__topic *topic_new(ws_hub *h, const struct ws__topic_name *name)
{
    size_t n = strlen(name->name);
    struct ws__topic *t = NULL;

    if (ws__table_reserve(&name->shard->topics) == 0)
        t = ws__zalloc(sizeof(*t) + n + 1);
    if (!t)
        return NULL;
    memcpy(t->name, name->name, n + 1);
    if (topic_begin(h, t) != 0) {
        topic_free(t);
        return NULL;
    }
    ws__table_add(&name->shard->topics, &t->link, name->hash);
    atomic_fetch_add(&h->topics.n, 1);
    return t;
}

static void topic_remove(ws_hub *h, struct ws__topic *t)
{
    ws__table_remove(&ws__topic_shard(h, t)->topics, &t->link);
    atomic_fetch_sub(&h->topics.n, 1);
    topic_free(t);
}

/* Another process may have it none the less: what is kept of it there is
 * asked for when it is wanted again. */
static bool topic_is_over(const ws_hub *h, const struct ws__topic *t,
                          int64_t now)
{
    if (t->audience.users > 0)
        return false;
    return (h->back && t->link.spare == 0) ||
           now - t->quiet_since >= h->limits.ms;
}

struct ws__topic *ws__topic_find(const struct ws__topic_name *name)
{
    struct ws__link *l = ws__table_first(&name->shard->topics, name->hash);

    while (l && strcmp(((struct ws__topic *)l)->name, name->name) != 0)
        l = ws__table_next(l);
    return (struct ws__topic *)l;
}

struct ws__topic *ws__topic_get(ws_hub *h, const struct ws__topic_name *name)
{
    struct ws__topic *t = ws__topic_find(name);

    if (t && topic_is_over(h, t, ws_now())) {
        topic_remove(h, t);
        t = NULL;
    }
    return t ? t : topic_new(h, name);
}

int ws__topic_use(ws_hub *h, struct ws__topic *t)
{
    if (t->audience.users == 0 && h->back) {
        int r = h->back->ops->want(h->back, t->name);
        if (r != 0)
            return r;
    }
    t->audience.users++;
    return 0;
}

void ws__topic_let_go(ws_hub *h, struct ws__topic *t)
{
    if (--t->audience.users > 0)
        return;
    t->quiet_since = ws_now();
    if (h->back) {
        h->back->ops->unwant(h->back, t->name);
        if (t->link.spare == 0)
            ws_event_clear(&t->synced);
    }
    if (topic_is_over(h, t, t->quiet_since))
        topic_remove(h, t);
}

static void audience_put(const struct ws__audience *a,
                         struct ws__publication *p, struct ws__desk **due)
{
    for (struct ws__group *g = a->groups; g; g = g->next)
        ws__desk_put(g, p, due);
}

void ws__topic_put(const struct ws__topic *t, struct ws__publication *p,
                   struct ws__desk **due)
{
    audience_put(&t->audience, p, due);
    for (uint32_t i = 0; i < t->link.spare; i++)
        audience_put(&t->prefixes[i]->audience, p, due);
}

/* ---- Sweeping ----------------------------------------------------------- */

struct sweep {
    ws_hub *hub;
    int64_t now;
};

static void topic_sweep(struct ws__link *l, void *arg)
{
    const struct sweep *sweep = arg;
    struct ws__topic *t = (struct ws__topic *)l;

    if (topic_is_over(sweep->hub, t, sweep->now))
        topic_remove(sweep->hub, t);
    else
        ws__history_expire(t->history, &sweep->hub->limits, sweep->now);
}

static void shard_sweep(ws_hub *h, struct ws__shard *s)
{
    struct sweep sweep = { h, ws_now() };

    pthread_mutex_lock(&s->lock);
    ws__table_each(&s->topics, topic_sweep, &sweep);
    pthread_mutex_unlock(&s->lock);
}

void ws__topics_sweep(ws_hub *h)
{
    struct ws__topics *all = &h->topics;
    int64_t now = ws_now(), due = atomic_load(&all->due_at);

    if (now < due ||
        !atomic_compare_exchange_strong(&all->due_at, &due, now + SWEEP_MS))
        return;
    shard_sweep(h, &all->shards[atomic_fetch_add(&all->swept, 1) % WS__SHARDS]);
}

void ws__topics_sweep_all(ws_hub *h)
{
    for (int i = 0; i < WS__SHARDS; i++)
        shard_sweep(h, &h->topics.shards[i]);
}

static void topic_end(struct ws__link *l, void *arg)
{
    topic_remove(arg, (struct ws__topic *)l);
}

void ws__topics_fini(ws_hub *h)
{
    struct ws__topics *all = &h->topics;

    for (int i = 0; i < WS__SHARDS; i++) {
        ws__table_each(&all->shards[i].topics, topic_end, h);
        ws__table_fini(&all->shards[i].topics);
        pthread_mutex_destroy(&all->shards[i].lock);
    }
    ws__prefixes_fini(&all->prefixes);
}

/* ---- Prefixes ----------------------------------------------------------- */

void ws__topics_lock(struct ws__topics *all)
{
    for (int i = 0; i < WS__SHARDS; i++)
        pthread_mutex_lock(&all->shards[i].lock);
}

void ws__topics_unlock(struct ws__topics *all)
{
    for (int i = WS__SHARDS - 1; i >= 0; i--)
        pthread_mutex_unlock(&all->shards[i].lock);
}

struct change {
    struct ws__prefix *prefix;
    int error;
};

static void topic_gains(struct ws__link *l, void *arg)
{
    struct ws__topic *t = (struct ws__topic *)l;
    struct change *change = arg;

    if (change->error == 0 && ws__prefix_is_of(change->prefix, t->name))
        change->error = topic_begins_with(t, change->prefix);
}

static void topic_loses(struct ws__link *l, void *arg)
{
    struct ws__topic *t = (struct ws__topic *)l;
    const struct change *change = arg;
    uint32_t i = 0;

    while (i < t->link.spare && t->prefixes[i] != change->prefix)
        i++;
    if (i < t->link.spare)
        t->prefixes[i] = t->prefixes[--t->link.spare];
}

static void each_topic(struct ws__topics *all,
                       void (*fn)(struct ws__link *l, void *arg), void *arg)
{
    for (int i = 0; i < WS__SHARDS; i++)
        ws__table_each(&all->shards[i].topics, fn, arg);
}

int ws__topics_add_prefix(ws_hub *h, const char *name, struct ws__prefix **p)
{
    struct ws__prefixes *prefixes = &h->topics.prefixes;
    struct change change = { .prefix =
                                 ws__prefix_add(prefixes, &h->key, name) };

    if (!change.prefix)
        return -ENOMEM;
    each_topic(&h->topics, topic_gains, &change);
    if (change.error == 0 && h->back)
        change.error = h->back->ops->want_prefix(h->back, name);
    if (change.error == 0) {
        *p = change.prefix;
        return 0;
    }
    each_topic(&h->topics, topic_loses, &change);
    ws__prefix_remove(prefixes, change.prefix);
    return change.error;
}

void ws__topics_remove_prefix(ws_hub *h, struct ws__prefix *p)
{
    if (h->back)
        h->back->ops->unwant_prefix(h->back, p->name);
    each_topic(&h->topics, topic_loses, &(struct change){ .prefix = p });
    ws__prefix_remove(&h->topics.prefixes, p);
}
