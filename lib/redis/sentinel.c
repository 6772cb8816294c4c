/* SPDX-License-Identifier: MIT */

#include "redis/sentinel.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/error.h"
#include "fiber/limit.h"

struct ws__redis_sentinels {
    struct ws__redis_way way; /* to a Sentinel */
    const struct ws__redis_url *url;
    struct ws__redis_subscription *subscription;
    struct ws__redis_listener listener;
    ws_event *changed;
    size_t heard; /* the next to be listened to; the listening fiber's */

    ws_mutex lock;
    size_t first;                /* the one to ask */
    struct ws__redis_host found; /* the master; its name is "" before */
};

/* ---- Asking ------------------------------------------------------------- */

/* Something else than two strings is no address. */
static int sentinel_answer(struct ws__redis_host *h,
                           const struct ws__redis_reply *reply,
                           const char *master, ws_error *err)
{
    struct ws__str name = ws__redis_reply_str(ws__redis_reply_at(reply, 0));
    struct ws__str port = ws__redis_reply_str(ws__redis_reply_at(reply, 1));

    if (reply->type == WS__REDIS_ERROR)
        return ws__fail(err, WS_ERR_REDIS, "Sentinel says: %s", reply->str);
    if (reply->type == WS__REDIS_NIL)
        return ws__fail(err, WS_ERR_REDIS,
                        "Sentinel knows no master of the name %s", master);
    if (!ws__redis_host_set(h, name, port))
        return ws__fail(err, WS_ERR_REDIS,
                        "Sentinel answers with what is no address");
    return 0;
}

static int sentinel_ask(const struct ws__redis_sentinels *s, size_t i,
                        struct ws__redis_host *h, int64_t deadline,
                        ws_event *cancel, ws_error *err)
{
    const struct ws__str words[] = {
        ws__str("SENTINEL"),
        ws__str("GET-MASTER-ADDR-BY-NAME"),
        ws__str(s->url->master),
    };
    const struct ws__redis_command c = { .n = 3, .words = words };
    struct ws__redis_reply *reply;
    int r = ws__redis_link_ask(&s->way, &s->url->hosts[i], &c, deadline, cancel,
                               &reply, err);

    if (r != 0)
        return r;
    r = sentinel_answer(h, reply, s->url->master, err);
    ws__redis_reply_free(reply);
    return r;
}

/* A Sentinel that is silent is not to use up the time of the others. */
static int64_t sentinel_deadline(int64_t deadline, size_t left)
{
    int64_t now = ws_now();

    if (deadline == 0 || left <= 1 || deadline <= now)
        return deadline;
    return now + (deadline - now) / (int64_t)left;
}

static size_t sentinel_first(struct ws__redis_sentinels *s)
{
    ws_mutex_lock(&s->lock);
    size_t first = s->first;
    ws_mutex_unlock(&s->lock);
    return first;
}

static void sentinel_remember(struct ws__redis_sentinels *s, size_t at)
{
    ws_mutex_lock(&s->lock);
    s->first = at;
    ws_mutex_unlock(&s->lock);
}

/* Each in turn, until one knows.  What one of them says counts more than that
 * others cannot be reached. */
static int sentinels_ask(struct ws__redis_sentinels *s,
                         struct ws__redis_host *h, int64_t deadline,
                         ws_event *cancel, ws_error *err)
{
    size_t n = s->url->n, first = sentinel_first(s);
    ws_error why = { 0 };

    for (size_t i = 0; i < n && why.code != WS_ERR_CANCELED; i++) {
        size_t at = (first + i) % n;
        ws_error one = { 0 };

        if (sentinel_ask(s, at, h, sentinel_deadline(deadline, n - i), cancel,
                         &one) == 0) {
            sentinel_remember(s, at);
            return 0;
        }
        if (why.code == 0 || one.code == WS_ERR_REDIS ||
            one.code == WS_ERR_CANCELED)
            why = one;
    }
    return ws__fail(err, why.code, "%s", why.text);
}

int ws__redis_sentinels_find(struct ws__redis_host *h, int64_t deadline,
                             ws_event *cancel, void *arg, ws_error *err)
{
    struct ws__redis_sentinels *s = arg;
    int r = sentinels_ask(s, h, deadline, cancel, err);

    if (r == 0) {
        ws_mutex_lock(&s->lock);
        s->found = *h;
        ws_mutex_unlock(&s->lock);
    }
    return r;
}

bool ws__redis_sentinels_differ(struct ws__redis_sentinels *s, ws_event *cancel)
{
    struct ws__redis_host h;

    if (sentinels_ask(s, &h, ws__limit_deadline(s->way.timeout_ms), cancel,
                      NULL) != 0)
        return false;
    ws_mutex_lock(&s->lock);
    bool differ =
        s->found.name[0] != '\0' && !ws__redis_host_equal(&s->found, &h);
    ws_mutex_unlock(&s->lock);
    return differ;
}

/* ---- Listening ---------------------------------------------------------- */

/* Whichever comes next: one that is gone has failed when it is asked again. */
static int sentinel_to_hear(struct ws__redis_host *h, int64_t deadline,
                            ws_event *cancel, void *arg, ws_error *err)
{
    struct ws__redis_sentinels *s = arg;

    (void)deadline;
    (void)cancel;
    (void)err;
    *h = s->url->hosts[s->heard++ % s->url->n];
    return 0;
}

/* Of which master does not matter: it is asked for. */
static void sentinel_message(struct ws__str channel, struct ws__str data,
                             void *arg)
{
    struct ws__redis_sentinels *s = arg;

    (void)channel;
    (void)data;
    ws_event_set(s->changed);
}

static void sentinel_subscribed(struct ws__str channel, void *arg)
{
    sentinel_message(channel, channel, arg);
}

void ws__redis_sentinels_run(struct ws__redis_sentinels *s)
{
    ws__redis_subscription_run(s->subscription);
}

void ws__redis_sentinels_stop(struct ws__redis_sentinels *s)
{
    ws__redis_subscription_stop(s->subscription);
}

/* ---- Their life --------------------------------------------------------- */

struct ws__redis_sentinels *ws__redis_sentinels_new(
    const struct ws__redis_way *way, const struct ws__redis_url *url,
    ws_event *changed)
{
    struct ws__redis_sentinels *s = ws__zalloc(sizeof(*s));

    if (!s)
        return NULL;
    s->way = *way;
    s->way.db = 0;
    s->way.master = false;
    s->way.if_asked = true;
    s->url = url;
    s->changed = changed;
    s->listener = (struct ws__redis_listener){
        .message = sentinel_message,
        .subscribed = sentinel_subscribed,
        .arg = s,
    };
    s->subscription = ws__redis_subscription_new(&s->way, sentinel_to_hear, s,
                                                 false, &s->listener);
    if (!s->subscription ||
        ws__redis_subscription_add(s->subscription,
                                   ws__str("+switch-master")) != 0) {
        ws__redis_sentinels_free(s);
        return NULL;
    }
    return s;
}

void ws__redis_sentinels_free(struct ws__redis_sentinels *s)
{
    if (!s)
        return;
    ws__redis_subscription_free(s->subscription);
    ws_free(s);
}
