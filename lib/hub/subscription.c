/* SPDX-License-Identifier: MIT */

#include "hub/subscription.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "conn/batch.h"
#include "hub/hub.h"
#include "hub/presence.h"

/* ---- Which one ---------------------------------------------------------- */

static const void *joined_by(const struct ws__subscription *s)
{
    const struct ws__group *g = s->group;

    return g->topic ? (const void *)g->topic : (const void *)g->prefix;
}

/* of: a topic or a prefix, which live as long as the subscription. */
static struct ws__subscription *subscription_find(struct ws__subscriber *s,
                                                  const void *of)
{
    uint32_t hash = ws__hash_pointer(&s->hub->key, of);
    struct ws__link *l = ws__table_first(&s->subscriptions, hash);

    while (l && joined_by((struct ws__subscription *)l) != of)
        l = ws__table_next(l);
    return (struct ws__subscription *)l;
}

/* ---- Beginning ---------------------------------------------------------- */

/* What it takes, made before anything is changed. */
struct parts {
    struct ws__subscription *subscription;
    struct ws__group *group;
    bool group_is_new;
    struct ws__batch replay;
};

static struct ws__group *group_for(const struct ws__audience *a,
                                   struct ws__desk *d, struct parts *parts)
{
    struct ws__group *g = ws__audience_group(a, d);

    if (g)
        return g;
    g = ws__zalloc(sizeof(*g));
    parts->group_is_new = g != NULL;
    if (g)
        g->desk = d;
    return g;
}

static int fill_replay(struct ws__enter *e, struct parts *parts)
{
    struct ws__publication *next[WS__REPLAY_AT_ONCE];
    size_t n = ws__replay_next(&e->replay, e->topic, next, WS__REPLAY_AT_ONCE);
    int r = 0;

    for (size_t i = 0; i < n; i++) {
        if (r == 0 && next[i]->prepared)
            r = ws__batch_add(&parts->replay, next[i]->prepared, NULL);
        ws__publication_let_go(next[i]);
    }
    return r;
}

/* Who it is, if it has said so. */
static int member_make(const struct ws__enter *e, struct ws__member **m)
{
    *m = NULL;
    if (!e->how->member)
        return 0;
    *m = ws__member_add(e->subscriber->hub, e->topic, e->how->member);
    return *m ? 0 : -ENOMEM;
}

static int parts_make(struct ws__enter *e, const struct ws__audience *a,
                      struct parts *parts)
{
    struct ws__subscriber *s = e->subscriber;

    parts->group = group_for(a, s->desk, parts);
    parts->subscription = ws__zalloc(sizeof(*parts->subscription));
    if (!parts->group || !parts->subscription ||
        ws__table_reserve(&s->subscriptions) != 0 ||
        ws__group_reserve(parts->group) != 0)
        return -ENOMEM;
    if (!e->topic)
        return 0;
    int r = member_make(e, &parts->subscription->member);
    return r == 0 ? fill_replay(e, parts) : r;
}

static void parts_fini(struct ws__enter *e, struct parts *parts)
{
    struct ws__subscription *s = parts->subscription;

    if (s && s->member)
        ws__member_remove(e->topic, s->member);
    ws_free(s);
    if (parts->group_is_new)
        ws__group_free(parts->group);
    ws__batch_clear(&parts->replay);
}

/* What is published from here on has the desk's next number, or a higher one. */
static void parts_join(struct ws__enter *e, struct ws__audience *a,
                       struct ws__prefix *prefix, struct parts *parts)
{
    struct ws__subscriber *s = e->subscriber;
    struct ws__subscription *made = parts->subscription;
    const void *of = e->topic ? (const void *)e->topic : (const void *)prefix;

    if (parts->group_is_new) {
        parts->group->topic = e->topic;
        parts->group->prefix = prefix;
        ws__audience_add(a, parts->group);
    }
    made->subscriber = s;
    made->latest = e->how->latest;
    made->from = ws__desk_next_number(s->desk);
    ws__group_add(parts->group, made);
    ws__table_add(&s->subscriptions, &made->link,
                  ws__hash_pointer(&s->hub->key, of));
    a->subscriptions++;
    a->users++;
    atomic_fetch_add(&s->hub->subscriptions, 1);
    if (s->subscriptions.n == 1)
        atomic_fetch_add(&s->hub->joined, 1);
}

/* Nothing of it is lost if the connection has ended: then it knows by its hook. */
static void send_replay(struct ws__enter *e, struct parts *parts)
{
    if (parts->replay.n > 0)
        e->error = ws__batch_send(&parts->replay, 0, e->subscriber->c);
    ws__batch_clear(&parts->replay);
}

/* One more of its kind.  With the lock of the shard, or of all. */
static int begin_new(struct ws__enter *e, struct ws__audience *a,
                     struct ws__prefix *prefix, struct parts *parts)
{
    int r = parts_make(e, a, parts);

    if (r == 0)
        parts_join(e, a, prefix, parts);
    else
        parts_fini(e, parts);
    return r;
}

static void tell_presence(ws_hub *h, const struct ws__topic *t)
{
    if (h->back)
        h->back->ops->present(h->back, t->name);
}

/* It is there already. */
static int change_subscription(struct ws__enter *e, struct ws__subscription *s)
{
    struct ws__member *m;

    s->latest = e->how->latest;
    if (!e->topic)
        return 0;
    int r = member_make(e, &m);
    if (r != 0)
        return r;
    if (s->member)
        ws__member_remove(e->topic, s->member);
    s->member = m;
    tell_presence(e->subscriber->hub, e->topic);
    return 0;
}

static bool too_much(struct ws__enter *e)
{
    size_t bytes;

    ws__replay_look(&e->replay, e->topic);
    size_t n = ws__replay_missing(&e->replay, e->topic, &bytes);
    return n > WS__REPLAY_AT_ONCE || bytes > e->replay_bytes;
}

/* With the lock of its shard. */
static int begin_topic(struct ws__enter *e, struct parts *parts)
{
    struct ws__topic *t = e->topic;
    struct ws__subscription *s = subscription_find(e->subscriber, t);

    e->place = t->place;
    if (s) {
        e->replay.whole = true;
        return change_subscription(e, s);
    }
    e->more = too_much(e);
    if (e->more)
        return 0;
    int r = begin_new(e, &t->audience, NULL, parts);
    if (r == 0)
        tell_presence(e->subscriber->hub, t);
    return r;
}

/* With the locks of all shards. */
static int begin_prefix(struct ws__enter *e, struct parts *parts)
{
    ws_hub *h = e->subscriber->hub;
    struct ws__prefix *p =
        ws__prefix_find(&h->topics.prefixes, &h->key, e->name, strlen(e->name));
    struct ws__subscription *s = p ? subscription_find(e->subscriber, p) : NULL;

    if (s)
        return change_subscription(e, s);
    int r = p ? 0 : ws__topics_add_prefix(h, e->name, &p);
    if (r != 0)
        return r;
    r = begin_new(e, &p->audience, p, parts);
    if (p->audience.users == 0)
        ws__topics_remove_prefix(h, p);
    return r;
}

void ws__subscription_begin(void *arg)
{
    struct ws__enter *e = arg;
    ws_hub *h = e->subscriber->hub;
    struct parts parts = { 0 };

    if (e->subscriber->ended) {
        e->error = WS_ERR_CANCELED;
        return;
    }
    if (e->topic) {
        struct ws__shard *shard = ws__topic_shard(h, e->topic);
        pthread_mutex_lock(&shard->lock);
        e->error = begin_topic(e, &parts);
        pthread_mutex_unlock(&shard->lock);
    } else {
        ws__topics_lock(&h->topics);
        e->error = begin_prefix(e, &parts);
        ws__topics_unlock(&h->topics);
    }
    if (e->error == 0)
        send_replay(e, &parts);
}

/* ---- Ending ------------------------------------------------------------- */

/* Under the lock of the shard, or of all. */
static void subscription_leave(struct ws__audience *a,
                               struct ws__subscription *s)
{
    struct ws__group *g = s->group;

    ws__group_remove(s);
    a->subscriptions--;
    if (g->n == 0) {
        ws__audience_remove(a, g);
        ws__desk_bury(g);
    }
    atomic_fetch_sub(&s->subscriber->hub->subscriptions, 1);
}

static void end_topic(ws_hub *h, struct ws__subscription *s)
{
    struct ws__topic *t = s->group->topic;
    struct ws__shard *shard = ws__topic_shard(h, t);

    pthread_mutex_lock(&shard->lock);
    if (s->member)
        ws__member_remove(t, s->member);
    subscription_leave(&t->audience, s);
    tell_presence(h, t);
    ws__topic_let_go(h, t);
    pthread_mutex_unlock(&shard->lock);
}

static void end_prefix(ws_hub *h, struct ws__subscription *s)
{
    struct ws__prefix *p = s->group->prefix;

    ws__topics_lock(&h->topics);
    subscription_leave(&p->audience, s);
    if (--p->audience.users == 0)
        ws__topics_remove_prefix(h, p);
    ws__topics_unlock(&h->topics);
}

static void subscription_end(struct ws__link *l, void *subscriber)
{
    struct ws__subscriber *of = subscriber;
    struct ws__subscription *s = (struct ws__subscription *)l;

    ws__table_remove(&of->subscriptions, l);
    if (of->subscriptions.n == 0)
        atomic_fetch_sub(&of->hub->joined, 1);
    if (s->group->topic)
        end_topic(of->hub, s);
    else
        end_prefix(of->hub, s);
    ws_free(s);
}

void ws__subscriptions_end(struct ws__subscriber *s)
{
    ws__table_each(&s->subscriptions, subscription_end, s);
}

/* What it is called may be gone as soon as the lock is, unless s has joined it;
 * and then it stays until this ends it. */
static const void *what_is_called(ws_hub *h, const struct ws__leave *l)
{
    struct ws__topic_name name = ws__topic_name(h, l->name);
    const void *of;

    pthread_mutex_lock(&name.shard->lock);
    if (l->prefix)
        of = ws__prefix_find(&h->topics.prefixes, &h->key, l->name,
                             strlen(l->name));
    else
        of = ws__topic_find(&name);
    pthread_mutex_unlock(&name.shard->lock);
    return of;
}

void ws__subscription_end(void *arg)
{
    struct ws__leave *l = arg;
    const void *of = what_is_called(l->subscriber->hub, l);
    struct ws__subscription *s =
        of ? subscription_find(l->subscriber, of) : NULL;

    if (s)
        subscription_end(&s->link, l->subscriber);
}
