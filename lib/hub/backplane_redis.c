/* SPDX-License-Identifier: MIT */

#include "hub/backplane_redis.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "fiber/thread.h"
#include "hub/redis_catchup.h"
#include "hub/redis_directory.h"
#include "hub/redis_listen.h"
#include "hub/redis_presence.h"
#include "hub/redis_scripts.h"
#include "hub/redis_sweep.h"
#include "hub/redis_walk.h"

enum {
    AUDIT_MS = 30000, /* at most: a third of what Redis keeps a log for */
};

static struct ws__node *node_of(struct ws__backplane *b)
{
    return (struct ws__node *)b;
}

/* ---- Publishing --------------------------------------------------------- */

/* The offset that the node knows of, at least. */
static uint64_t place_known(const struct ws__redis_place *p)
{
    return p->at.offset > p->acked.offset ? p->at.offset : p->acked.offset;
}

/* Its topic, which is used, and where that stands; NULL: no memory. */
static struct ws__redis_topic *publish_begin(struct ws__node *n,
                                             const char *topic,
                                             struct ws__redis_asked *asked)
{
    pthread_mutex_lock(&n->topics.lock);
    struct ws__redis_topic *t = ws__redis_topics_get(&n->topics, topic);
    if (t) {
        t->users++;
        t->quiet_since = ws_now();
        asked->names = t->names;
        asked->from = place_known(&t->place);
        asked->number = atomic_fetch_add(&n->number, 1) + 1;
    }
    pthread_mutex_unlock(&n->topics.lock);
    return t;
}

static void publish_end(struct ws__node *n, struct ws__redis_topic *t,
                        const ws_place *place)
{
    pthread_mutex_lock(&n->topics.lock);
    t->users--;
    if (place) {
        ws__redis_place_acked(&t->place, place);
        if (t->place.due)
            ws__node_put(n, WS__REDIS_DUE, t);
    }
    pthread_mutex_unlock(&n->topics.lock);
}

/* Who has joined by a prefix hears of a topic before there is something in it. */
static int publish_announce(struct ws__node *n, struct ws__redis_topic *t,
                            int64_t deadline)
{
    pthread_mutex_lock(&n->topics.lock);
    bool known =
        t->announced_at != 0 && ws_now() - t->announced_at < n->log.keep_ms / 2;
    pthread_mutex_unlock(&n->topics.lock);
    return known ? 0 : ws__redis_directory_announce(n, t, deadline);
}

static int redis_publish(struct ws__backplane *b, const ws_publication *p,
                         int64_t deadline, ws_place *place)
{
    struct ws__node *n = node_of(b);
    struct ws__redis_asked asked = { .payload = ws__redis_payload(p) };
    struct ws__redis_topic *t =
        asked.payload.p ? publish_begin(n, p->topic, &asked) : NULL;
    int r = -ENOMEM;

    if (t) {
        r = publish_announce(n, t, deadline);
        if (r == 0)
            r = ws__redis_log_publish(&n->log, &asked, deadline, place);
        publish_end(n, t, r == 0 ? place : NULL);
    }
    ws_free((void *)asked.payload.p);
    return r;
}

/* ---- What is wanted ----------------------------------------------------- */

/* A topic that is wanted by a prefix goes on where it is: the hub has to know of
 * it alone. */
static void want_place(struct ws__redis_topic *t)
{
    if (t->by_prefix && t->place.at.epoch != 0) {
        t->syncs = true;
        t->place.due = true;
        return;
    }
    t->wants++;
    ws__redis_place_begin(&t->place);
}

static int redis_want(struct ws__backplane *b, const char *topic)
{
    struct ws__node *n = node_of(b);
    int r = -ENOMEM;

    pthread_mutex_lock(&n->topics.lock);
    struct ws__redis_topic *t = ws__redis_topics_get(&n->topics, topic);
    if (t)
        r = t->subscribed ? 0
                          : ws__redis_subscribe(n->client, t->names->channel);
    if (r == 0) {
        t->subscribed = true;
        t->wanted = true;
        want_place(t);
        if (t->place.due)
            ws__node_put(n, WS__REDIS_DUE, t);
    }
    pthread_mutex_unlock(&n->topics.lock);
    return r;
}

static void redis_unwant(struct ws__backplane *b, const char *topic)
{
    struct ws__node *n = node_of(b);

    pthread_mutex_lock(&n->topics.lock);
    struct ws__redis_topic *t = ws__redis_topics_find(&n->topics, topic);
    if (t) {
        t->wanted = false;
        t->quiet_since = ws_now();
    }
    pthread_mutex_unlock(&n->topics.lock);
}

static int redis_want_prefix(struct ws__backplane *b, const char *prefix)
{
    return ws__redis_directory_want(node_of(b), prefix);
}

static void redis_unwant_prefix(struct ws__backplane *b, const char *prefix)
{
    ws__redis_directory_unwant(node_of(b), prefix);
}

/* ---- What was before ---------------------------------------------------- */

static int redis_range(struct ws__backplane *b, const char *topic,
                       const ws_place *since, uint64_t before, int64_t deadline,
                       ws__publication_fn fn, void *arg, bool *whole)
{
    struct ws__redis_walk g = { topic, *since, before, fn, arg, false };

    return ws__redis_walk(node_of(b), &g, deadline, whole);
}

/* ---- Who is present ----------------------------------------------------- */

static void redis_present(struct ws__backplane *b, const char *topic)
{
    struct ws__node *n = node_of(b);

    pthread_mutex_lock(&n->topics.lock);
    struct ws__redis_topic *t = ws__redis_topics_find(&n->topics, topic);
    if (t)
        ws__node_put(n, WS__REDIS_PRESENT, t);
    pthread_mutex_unlock(&n->topics.lock);
}

static int redis_presence(struct ws__backplane *b, const char *topic,
                          int64_t deadline, ws__present_fn fn, void *arg)
{
    return ws__redis_presence_ask(node_of(b), topic, deadline, fn, arg);
}

static void redis_stats(struct ws__backplane *b, ws_hub_stats *s)
{
    struct ws__node *n = node_of(b);

    s->repaired = atomic_load(&n->repaired);
    s->reconnects = atomic_load(&n->reconnects);
    s->connected = atomic_load(&n->connected);
}

/* ---- Its life ----------------------------------------------------------- */

static void node_catchup(void *arg)
{
    ws__redis_catchup_run(arg);
}

static void node_sweep(void *arg)
{
    ws__redis_sweep_run(arg);
}

static void node_presence(void *arg)
{
    ws__redis_presence_run(arg);
}

static void node_directory(void *arg)
{
    ws__redis_directory_run(arg);
}

static void node_announce(void *arg)
{
    ws__redis_directory_announce_run(arg);
}

static void node_live(void *arg)
{
    ws__redis_presence_live(arg);
}

/* Ends when all of its fibers have. */
static void node_main(void *arg)
{
    static void (*const tasks[])(void *arg) = { node_catchup,   node_sweep,
                                                node_presence,  node_live,
                                                node_directory, node_announce };
    struct ws__node *n = arg;

    for (size_t i = 0; i < sizeof(tasks) / sizeof(*tasks); i++)
        ws_detach(ws_go(tasks[i], n));
    ws__redis_run(n->client);
}

static void *node_thread(void *arg)
{
    struct ws__node *n = arg;

    ws__thread_runs_handlers();
    ws_run(node_main, n);
    ws_event_set(&n->ended);
    return NULL;
}

static void node_fini(struct ws__node *n)
{
    ws__redis_free(n->client);
    ws__redis_directory_fini(n);
    ws__redis_topics_fini(&n->topics);
    ws_free((void *)n->nodes.p);
    ws_free((void *)n->directory.p);
    ws_free(n);
}

static void redis_free(struct ws__backplane *b)
{
    struct ws__node *n = node_of(b);

    ws__redis_presence_end(n);
    ws_event_set(&n->stopping);
    for (int i = 0; i < WS__REDIS_LISTS; i++)
        ws_event_set(&n->due[i]);
    ws_event_set(&n->directory_due);
    ws__redis_stop(n->client);
    ws_event_wait(&n->ended, 0);
    pthread_join(n->thread, NULL);
    node_fini(n);
}

static const struct ws__backplane_ops redis_ops = {
    .publish = redis_publish,
    .want = redis_want,
    .unwant = redis_unwant,
    .want_prefix = redis_want_prefix,
    .unwant_prefix = redis_unwant_prefix,
    .range = redis_range,
    .present = redis_present,
    .presence = redis_presence,
    .stats = redis_stats,
    .free = redis_free,
};

/* "PREFIXname". */
static int node_key(struct ws__str *key, const char *prefix, const char *name)
{
    char *p = ws__alloc(strlen(prefix) + strlen(name));

    if (!p)
        return -ENOMEM;
    char *end = ws__str_put(ws__str_put(p, ws__str(prefix)), ws__str(name));
    *key = (struct ws__str){ p, (size_t)(end - p) };
    return 0;
}

static int node_init(struct ws__node *n, const ws_hub_options *o, ws_error *err)
{
    const struct ws__redis_options client = {
        .url = o->redis,
        .tls = o->redis_tls,
        .listener = ws__redis_listen(n),
    };
    int r = node_key(&n->nodes, o->redis_prefix, "nodes");

    if (r == 0)
        r = node_key(&n->directory, o->redis_prefix, "topics");
    if (r == 0)
        r = ws__redis_topics_init(
            &n->topics,
            (struct ws__str){ n->nodes.p, strlen(o->redis_prefix) });
    if (r == 0)
        r = ws__redis_script_init(&n->alive, ws__redis_alive_text);
    if (r == 0)
        r = ws__redis_script_init(&n->announce, ws__redis_announce_text);
    if (r != 0)
        return ws__fail(err, r, "out of memory");
    n->client = ws__redis_new(&client, err);
    if (!n->client)
        return err->code;
    r = ws__redis_log_init(&n->log, n->client, o);
    return r == 0 ? 0 : ws__fail(err, r, "Redis: %s", ws_strerror(r));
}

struct ws__backplane *ws__backplane_redis_new(ws_hub *h,
                                              const ws_hub_options *o,
                                              ws_error *err)
{
    struct ws__node *n = ws__zalloc(sizeof(*n));
    int64_t third = o->history_ms / 3;

    if (!n) {
        ws__fail(err, -ENOMEM, "out of memory");
        return NULL;
    }
    n->ops.ops = &redis_ops;
    n->hub = h;
    n->presence_ttl_ms = o->presence_ttl_ms;
    n->audit_ms = third < AUDIT_MS ? third : AUDIT_MS;
    if (node_init(n, o, err) != 0 ||
        ws__thread_start(&n->thread, node_thread, n) != 0) {
        if (err->code == 0)
            ws__fail(err, -ENOMEM, "out of memory");
        node_fini(n);
        return NULL;
    }
    return &n->ops;
}
