/* SPDX-License-Identifier: MIT */

#include "hub/redis_listen.h"

#include "hub/deliver.h"
#include "hub/redis_directory.h"
#include "hub/redis_message.h"

/* It could not be read, or there was no memory for it: the log has it still. */
static void listen_again(struct ws__node *n, struct ws__redis_topic *t,
                         const ws_place *place)
{
    pthread_mutex_lock(&n->topics.lock);
    if (t->place.at.epoch == place->epoch &&
        t->place.at.offset == place->offset)
        t->place.at.offset--;
    t->place.due = true;
    ws__node_put(n, WS__REDIS_DUE, t);
    pthread_mutex_unlock(&n->topics.lock);
}

static void listen_deliver(struct ws__node *n, struct ws__redis_topic *t,
                           const ws_place *place, struct ws__str payload)
{
    struct ws__redis_key key;
    ws_publication p = { .topic = t->name, .place = *place };

    if (!ws__redis_payload_read(&p, payload, &key) ||
        ws__hub_deliver(n->hub, &p) != 0)
        listen_again(n, t, place);
}

/* Topics go in this thread alone: t stays without the lock. */
static void listen_message(struct ws__str channel, struct ws__str data,
                           void *arg)
{
    struct ws__node *n = arg;
    enum ws__redis_next next = WS__REDIS_DROP;
    struct ws__str payload;
    ws_place place;

    if (ws__redis_directory_is_at(n, channel)) {
        ws__redis_directory_heard(n, data);
        return;
    }
    if (!ws__redis_message_read(&place, &payload, data))
        return;
    pthread_mutex_lock(&n->topics.lock);
    struct ws__redis_topic *t = ws__redis_topics_of(&n->topics, channel);
    if (t)
        next = ws__redis_place_heard(&t->place, &place, payload.n > 0);
    if (next == WS__REDIS_LOOK)
        ws__node_put(n, WS__REDIS_DUE, t);
    bool deliver = next == WS__REDIS_DELIVER && ws__redis_topic_is_wanted(t);
    pthread_mutex_unlock(&n->topics.lock);
    if (deliver)
        listen_deliver(n, t, &place, payload);
}

static void listen_subscribed(struct ws__str channel, void *arg)
{
    struct ws__node *n = arg;

    if (atomic_exchange(&n->lost, false))
        atomic_fetch_add(&n->reconnects, 1);
    atomic_store(&n->connected, true);
    if (ws__redis_directory_is_at(n, channel))
        ws__redis_directory_subscribed(n);
    pthread_mutex_lock(&n->topics.lock);
    struct ws__redis_topic *t = ws__redis_topics_of(&n->topics, channel);
    if (t) {
        ws__redis_place_on(&t->place);
        ws__node_put(n, WS__REDIS_DUE, t);
        /* Redis may have lost who is present as well. */
        if (t->present_at != 0)
            ws__node_put(n, WS__REDIS_PRESENT, t);
    }
    pthread_mutex_unlock(&n->topics.lock);
}

static void listen_lost(struct ws__str channel, void *arg)
{
    struct ws__node *n = arg;

    atomic_store(&n->lost, true);
    atomic_store(&n->connected, false);
    pthread_mutex_lock(&n->topics.lock);
    struct ws__redis_topic *t = ws__redis_topics_of(&n->topics, channel);
    if (t)
        ws__redis_place_off(&t->place);
    pthread_mutex_unlock(&n->topics.lock);
}

struct ws__redis_listener ws__redis_listen(struct ws__node *n)
{
    return (struct ws__redis_listener){
        .message = listen_message,
        .subscribed = listen_subscribed,
        .lost = listen_lost,
        .arg = n,
    };
}
