/* SPDX-License-Identifier: MIT */

#include "hub/deliver.h"

#include <errno.h>

#include "hub/callback.h"
#include "hub/hub.h"

/* ---- One more ----------------------------------------------------------- */

static int publication_for(ws_hub *h, const ws_publication *p,
                           struct ws__publication **made)
{
    ws_prepared *prepared;
    int r = ws__callback_frame(&h->o, p, &prepared);

    if (r != 0)
        return r;
    *made = ws__publication_new(prepared, p->len, p->key);
    if (*made)
        return 0;
    ws_prepared_free(prepared);
    return -ENOMEM;
}

/* With the lock of its shard: p, with its place, is the next one of t. */
static int topic_append(ws_hub *h, struct ws__topic *t, const ws_publication *p,
                        struct ws__desk **due)
{
    struct ws__publication *made;
    int r = ws__history_reserve(&t->history, &h->limits);

    if (r == 0)
        r = publication_for(h, p, &made);
    if (r != 0)
        return r;
    t->place = p->place;
    t->quiet_since = made->at;
    ws__history_add(t->history, &h->limits, made);
    if (made->prepared)
        ws__topic_put(t, made, due);
    ws__publication_let_go(made);
    return 0;
}

int ws__hub_number(ws_hub *h, const ws_publication *p, ws_place *place)
{
    struct ws__topic_name name = ws__topic_name(h, p->topic);
    ws_publication placed = *p;
    struct ws__desk *due = NULL;
    int r = -ENOMEM;

    pthread_mutex_lock(&name.shard->lock);
    struct ws__topic *t = ws__topic_get(h, &name);
    if (t) {
        placed.place = (ws_place){ t->place.epoch, t->place.offset + 1 };
        r = topic_append(h, t, &placed, &due);
    }
    pthread_mutex_unlock(&name.shard->lock);
    ws__desk_ring(due);
    if (r == 0)
        *place = placed.place;
    return r;
}

/* ---- From a backplane --------------------------------------------------- */

static void topic_synced(struct ws__topic *t, const ws_place *place)
{
    t->place = *place;
    ws_event_set(&t->synced);
}

/* With the lock of its shard. */
static void topic_lost(ws_hub *h, struct ws__topic *t, const ws_place *place,
                       struct ws__desk **due)
{
    ws_prepared *prepared = ws__callback_lost(&h->o, t->name, place);
    struct ws__publication *p = ws__publication_new(prepared, 0, NULL);

    ws__history_free(&t->history);
    topic_synced(t, place);
    if (p)
        p->cuts = !prepared;
    else
        ws_prepared_free(prepared);
    ws__topic_put(t, p, due);
    ws__publication_let_go(p);
}

/* An epoch may begin with nothing lost before it: who has lost something says
 * so by ws__hub_lost. */
static bool follows(const ws_place *place, const ws_place *last)
{
    return place->offset == last->offset + 1;
}

static bool was_had(const ws_place *place, const ws_place *last)
{
    return place->epoch == last->epoch && place->offset <= last->offset;
}

/* A topic that is wanted by a prefix alone begins with what comes. */
static struct ws__topic *topic_wanted(ws_hub *h,
                                      const struct ws__topic_name *name,
                                      const ws_place *place)
{
    const ws_place before = { place->epoch, place->offset - 1 };
    struct ws__topic *t = ws__topic_get(h, name);

    if (t && !ws_event_is_set(&t->synced) && t->audience.users == 0 &&
        t->link.spare > 0)
        topic_synced(t, &before);
    return t;
}

static int topic_deliver(ws_hub *h, struct ws__topic *t,
                         const ws_publication *p, struct ws__desk **due)
{
    const ws_place before = { p->place.epoch, p->place.offset - 1 };

    if (!ws_event_is_set(&t->synced) || was_had(&p->place, &t->place))
        return 0;
    if (!follows(&p->place, &t->place))
        topic_lost(h, t, &before, due);
    return topic_append(h, t, p, due);
}

int ws__hub_deliver(ws_hub *h, const ws_publication *p)
{
    struct ws__topic_name name = ws__topic_name(h, p->topic);
    struct ws__desk *due = NULL;

    pthread_mutex_lock(&name.shard->lock);
    struct ws__topic *t = ws__topic_find(&name);
    if (!t || !ws_event_is_set(&t->synced))
        t = topic_wanted(h, &name, &p->place);
    int r = t ? topic_deliver(h, t, p, &due) : -ENOMEM;
    pthread_mutex_unlock(&name.shard->lock);
    ws__desk_ring(due);
    return r;
}

void ws__hub_synced(ws_hub *h, const char *topic, const ws_place *place)
{
    struct ws__topic_name name = ws__topic_name(h, topic);

    pthread_mutex_lock(&name.shard->lock);
    struct ws__topic *t = ws__topic_find(&name);
    if (t && !ws_event_is_set(&t->synced))
        topic_synced(t, place);
    pthread_mutex_unlock(&name.shard->lock);
}

void ws__hub_lost(ws_hub *h, const char *topic, const ws_place *place)
{
    struct ws__topic_name name = ws__topic_name(h, topic);
    struct ws__desk *due = NULL;

    pthread_mutex_lock(&name.shard->lock);
    struct ws__topic *t = ws__topic_get(h, &name);
    if (t && (t->audience.users > 0 || t->link.spare > 0))
        topic_lost(h, t, place, &due);
    pthread_mutex_unlock(&name.shard->lock);
    ws__desk_ring(due);
}
