/* SPDX-License-Identifier: MIT */

#include "redis/subscription.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/log.h"
#include "fiber/seldom.h"
#include "redis/channels.h"

enum {
    PUT_AT_ONCE = 64 * 1024,
    REFUSED_MS = 1000, /* until a channel that was refused is tried again */
};

/* Channels are freed by the running fiber alone. */
struct ws__redis_subscription {
    struct ws__redis_session session;
    const struct ws__redis_listener *listener;
    bool sharded;
    _Atomic int64_t said;

    /* The running fiber's: */
    struct ws__redis_queue asked; /* who waits for an answer */
    struct ws__redis_channel ping;
    struct ws__redis_queue refused;
    int64_t retry_at; /* 0: there are none */

    /* Under its lock, as all of a channel: */
    struct ws__redis_channels channels;
    struct ws__redis_queue changed; /* who may have to be asked for */
    size_t wanted;
};

struct ws__redis_subscription *ws__redis_subscription_new(
    const struct ws__redis_way *way, ws__redis_find find, void *arg,
    bool sharded, const struct ws__redis_listener *listener)
{
    struct ws__redis_subscription *s = ws__zalloc(sizeof(*s));

    if (!s)
        return NULL;
    ws__redis_session_init(&s->session, way, find, arg);
    s->sharded = sharded;
    s->listener = listener;
    return s;
}

void ws__redis_subscription_free(struct ws__redis_subscription *s)
{
    if (!s)
        return;
    ws__redis_channels_fini(&s->channels);
    ws__redis_session_fini(&s->session);
    ws_free(s);
}

void ws__redis_subscription_stop(struct ws__redis_subscription *s)
{
    ws__redis_session_stop(&s->session);
}

void ws__redis_subscription_reset(struct ws__redis_subscription *s)
{
    ws__redis_session_reset(&s->session);
}

/* ---- From any thread ---------------------------------------------------- */

static void sub_changed(struct ws__redis_subscription *s,
                        struct ws__redis_channel *c)
{
    if (!c->queued)
        ws__redis_queue_put(&s->changed, c);
}

static void sub_want(struct ws__redis_subscription *s,
                     struct ws__redis_channel *c, bool wanted)
{
    if (c->wanted == wanted)
        return;
    c->wanted = wanted;
    s->wanted += wanted ? 1 : (size_t)-1;
    sub_changed(s, c);
}

int ws__redis_subscription_add(struct ws__redis_subscription *s,
                               struct ws__str channel)
{
    pthread_mutex_lock(&s->session.lock);
    struct ws__redis_channel *c = ws__redis_channels_get(&s->channels, channel);
    if (c)
        sub_want(s, c, true);
    pthread_mutex_unlock(&s->session.lock);
    ws_event_set(&s->session.wake);
    return c ? 0 : -ENOMEM;
}

void ws__redis_subscription_remove(struct ws__redis_subscription *s,
                                   struct ws__str channel)
{
    pthread_mutex_lock(&s->session.lock);
    struct ws__redis_channel *c =
        ws__redis_channels_find(&s->channels, channel);
    if (c)
        sub_want(s, c, false);
    pthread_mutex_unlock(&s->session.lock);
    ws_event_set(&s->session.wake);
}

/* ---- Asking ------------------------------------------------------------- */

static int sub_ask(struct ws__redis_subscription *s,
                   struct ws__redis_channel *c)
{
    static const char *const words[2][2] = {
        { "UNSUBSCRIBE", "SUBSCRIBE" },
        { "SUNSUBSCRIBE", "SSUBSCRIBE" },
    };
    const struct ws__str command[] = {
        ws__str(words[s->sharded][c->wanted]),
        c->name,
    };
    int r = ws__redis_link_put(
        &s->session.link,
        &(struct ws__redis_command){ .n = 2, .words = command });

    if (r != 0)
        return r;
    c->state = c->wanted ? WS__REDIS_ASKED_ON : WS__REDIS_ASKED_OFF;
    ws__redis_queue_put(&s->asked, c);
    return 0;
}

/* One that waits for an answer is looked at again when it comes. */
static int sub_look_at(struct ws__redis_subscription *s,
                       struct ws__redis_channel *c)
{
    if (c->state == (c->wanted ? WS__REDIS_OFF : WS__REDIS_ON))
        return sub_ask(s, c);
    if (c->state == WS__REDIS_OFF)
        ws__redis_channels_remove(&s->channels, c);
    return 0;
}

/* It is subscribed now: or was all the time, though it was not wanted any more,
 * for it is again, by somebody who has not heard of that.  With the lock held, and
 * without it meanwhile. */
static void sub_tell_on(struct ws__redis_subscription *s,
                        const struct ws__redis_channel *c)
{
    const struct ws__redis_listener *l = s->listener;

    pthread_mutex_unlock(&s->session.lock);
    l->subscribed(c->name, l->arg);
    pthread_mutex_lock(&s->session.lock);
}

static int sub_take(struct ws__redis_subscription *s)
{
    struct ws__redis_channel *c;
    int r = 0;

    pthread_mutex_lock(&s->session.lock);
    while (r == 0 && ws__buf_used(&s->session.link.out) < PUT_AT_ONCE &&
           (c = ws__redis_queue_take(&s->changed)))
        if (c->wanted && c->state == WS__REDIS_ON)
            sub_tell_on(s, c);
        else
            r = sub_look_at(s, c);
    pthread_mutex_unlock(&s->session.lock);
    return r;
}

/* The answer to a PING stands in the queue as a channel's does. */
static int sub_ping(struct ws__redis_subscription *s)
{
    const struct ws__str word = ws__str("PING");
    const struct ws__redis_command ping = { .n = 1, .words = &word };
    int r = 0;

    if (!s->ping.queued) {
        r = ws__redis_link_put(&s->session.link, &ping);
        if (r == 0)
            ws__redis_queue_put(&s->asked, &s->ping);
    }
    ws__redis_session_pinged(&s->session);
    return r;
}

/* ---- Hearing ------------------------------------------------------------ */

/* A channel is subscribed, or is no longer: because it was asked for; or, in a
 * cluster, because its slot has moved. */
static int sub_became(struct ws__redis_subscription *s, struct ws__str name,
                      bool on, ws_error *err)
{
    const struct ws__redis_listener *l = s->listener;

    pthread_mutex_lock(&s->session.lock);
    struct ws__redis_channel *c = ws__redis_channels_find(&s->channels, name);
    bool asked = c && s->asked.first == c;
    bool was_on = c && c->state == WS__REDIS_ON;
    if (asked)
        ws__redis_queue_take(&s->asked);
    if (asked || (was_on && !on)) {
        c->state = on ? WS__REDIS_ON : WS__REDIS_OFF;
        sub_changed(s, c);
    }
    bool wanted = c && c->wanted;
    pthread_mutex_unlock(&s->session.lock);

    if (on && !asked)
        return ws__fail(err, WS_ERR_REDIS,
                        "Redis subscribes to what nobody asked for");
    if (was_on && !on && wanted && l->lost)
        l->lost(c->name, l->arg);
    return 0;
}

/* An error is the answer to what was asked first. */
static int sub_refused(struct ws__redis_subscription *s,
                       const struct ws__redis_reply *reply, ws_error *err)
{
    const struct ws__redis_listener *l = s->listener;

    pthread_mutex_lock(&s->session.lock);
    struct ws__redis_channel *c = ws__redis_queue_take(&s->asked);
    if (c && c != &s->ping) {
        c->state =
            c->state == WS__REDIS_ASKED_ON ? WS__REDIS_OFF : WS__REDIS_ON;
        ws__redis_queue_put(&s->refused, c);
    }
    pthread_mutex_unlock(&s->session.lock);

    if (!c)
        return ws__fail(err, WS_ERR_REDIS, "Redis says: %s", reply->str);
    if (c == &s->ping)
        return 0;
    if (s->retry_at == 0)
        s->retry_at = ws_after(REFUSED_MS);
    if (!ws__redis_reply_is_error(reply, "MOVED") && ws__seldom(&s->said))
        ws__log(WS__LOG(WS_LOG_WARNING, "redis_refused"),
                "Redis refuses a channel: %s", reply->str);
    if (l->refused)
        l->refused(c->name, ws__redis_reply_str(reply), l->arg);
    return 0;
}

static bool is_one_of(struct ws__str s, const char *a, const char *b)
{
    return ws__str_is(s, a) || ws__str_is(s, b);
}

static int sub_hear(struct ws__redis_subscription *s,
                    const struct ws__redis_reply *reply, ws_error *err)
{
    const struct ws__redis_listener *l = s->listener;
    struct ws__str kind = ws__redis_reply_str(ws__redis_reply_at(reply, 0));
    struct ws__str name = ws__redis_reply_str(ws__redis_reply_at(reply, 1));

    if (reply->type == WS__REDIS_ERROR)
        return sub_refused(s, reply, err);
    if (is_one_of(kind, "message", "smessage") && reply->elements == 3)
        l->message(name, ws__redis_reply_str(reply->element[2]), l->arg);
    else if (is_one_of(kind, "subscribe", "ssubscribe"))
        return sub_became(s, name, true, err);
    else if (is_one_of(kind, "unsubscribe", "sunsubscribe"))
        return sub_became(s, name, false, err);
    else if (s->asked.first == &s->ping)
        ws__redis_queue_take(&s->asked);
    else
        return ws__fail(err, WS_ERR_REDIS, "Redis says what nobody asked");
    return 0;
}

/* ---- The connection ----------------------------------------------------- */

static void sub_retry(struct ws__redis_subscription *s)
{
    struct ws__redis_channel *c;

    if (s->retry_at == 0 || ws_now() < s->retry_at)
        return;
    s->retry_at = 0;
    pthread_mutex_lock(&s->session.lock);
    while ((c = ws__redis_queue_take(&s->refused)))
        ws__redis_queue_put(&s->changed, c);
    pthread_mutex_unlock(&s->session.lock);
}

static void sub_serve(struct ws__redis_subscription *s, ws_error *err)
{
    int r = 0;

    while (r == 0 && ws__redis_session_turn(&s->session)) {
        struct ws__redis_reply *reply = NULL;

        sub_retry(s);
        r = sub_take(s);
        if (r == 0)
            r = ws__redis_session_next(&s->session, s->retry_at, &reply, err);
        if (r == WS_ERR_TIMEOUT)
            r = sub_ping(s);
        if (r == 0 && reply)
            r = sub_hear(s, reply, err);
        ws__redis_reply_free(reply);
    }
    if (r != 0)
        ws__fail(err, r, "the connection to Redis: %s", ws_strerror(r));
}

/* All are to be asked for again.  Returns those that were subscribed. */
static struct ws__redis_queue sub_forget(struct ws__redis_subscription *s)
{
    struct ws__redis_queue lost = { 0 };

    pthread_mutex_lock(&s->session.lock);
    s->asked.first = s->changed.first = s->refused.first = NULL;
    s->ping.queued = false;
    for (struct ws__redis_channel *c = s->channels.newest; c; c = c->older) {
        bool was_on = c->state == WS__REDIS_ON && c->wanted;

        c->state = WS__REDIS_OFF;
        ws__redis_queue_put(was_on ? &lost : &s->changed, c);
    }
    pthread_mutex_unlock(&s->session.lock);
    s->retry_at = 0;
    return lost;
}

static void sub_tell_lost(struct ws__redis_subscription *s)
{
    const struct ws__redis_listener *l = s->listener;
    struct ws__redis_queue lost = sub_forget(s);

    while (lost.first) {
        pthread_mutex_lock(&s->session.lock);
        struct ws__redis_channel *c = ws__redis_queue_take(&lost);
        ws__redis_queue_put(&s->changed, c);
        pthread_mutex_unlock(&s->session.lock);
        if (l->lost)
            l->lost(c->name, l->arg);
    }
}

/* ---- Its life ----------------------------------------------------------- */

/* While there is no link, those that came and went are not to pile up. */
static void sub_prune(struct ws__redis_subscription *s)
{
    struct ws__redis_queue all = s->changed;
    struct ws__redis_channel *c;

    if (s->channels.n < 2 * s->wanted + 16)
        return;
    s->changed.first = NULL;
    while ((c = ws__redis_queue_take(&all))) {
        if (c->wanted)
            ws__redis_queue_put(&s->changed, c);
        else
            ws__redis_channels_remove(&s->channels, c);
    }
}

static bool sub_has_work(void *sub)
{
    struct ws__redis_subscription *s = sub;

    sub_prune(s);
    return s->wanted > 0;
}

void ws__redis_subscription_run(struct ws__redis_subscription *s)
{
    while (ws__redis_session_wait(&s->session, sub_has_work, s)) {
        ws_error err = { 0 };

        if (ws__redis_session_open(&s->session) != 0)
            continue;
        sub_serve(s, &err);
        ws__redis_session_close(&s->session, &err);
        sub_tell_lost(s);
    }
}
