/* SPDX-License-Identifier: MIT */

#include "hub/redis_sweep.h"

atomic_int ws__redis_sweep_ms = 2000;
atomic_int ws__redis_linger_ms = 10000;

struct sweep {
    struct ws__node *node;
    int64_t now;
};

static void sweep_wanted(const struct sweep *s, struct ws__redis_topic *t)
{
    if (t->present_at != 0 && s->now - t->present_at > s->node->log.keep_ms)
        ws__node_put(s->node, WS__REDIS_PRESENT, t);
    if (s->now - t->announced_at > s->node->log.keep_ms / 2)
        ws__node_put(s->node, WS__REDIS_ANNOUNCE, t);
    if (!t->place.on || s->now - t->looked_at < s->node->audit_ms)
        return;
    t->place.due = true;
    ws__node_put(s->node, WS__REDIS_DUE, t);
}

static bool is_in_use(const struct ws__redis_topic *t)
{
    return t->users > 0 || t->queued[WS__REDIS_DUE] ||
           t->queued[WS__REDIS_PRESENT] || t->queued[WS__REDIS_ANNOUNCE];
}

/* What its publishers were told has to be there still: that is looked at once
 * more, when it has been quiet for a while. */
static bool is_proved(const struct ws__redis_topic *t)
{
    return t->place.acked.epoch == 0 || t->looked_at > t->quiet_since;
}

static void sweep_unwanted(const struct sweep *s, struct ws__redis_topic *t)
{
    struct ws__node *n = s->node;

    if (s->now - t->quiet_since < ws__redis_linger_ms || is_in_use(t))
        return;
    if (!is_proved(t)) {
        t->place.due = true;
        ws__node_put(n, WS__REDIS_DUE, t);
        return;
    }
    if (t->subscribed)
        ws__redis_unsubscribe(n->client, t->names->channel);
    ws__redis_topics_remove(&n->topics, t);
}

static void sweep_one(struct ws__link *l, void *arg)
{
    struct ws__redis_topic *t = (struct ws__redis_topic *)l;

    if (ws__redis_topic_is_wanted(t))
        sweep_wanted(arg, t);
    else
        sweep_unwanted(arg, t);
}

void ws__redis_sweep_run(struct ws__node *n)
{
    while (!ws__node_stops(n)) {
        struct sweep s = { n, ws_now() };

        pthread_mutex_lock(&n->topics.lock);
        ws__table_each(&n->topics.table, sweep_one, &s);
        pthread_mutex_unlock(&n->topics.lock);
        ws__node_pause(n, ws__redis_sweep_ms);
    }
}
