/* SPDX-License-Identifier: MIT */

#include "hub/redis_catchup.h"

#include "hub/deliver.h"

enum {
    LOOKERS = 16, /* logs that are looked at at a time */
    LOOK_ENTRIES = 64,
    LOOK_MS = 5000,
    LOOK_PAUSE_MS = 100, /* after one that failed */
};

/* One look at a log. */
struct catchup {
    struct ws__redis_topic *t;
    unsigned wants; /* as they were */
    bool wanted;
    bool syncs;
    ws_place seen[WS__REDIS_SEEN];
    ws_place at;
    struct ws__redis_look look;
};

/* With the lock held. */
static bool is_of_use(const struct catchup *c)
{
    return c->wanted && ws__redis_topic_is_wanted(c->t) &&
           c->wants == c->t->wants;
}

static void catchup_begin(struct ws__node *n, struct catchup *c)
{
    struct ws__redis_topic *t = c->t;

    pthread_mutex_lock(&n->topics.lock);
    ws__redis_place_look(&t->place);
    c->wants = t->wants;
    c->wanted = ws__redis_topic_is_wanted(t);
    c->look.n = ws__redis_place_seen(&t->place, c->seen);
    c->look.seen = c->seen;
    c->look.from = t->place.at.offset;
    c->look.most = c->wanted && t->place.at.epoch != 0 ? LOOK_ENTRIES : 0;
    pthread_mutex_unlock(&n->topics.lock);
}

static enum ws__redis_looked catchup_looked(struct ws__node *n,
                                            struct catchup *c)
{
    struct ws__redis_topic *t = c->t;
    enum ws__redis_looked looked = WS__REDIS_MORE;

    pthread_mutex_lock(&n->topics.lock);
    t->looked_at = ws_now();
    c->wanted = is_of_use(c);
    if (c->wants == t->wants)
        looked =
            ws__redis_place_looked(&t->place, &c->look.lineage, c->look.first);
    else
        ws__redis_place_proved(&t->place, &c->look.lineage);
    c->at = t->place.at;
    c->syncs = c->wanted && t->syncs;
    t->syncs = t->syncs && !c->wanted;
    pthread_mutex_unlock(&n->topics.lock);
    return looked;
}

/* The hub has p: unless somebody else has begun to want it meanwhile. */
static bool catchup_advance(struct ws__node *n, struct catchup *c,
                            const ws_publication *p)
{
    pthread_mutex_lock(&n->topics.lock);
    bool go_on = is_of_use(c);
    if (go_on)
        c->t->place.at = p->place;
    pthread_mutex_unlock(&n->topics.lock);
    c->at = p->place;
    return go_on;
}

/* What is next in the log is not there, or is none of ours, and will not be. */
static bool catchup_skip(struct ws__node *n, struct catchup *c)
{
    ws_place end = ws__lineage_end(&c->look.lineage);

    pthread_mutex_lock(&n->topics.lock);
    bool go_on = is_of_use(c);
    if (go_on)
        c->t->place.at = end;
    pthread_mutex_unlock(&n->topics.lock);
    if (go_on)
        ws__hub_lost(n->hub, c->t->name, &end);
    return go_on;
}

/* Returns whether all that the log had is delivered. */
static bool catchup_deliver(struct ws__node *n, struct catchup *c)
{
    struct ws__redis_key key;

    if (c->look.entries == 0 && c->look.most > 0 &&
        c->at.offset < c->look.lineage.last)
        return catchup_skip(n, c);

    for (size_t i = 0; i < c->look.entries; i++) {
        ws_publication p = { .topic = c->t->name };

        if (!ws__redis_look_entry(&c->look, i, &p, &key) ||
            p.place.offset != c->at.offset + 1)
            return catchup_skip(n, c);
        if (ws__hub_deliver(n->hub, &p) != 0) {
            ws__node_pause(n, LOOK_PAUSE_MS);
            return false;
        }
        if (!catchup_advance(n, c, &p))
            return false;
        atomic_fetch_add(&n->repaired, 1);
    }
    return c->at.offset >= c->look.lineage.last;
}

/* Nothing is between two epochs but the change: the hub hears of it with the
 * next publication. */
static bool catchup_tell(struct ws__node *n, struct catchup *c)
{
    enum ws__redis_looked looked = catchup_looked(n, c);

    if (!c->wanted)
        return true;
    switch (looked) {
    case WS__REDIS_SYNCED:
        ws__hub_synced(n->hub, c->t->name, &c->at);
        return true;
    case WS__REDIS_LOST:
        ws__hub_lost(n->hub, c->t->name, &c->at);
        return true;
    case WS__REDIS_MORE:
        if (c->syncs)
            ws__hub_synced(n->hub, c->t->name, &c->at);
        return catchup_deliver(n, c);
    }
    return true;
}

static void catchup_end(struct ws__node *n, struct ws__redis_topic *t, bool all)
{
    pthread_mutex_lock(&n->topics.lock);
    ws__redis_place_done(&t->place, all);
    t->users--;
    if (t->place.due)
        ws__node_put(n, WS__REDIS_DUE, t);
    pthread_mutex_unlock(&n->topics.lock);
}

static void catchup(struct ws__node *n, struct ws__redis_topic *t)
{
    struct catchup c = { .t = t };

    catchup_begin(n, &c);
    int r = ws__redis_log_look(&n->log, t->names, &c.look, ws_after(LOOK_MS));
    bool all = r == 0 && catchup_tell(n, &c);
    if (r == 0)
        ws__redis_reply_free(c.look.reply);
    else
        ws__node_pause(n, LOOK_PAUSE_MS);
    catchup_end(n, t, all);
}

/* Is there something to be found out? */
static bool is_looked_for(const struct ws__redis_topic *t)
{
    return t->place.due && !t->place.looking &&
           (ws__redis_topic_is_wanted(t) || t->place.acked.epoch != 0);
}

/* The next one that is due; it is used. */
static struct ws__redis_topic *catchup_next(struct ws__node *n)
{
    struct ws__redis_topic *t;

    pthread_mutex_lock(&n->topics.lock);
    do
        t = ws__redis_topics_take(&n->topics, WS__REDIS_DUE);
    while (t && !is_looked_for(t));
    if (t)
        t->users++;
    pthread_mutex_unlock(&n->topics.lock);
    return t;
}

static void look_through(void *arg)
{
    struct ws__node *n = arg;
    struct ws__redis_topic *t;

    while (!ws__node_stops(n) && (t = catchup_next(n)))
        catchup(n, t);
    n->lookers--;
}

static bool is_any_due(struct ws__node *n)
{
    pthread_mutex_lock(&n->topics.lock);
    bool due = n->topics.list[WS__REDIS_DUE].first != NULL;
    pthread_mutex_unlock(&n->topics.lock);
    return due;
}

static void start_looker(struct ws__node *n)
{
    ws_fiber *f = ws_go(look_through, n);

    if (!f) {
        ws__node_pause(n, LOOK_PAUSE_MS);
        return;
    }
    n->lookers++;
    ws_detach(f);
    ws_yield();
}

void ws__redis_catchup_run(struct ws__node *n)
{
    while (!ws__node_stops(n)) {
        ws_event_wait(&n->due[WS__REDIS_DUE], 0);
        ws_event_clear(&n->due[WS__REDIS_DUE]);
        while (n->lookers < LOOKERS && is_any_due(n) && !ws__node_stops(n))
            start_looker(n);
    }
}
