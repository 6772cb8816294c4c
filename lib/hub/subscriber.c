/* SPDX-License-Identifier: MIT */

#include "hub/subscriber.h"

#include <errno.h>
#include <stddef.h>

#include "base/alloc.h"
#include "conn/end.h"
#include "hub/hub.h"
#include "hub/subscription.h"

/* ---- Finding one -------------------------------------------------------- */

static struct ws__subscriber *find_held(ws_hub *h, const ws_conn *c,
                                        uint32_t hash)
{
    struct ws__link *l = ws__table_first(&h->subscribers.table, hash);

    while (l && ((struct ws__subscriber *)l)->c != c)
        l = ws__table_next(l);
    struct ws__subscriber *s = (struct ws__subscriber *)l;
    if (s)
        atomic_fetch_add_explicit(&s->holders, 1, memory_order_relaxed);
    return s;
}

struct ws__subscriber *ws__subscriber_find(ws_hub *h, ws_conn *c)
{
    pthread_mutex_lock(&h->subscribers.lock);
    struct ws__subscriber *s = find_held(h, c, ws__hash_pointer(&h->key, c));
    pthread_mutex_unlock(&h->subscribers.lock);
    return s;
}

void ws__subscriber_let_go(struct ws__subscriber *s)
{
    ws_hub *h;

    if (!s ||
        atomic_fetch_sub_explicit(&s->holders, 1, memory_order_acq_rel) != 1)
        return;
    h = s->hub;
    if (s->desk)
        ws__desk_let_go(s->desk);
    ws_unref(s->c);
    ws__table_fini(&s->subscriptions);
    ws_free(s);
    ws__hub_let_go(h);
}

/* ---- Its end ------------------------------------------------------------ */

/* At its desk. */
static void subscriber_over(struct ws__desk_job *j)
{
    struct ws__subscriber *s =
        (struct ws__subscriber *)((char *)j -
                                  offsetof(struct ws__subscriber, over));
    ws_hub *h = s->hub;

    s->ended = true;
    ws__subscriptions_end(s);
    pthread_mutex_lock(&h->subscribers.lock);
    ws__table_remove(&h->subscribers.table, &s->link);
    pthread_mutex_unlock(&h->subscribers.lock);
    ws__subscriber_let_go(s);
}

static void subscriber_ended(struct ws__end_hook *hook)
{
    struct ws__subscriber *s =
        (struct ws__subscriber *)((char *)hook -
                                  offsetof(struct ws__subscriber, hook));

    ws__desk_post(s->desk, &s->over);
}

/* Whoever is being told of its connection's end is over without us. */
static void subscriber_end(struct ws__link *l, void *arg)
{
    struct ws__subscriber *s = (struct ws__subscriber *)l;

    (void)arg;
    if (ws__outqueue_remove_hook(s->c, &s->hook))
        ws__desk_post(s->desk, &s->over);
}

void ws__subscribers_end(ws_hub *h)
{
    pthread_mutex_lock(&h->subscribers.lock);
    ws__table_each(&h->subscribers.table, subscriber_end, NULL);
    pthread_mutex_unlock(&h->subscribers.lock);
}

/* ---- A new one ---------------------------------------------------------- */

/* Two holders: the table, and the caller. */
static struct ws__subscriber *subscriber_new(ws_hub *h, ws_conn *c)
{
    struct ws__subscriber *s = ws__zalloc(sizeof(*s));

    if (!s)
        return NULL;
    atomic_init(&s->holders, 2);
    s->hub = h;
    ws__hub_hold(h);
    s->c = ws_ref(c);
    s->hook.ended = subscriber_ended;
    s->over.fn = subscriber_over;
    s->desk = ws__desk_get(h, ws__conn_worker(c));
    if (s->desk)
        return s;
    atomic_store(&s->holders, 1);
    ws__subscriber_let_go(s);
    return NULL;
}

static int hook_error(const ws_conn *c)
{
    return ws__conn_ended(c) || ws_conn_error(c)->code != 0 ? WS_ERR_CANCELED
                                                            : -ENOMEM;
}

static bool has_queue_options(const ws_queue_options *q)
{
    return q->max_messages > 0 || q->max_bytes > 0 || q->slow != 0 ||
           q->close_code != 0;
}

/* With the lock held, so that whoever is told of an end meanwhile finds it in the
 * table. */
static int subscriber_add(ws_hub *h, struct ws__subscriber *s, uint32_t hash)
{
    int r = ws__table_reserve(&h->subscribers.table);

    if (r == 0 && has_queue_options(&h->o.queue))
        r = ws_set_queue(s->c, &h->o.queue);
    if (r == 0 && !ws__outqueue_add_hook(s->c, &s->hook))
        r = hook_error(s->c);
    if (r == 0)
        ws__table_add(&h->subscribers.table, &s->link, hash);
    return r;
}

static int subscriber_make(ws_hub *h, ws_conn *c, uint32_t hash,
                           struct ws__subscriber **made)
{
    struct ws__subscriber *s = subscriber_new(h, c);

    if (!s)
        return -ENOMEM;
    int r = subscriber_add(h, s, hash);
    if (r != 0) {
        atomic_store(&s->holders, 1);
        ws__subscriber_let_go(s);
        return r;
    }
    *made = s;
    return 0;
}

int ws__subscriber_get(ws_hub *h, ws_conn *c, struct ws__subscriber **s)
{
    uint32_t hash = ws__hash_pointer(&h->key, c);
    int r = 0;

    pthread_mutex_lock(&h->subscribers.lock);
    *s = find_held(h, c, hash);
    if (!*s)
        r = subscriber_make(h, c, hash, s);
    pthread_mutex_unlock(&h->subscribers.lock);
    return r;
}
