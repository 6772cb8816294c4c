/* SPDX-License-Identifier: MIT */

/* Joining and leaving. */

#include <errno.h>

#include "hub/callback.h"
#include "hub/hub.h"
#include "hub/name.h"
#include "hub/subscription.h"

/* A call of ws_hub_join. */
struct joining {
    ws_hub *hub;
    ws_conn *c;
    struct ws__topic_name name;
    struct ws__enter enter;
};

/* ---- What was missed ---------------------------------------------------- */

/* More than may wait in a queue is written here, so that it is the caller who
 * waits for the subscriber. */
static int write_next(struct joining *j)
{
    struct ws__publication *next[WS__TOGETHER];
    struct ws__enter *e = &j->enter;
    int r = 0;

    pthread_mutex_lock(&j->name.shard->lock);
    ws__replay_look(&e->replay, e->topic);
    size_t n = ws__replay_next(&e->replay, e->topic, next, WS__TOGETHER);
    pthread_mutex_unlock(&j->name.shard->lock);
    for (size_t i = 0; i < n; i++) {
        if (r == 0 && next[i]->prepared)
            r = ws_write_prepared(j->c, next[i]->prepared);
        ws__publication_let_go(next[i]);
    }
    return r;
}

/* One of those that lie before the history here. */
static int write_older(const ws_publication *p, void *joining)
{
    struct joining *j = joining;
    ws_prepared *prepared;
    int r = ws__callback_frame(&j->hub->o, p, &prepared);

    if (r == 0 && prepared) {
        r = ws_write_prepared(j->c, prepared);
        ws_prepared_free(prepared);
        j->enter.replay.sent += r == 0;
    }
    j->enter.replay.since = p->place;
    return r;
}

/* What the history here does not have any more, the backplane may.  Once: what
 * is missing after that was lost meanwhile. */
static int write_range(struct joining *j)
{
    ws_hub *h = j->hub;
    struct ws__replay *r = &j->enter.replay;
    const ws_place since = r->since;
    bool whole = true;

    pthread_mutex_lock(&j->name.shard->lock);
    uint64_t before = ws__replay_lacks(r, j->enter.topic);
    const ws_place last = { j->enter.topic->place.epoch, before - 1 };
    pthread_mutex_unlock(&j->name.shard->lock);
    if (before == 0)
        return 0;
    int error = h->back->ops->range(h->back, j->name.name, &since, before,
                                    ws_after(h->o.publish_timeout_ms),
                                    write_older, j, &whole);
    if (error == 0 && (whole || since.epoch == 0))
        r->since = last;
    r->whole = r->whole && whole;
    if (!whole && since.epoch != 0)
        r->asked = false;
    return error;
}

static int begin(struct joining *j)
{
    struct ws__enter *e = &j->enter;
    int r = 0;

    if (j->hub->back && e->topic && e->replay.asked)
        r = write_range(j);
    while (r == 0) {
        ws__desk_call(e->subscriber->desk, ws__subscription_begin, e);
        if (e->error != 0 || !e->more)
            return e->error;
        r = write_next(j);
    }
    return r;
}

/* ---- The topic ---------------------------------------------------------- */

static int topic_use(struct joining *j)
{
    struct ws__shard *shard = j->name.shard;
    int r = -ENOMEM;

    pthread_mutex_lock(&shard->lock);
    struct ws__topic *t = ws__topic_get(j->hub, &j->name);
    if (t)
        r = ws__topic_use(j->hub, t);
    if (t && r == 0)
        ws__history_expire(t->history, &j->hub->limits, ws_now());
    pthread_mutex_unlock(&shard->lock);
    j->enter.topic = r == 0 ? t : NULL;
    return r;
}

static void topic_unuse(struct joining *j)
{
    pthread_mutex_lock(&j->name.shard->lock);
    ws__topic_let_go(j->hub, j->enter.topic);
    pthread_mutex_unlock(&j->name.shard->lock);
}

static int join_topic(struct joining *j)
{
    int r = topic_use(j);

    if (r != 0)
        return r;
    r = ws_event_wait(&j->enter.topic->synced,
                      ws_after(j->hub->o.publish_timeout_ms));
    if (r == 0)
        r = begin(j);
    topic_unuse(j);
    return r;
}

/* ---- The calls ---------------------------------------------------------- */

static void count_recovery(ws_hub *h, const ws_join_options *how, bool whole)
{
    if (how->since)
        atomic_fetch_add_explicit(whole ? &h->recovered : &h->not_recovered, 1,
                                  memory_order_relaxed);
}

static int join(struct joining *j, const ws_join_options *how,
                ws_joined *joined)
{
    struct ws__enter *e = &j->enter;
    int r = ws__subscriber_get(j->hub, j->c, &e->subscriber);

    if (r != 0)
        return r;
    e->name = j->name.name;
    e->how = how;
    e->replay.whole = true;
    e->replay.asked = how->since != NULL;
    if (how->since)
        e->replay.since = *how->since;
    e->replay_bytes = j->hub->replay_bytes;
    r = how->prefix ? begin(j) : join_topic(j);
    ws__subscriber_let_go(e->subscriber);
    if (r != 0)
        return r;
    count_recovery(j->hub, how, e->replay.whole);
    if (joined)
        *joined = (ws_joined){ e->place, e->replay.whole, e->replay.sent };
    return 0;
}

static bool how_is_right(const ws_join_options *how)
{
    return !(how->prefix && how->since) &&
           (!how->member || ws__name_is_right(how->member));
}

int ws_hub_join(ws_hub *h, ws_conn *c, const char *topic,
                const ws_join_options *how, ws_joined *joined)
{
    static const ws_join_options usual;

    if (!how)
        how = &usual;
    if (!h || !c || !ws__name_is_right(topic) || !how_is_right(how))
        return WS_ERR_INVALID;
    if (ws__callback_is_running())
        return WS_ERR_BUSY;
    ws__topics_sweep(h);
    return join(
        &(struct joining){ .hub = h, .c = c, .name = ws__topic_name(h, topic) },
        how, joined);
}

static int hub_leave(ws_hub *h, ws_conn *c, const char *name, bool prefix)
{
    if (!h || !c || !ws__name_is_right(name))
        return WS_ERR_INVALID;
    if (ws__callback_is_running())
        return WS_ERR_BUSY;
    struct ws__leave l = { ws__subscriber_find(h, c), name, prefix };
    if (l.subscriber)
        ws__desk_call(l.subscriber->desk, ws__subscription_end, &l);
    ws__subscriber_let_go(l.subscriber);
    return 0;
}

int ws_hub_leave(ws_hub *h, ws_conn *c, const char *topic)
{
    return hub_leave(h, c, topic, false);
}

int ws_hub_leave_prefix(ws_hub *h, ws_conn *c, const char *prefix)
{
    return hub_leave(h, c, prefix, true);
}
