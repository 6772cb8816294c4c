/* SPDX-License-Identifier: MIT */

/* Making and freeing. */

#include "hub/hub.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/error.h"
#include "hub/backplane_redis.h"

/* ---- Options ------------------------------------------------------------ */

enum {
    HISTORY = 1024,
    HISTORY_BYTES = 1 << 20,
    HISTORY_MS = 5 * 60 * 1000,
    PUBLISH_TIMEOUT_MS = 5000,
    PRESENCE_TTL_MS = 10 * 1000,
};

static const char *wrong_with(const ws_hub_options *o)
{
    if (o->history < -1)
        return "history is below -1";
    if (o->history_ms < 0 || o->publish_timeout_ms < 0 ||
        o->presence_ttl_ms < 0)
        return "a time is negative";
    if (!ws__queue_options_are_right(&o->queue))
        return "the queue's policy or close code is none";
    return NULL;
}

static void take_options(ws_hub *h, const ws_hub_options *o)
{
    h->o = *o;
    if (h->o.history == 0)
        h->o.history = HISTORY;
    if (h->o.history_bytes == 0)
        h->o.history_bytes = HISTORY_BYTES;
    if (h->o.history_ms == 0)
        h->o.history_ms = HISTORY_MS;
    if (h->o.publish_timeout_ms == 0)
        h->o.publish_timeout_ms = PUBLISH_TIMEOUT_MS;
    if (h->o.presence_ttl_ms == 0)
        h->o.presence_ttl_ms = PRESENCE_TTL_MS;
    if (!h->o.redis_prefix)
        h->o.redis_prefix = "ws:";
    h->limits = (struct ws__history_limits){
        .count = h->o.history < 0 ? 0 : (size_t)h->o.history,
        .bytes = h->o.history_bytes,
        .ms = h->o.history_ms,
    };
    size_t bytes =
        o->queue.max_bytes == 0 ? WS__QUEUE_BYTES : o->queue.max_bytes;
    h->replay_bytes = bytes / 2;
}

/* ---- Life --------------------------------------------------------------- */

/* The last one to hold it. */
static void hub_free(ws_hub *h)
{
    ws__topics_fini(h);
    ws__table_fini(&h->subscribers.table);
    pthread_mutex_destroy(&h->subscribers.lock);
    pthread_mutex_destroy(&h->desks.lock);
    ws_free(h);
}

static ws_hub *hub_new(const ws_hub_options *o, ws_error *err)
{
    ws_hub *h = ws__zalloc(sizeof(*h));
    int r = h ? ws__hash_key_init(&h->key) : -ENOMEM;

    if (r != 0) {
        ws_free(h);
        ws__fail(err, r, "%s", ws_strerror(r));
        return NULL;
    }
    atomic_init(&h->holders, 1);
    h->free = hub_free;
    take_options(h, o);
    ws__topics_init(&h->topics);
    pthread_mutex_init(&h->subscribers.lock, NULL);
    pthread_mutex_init(&h->desks.lock, NULL);
    return h;
}

ws_hub *ws_hub_new(const ws_hub_options *o, ws_error *err)
{
    static const ws_hub_options usual;
    ws_error unseen;

    if (!o)
        o = &usual;
    if (!err)
        err = &unseen;
    *err = (ws_error){ 0 };
    const char *wrong = wrong_with(o);
    if (wrong) {
        ws__fail(err, WS_ERR_INVALID, "ws_hub_new: %s", wrong);
        return NULL;
    }
    ws_hub *h = hub_new(o, err);
    if (!h || !o->redis)
        return h;
    h->back = ws__backplane_redis_new(h, &h->o, err);
    if (h->back)
        return h;
    ws__hub_let_go(h);
    return NULL;
}

/* Subscribers leave in their workers, later: without it. */
static void end_backplane(ws_hub *h)
{
    struct ws__backplane *b = h->back;

    ws__topics_lock(&h->topics);
    h->back = NULL;
    ws__topics_unlock(&h->topics);
    if (b)
        b->ops->free(b);
}

void ws_hub_free(ws_hub *h)
{
    if (!h)
        return;
    end_backplane(h);
    atomic_store(&h->ended, true);
    ws__subscribers_end(h);
    ws__hub_let_go(h);
}

void ws_hub_stats_get(ws_hub *h, ws_hub_stats *s)
{
    *s = (ws_hub_stats){ 0 };
    if (!h)
        return;
    ws__topics_sweep_all(h);
    ws__desks_count(&h->desks, s);
    s->published = atomic_load(&h->published);
    s->recovered = atomic_load(&h->recovered);
    s->not_recovered = atomic_load(&h->not_recovered);
    s->topics = atomic_load(&h->topics.n);
    s->subscriptions = atomic_load(&h->subscriptions);
    s->subscribers = atomic_load(&h->joined);
    s->connected = true;
    if (h->back)
        h->back->ops->stats(h->back, s);
}
