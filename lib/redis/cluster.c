/* SPDX-License-Identifier: MIT */

#include "redis/cluster.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/log.h"
#include "fiber/limit.h"
#include "fiber/seldom.h"
#include "redis/channels.h"
#include "redis/slot.h"

enum {
    NODES_MAX = 1024,
    REFRESH_MS = 100, /* between two */
};

/* A node and what it is in the map; never freed before the cluster. */
struct master {
    struct ws__redis_node *node;
    struct ws__redis_cluster *cluster;
    struct master *next;
    size_t slots;      /* in the map; under the lock */
    atomic_bool tried; /* to connect to */
};

struct ws__redis_cluster {
    const struct ws__redis_way *way;
    const struct ws__redis_listener *outer;
    struct ws__redis_listener listener; /* of nodes: it hears of moved slots */
    ws_event stop;
    ws_event wake;      /* something under the lock has changed */
    size_t asked;       /* members for the map, by the cluster's fiber */
    int64_t not_before; /* it asks again */
    _Atomic int64_t said;

    pthread_mutex_t lock; /* does not park: who asks may hold others */
    bool stale;           /* the map is to be read again */
    bool stopped;         /* no members any more */
    struct master *masters;
    size_t n;
    struct ws__redis_channels channels;
    struct master *slots[WS__REDIS_SLOTS]; /* NULL: nobody's */
};

/* ---- Masters ------------------------------------------------------------ */

/* Have the map read again. */
static void cluster_refresh(struct ws__redis_cluster *cl)
{
    pthread_mutex_lock(&cl->lock);
    cl->stale = true;
    pthread_mutex_unlock(&cl->lock);
    ws_event_set(&cl->wake);
}

/* A second attempt says that something is wrong. */
static int master_find(struct ws__redis_host *h, int64_t deadline,
                       ws_event *cancel, void *arg, ws_error *err)
{
    struct master *m = arg;

    (void)deadline;
    (void)cancel;
    (void)err;
    *h = m->node->host;
    if (atomic_exchange(&m->tried, true))
        cluster_refresh(m->cluster);
    return 0;
}

static struct master *master_new(struct ws__redis_cluster *cl,
                                 const struct ws__redis_host *host)
{
    struct master *m = ws__zalloc(sizeof(*m));

    if (!m)
        return NULL;
    m->cluster = cl;
    m->node =
        ws__redis_node_new(cl->way, host, master_find, m, true, &cl->listener);
    if (!m->node) {
        ws_free(m);
        return NULL;
    }
    return m;
}

/* With the lock held.  NULL: no memory, or too many. */
static struct master *master_get(struct ws__redis_cluster *cl,
                                 const struct ws__redis_host *host)
{
    struct master **end = &cl->masters;

    for (; *end; end = &(*end)->next)
        if (ws__redis_host_equal(&(*end)->node->host, host))
            return *end;
    if (cl->n == NODES_MAX || cl->stopped)
        return NULL;
    *end = master_new(cl, host);
    if (*end) {
        cl->n++;
        ws_event_set(&cl->wake);
    }
    return *end;
}

/* Also those that there is no memory for yet. */
static bool masters_start(struct ws__redis_cluster *cl)
{
    bool all = true;

    pthread_mutex_lock(&cl->lock);
    struct master *m = cl->masters;
    pthread_mutex_unlock(&cl->lock);
    while (m) {
        all = ws__redis_node_start(m->node) == 0 && all;
        pthread_mutex_lock(&cl->lock);
        m = m->next;
        pthread_mutex_unlock(&cl->lock);
    }
    return all;
}

static void masters_end(struct ws__redis_cluster *cl)
{
    pthread_mutex_lock(&cl->lock);
    cl->stopped = true;
    pthread_mutex_unlock(&cl->lock);

    masters_start(cl);
    for (struct master *m = cl->masters; m; m = m->next)
        ws__redis_node_stop(m->node);
    for (struct master *m = cl->masters; m; m = m->next)
        ws__redis_node_join(m->node);
}

/* ---- The map ------------------------------------------------------------ */

/* With the lock held. */
static void slot_give(struct ws__redis_cluster *cl, int slot, struct master *m)
{
    struct master *before = cl->slots[slot];

    if (before)
        before->slots--;
    if (m)
        m->slots++;
    cl->slots[slot] = m;
}

/* Channels go where their slots are. */
static void channel_settle(struct ws__redis_cluster *cl,
                           struct ws__redis_channel *c)
{
    struct master *m = cl->slots[ws__redis_slot(c->name)];
    struct master *before = c->owner;

    if (m == before || !m)
        return;
    if (before)
        ws__redis_subscription_remove(before->node->subscription, c->name);
    c->owner = m;
    if (ws__redis_subscription_add(m->node->subscription, c->name) != 0) {
        c->owner = NULL;
        cl->stale = true;
    }
}

/* Does it tell of slots, each once?  Then it takes no longer than that. */
static bool map_is_one(const struct ws__redis_reply *reply,
                       const struct ws__redis_host *from)
{
    struct ws__redis_range range;
    int slots = 0;

    for (size_t i = 0; i < reply->elements && slots <= WS__REDIS_SLOTS; i++)
        if (ws__redis_range(reply, i, from, &range))
            slots += range.last - range.first + 1;
    return slots > 0 && slots <= WS__REDIS_SLOTS;
}

static int map_take(struct ws__redis_cluster *cl,
                    const struct ws__redis_reply *reply,
                    const struct ws__redis_host *from)
{
    struct ws__redis_range range;

    for (size_t i = 0; i < reply->elements; i++) {
        if (!ws__redis_range(reply, i, from, &range))
            continue;
        struct master *m = master_get(cl, &range.master);
        if (!m)
            return -ENOMEM;
        for (int slot = range.first; slot <= range.last; slot++)
            slot_give(cl, slot, m);
    }
    return 0;
}

/* What is not in the answer has nobody. */
static int map_apply(struct ws__redis_cluster *cl,
                     const struct ws__redis_reply *reply,
                     const struct ws__redis_host *from)
{
    if (!map_is_one(reply, from))
        return WS_ERR_REDIS;
    pthread_mutex_lock(&cl->lock);
    for (int slot = 0; slot < WS__REDIS_SLOTS; slot++)
        slot_give(cl, slot, NULL);
    int r = map_take(cl, reply, from);
    cl->stale = r != 0;
    for (struct master *m = cl->masters; m; m = m->next)
        ws__redis_pipe_turn_away(m->node->pipe, m->slots == 0);
    for (struct ws__redis_channel *c = cl->channels.newest; c; c = c->older)
        channel_settle(cl, c);
    pthread_mutex_unlock(&cl->lock);
    return r;
}

/* The members in turn: what one of them believes may be old. */
static void map_whom(struct ws__redis_cluster *cl, struct ws__redis_host *h)
{
    pthread_mutex_lock(&cl->lock);
    struct master *m = cl->masters;
    for (size_t i = cl->asked++ % cl->n; i > 0; i--)
        m = m->next;
    *h = m->node->host;
    pthread_mutex_unlock(&cl->lock);
}

static int map_ask(struct ws__redis_cluster *cl,
                   const struct ws__redis_host *host, ws_error *err)
{
    const struct ws__str words[] = { ws__str("CLUSTER"), ws__str("SLOTS") };
    const struct ws__redis_command c = { .n = 2, .words = words };
    int64_t deadline = ws__limit_deadline(cl->way->timeout_ms / 4);
    struct ws__redis_reply *reply;
    int r =
        ws__redis_link_ask(cl->way, host, &c, deadline, &cl->stop, &reply, err);

    if (r != 0)
        return r;
    r = map_apply(cl, reply, host);
    if (r != 0)
        ws__fail(err, r, "CLUSTER SLOTS of Redis: %s",
                 reply->type == WS__REDIS_ERROR ? reply->str
                                                : "there are no slots in it");
    ws__redis_reply_free(reply);
    return r;
}

static void map_read(struct ws__redis_cluster *cl)
{
    struct ws__redis_host host;
    ws_error err = { 0 };

    map_whom(cl, &host);
    int r = map_ask(cl, &host, &err);
    if (r != 0 && r != WS_ERR_CANCELED && ws__seldom(&cl->said))
        ws__log(WS__LOG(WS_LOG_WARNING, "redis_cluster"), "%s", err.text);
}

/* ---- Callers ------------------------------------------------------------ */

/* With the lock held.  There are those of the URL at least. */
static struct master *master_any(const struct ws__redis_cluster *cl)
{
    struct master *m = cl->masters;

    while (m->slots == 0 && m->next)
        m = m->next;
    return m->slots > 0 ? m : cl->masters;
}

struct ws__redis_node *ws__redis_cluster_node(struct ws__redis_cluster *cl,
                                              struct ws__str key)
{
    pthread_mutex_lock(&cl->lock);
    struct master *m = key.n > 0 ? cl->slots[ws__redis_slot(key)] : NULL;
    if (!m)
        m = master_any(cl);
    pthread_mutex_unlock(&cl->lock);
    return m->node;
}

bool ws__redis_cluster_redirected(struct ws__redis_cluster *cl,
                                  const struct ws__redis_node *from,
                                  const struct ws__redis_reply *reply,
                                  struct ws__redis_node **asked)
{
    struct ws__redis_host to;
    int slot;

    *asked = NULL;
    bool moved = ws__redis_redirect(reply, "MOVED", &from->host, &slot, &to);
    if (!moved && !ws__redis_redirect(reply, "ASK", &from->host, &slot, &to))
        return false;

    pthread_mutex_lock(&cl->lock);
    struct master *m = master_get(cl, &to);
    if (m && moved)
        slot_give(cl, slot, m);
    if (m)
        ws__redis_pipe_turn_away(m->node->pipe, false);
    if (m && !moved)
        *asked = m->node;
    pthread_mutex_unlock(&cl->lock);
    if (moved)
        cluster_refresh(cl);
    return true;
}

/* ---- Channels ----------------------------------------------------------- */

int ws__redis_cluster_subscribe(struct ws__redis_cluster *cl,
                                struct ws__str channel)
{
    pthread_mutex_lock(&cl->lock);
    struct ws__redis_channel *c =
        ws__redis_channels_get(&cl->channels, channel);
    if (c)
        channel_settle(cl, c);
    pthread_mutex_unlock(&cl->lock);
    return c ? 0 : -ENOMEM;
}

void ws__redis_cluster_unsubscribe(struct ws__redis_cluster *cl,
                                   struct ws__str channel)
{
    pthread_mutex_lock(&cl->lock);
    struct ws__redis_channel *c =
        ws__redis_channels_find(&cl->channels, channel);
    struct master *m = c ? c->owner : NULL;
    if (m)
        ws__redis_subscription_remove(m->node->subscription, channel);
    if (c)
        ws__redis_channels_remove(&cl->channels, c);
    pthread_mutex_unlock(&cl->lock);
}

static void cluster_message(struct ws__str channel, struct ws__str data,
                            void *arg)
{
    const struct ws__redis_cluster *cl = arg;

    cl->outer->message(channel, data, cl->outer->arg);
}

static void cluster_subscribed(struct ws__str channel, void *arg)
{
    const struct ws__redis_cluster *cl = arg;

    cl->outer->subscribed(channel, cl->outer->arg);
}

static void cluster_lost(struct ws__str channel, void *arg)
{
    const struct ws__redis_cluster *cl = arg;

    if (cl->outer->lost)
        cl->outer->lost(channel, cl->outer->arg);
}

/* Its slot is elsewhere; or that is nothing to do with a cluster. */
static void cluster_refused(struct ws__str channel, struct ws__str why,
                            void *arg)
{
    static const char moved[] = "MOVED ";
    struct ws__redis_cluster *cl = arg;

    if (why.n >= sizeof(moved) && memcmp(why.p, moved, sizeof(moved) - 1) == 0)
        cluster_refresh(cl);
    else if (cl->outer->refused)
        cl->outer->refused(channel, why, cl->outer->arg);
}

/* ---- Its life ----------------------------------------------------------- */

struct ws__redis_cluster *ws__redis_cluster_new(
    const struct ws__redis_way *way, const struct ws__redis_url *url,
    const struct ws__redis_listener *listener)
{
    struct ws__redis_cluster *cl = ws__zalloc(sizeof(*cl));
    bool all = true;

    if (!cl)
        return NULL;
    pthread_mutex_init(&cl->lock, NULL);
    cl->way = way;
    cl->outer = listener;
    cl->listener = (struct ws__redis_listener){
        .message = cluster_message,
        .subscribed = cluster_subscribed,
        .lost = cluster_lost,
        .refused = cluster_refused,
        .arg = cl,
    };
    cl->stale = true;
    for (size_t i = 0; i < url->n && all; i++)
        all = master_get(cl, &url->hosts[i]);
    if (!all) {
        ws__redis_cluster_free(cl);
        return NULL;
    }
    return cl;
}

void ws__redis_cluster_free(struct ws__redis_cluster *cl)
{
    if (!cl)
        return;
    while (cl->masters) {
        struct master *m = cl->masters;

        cl->masters = m->next;
        ws__redis_node_free(m->node);
        ws_free(m);
    }
    ws__redis_channels_fini(&cl->channels);
    pthread_mutex_destroy(&cl->lock);
    ws_free(cl);
}

static bool map_is_stale(struct ws__redis_cluster *cl)
{
    pthread_mutex_lock(&cl->lock);
    bool stale = cl->stale;
    pthread_mutex_unlock(&cl->lock);
    return stale;
}

/* Returns when the next one is to be at the latest; 0: whenever woken. */
static int64_t cluster_turn(struct ws__redis_cluster *cl)
{
    if (map_is_stale(cl) && ws_now() >= cl->not_before) {
        map_read(cl);
        cl->not_before = ws_after(REFRESH_MS);
    }
    return masters_start(cl) && !map_is_stale(cl) ? 0 : cl->not_before;
}

void ws__redis_cluster_run(struct ws__redis_cluster *cl)
{
    while (!ws_event_is_set(&cl->stop)) {
        ws_event_clear(&cl->wake);
        int64_t again = cluster_turn(cl);

        ws_wait_any(-1, 0, again, &cl->stop, &cl->wake);
    }
    masters_end(cl);
}

void ws__redis_cluster_stop(struct ws__redis_cluster *cl)
{
    ws_event_set(&cl->stop);
}
