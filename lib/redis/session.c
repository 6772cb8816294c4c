/* SPDX-License-Identifier: MIT */

#include "redis/session.h"

#include "base/error.h"
#include "fiber/limit.h"
#include "fiber/sync.h"
#include "io/random.h"

enum {
    BASE_DELAY_MS = 50,
    MAX_DELAY_MS = 2000,
    STABLE_MS = 5000,
};

void ws__redis_session_init(struct ws__redis_session *s,
                            const struct ws__redis_way *way,
                            ws__redis_find find, void *arg)
{
    s->way = way;
    s->find = find;
    s->arg = arg;
    s->backoff = (struct ws__backoff){ .base = BASE_DELAY_MS,
                                       .max = MAX_DELAY_MS,
                                       .stable = STABLE_MS };
    pthread_mutex_init(&s->lock, NULL);
}

void ws__redis_session_fini(struct ws__redis_session *s)
{
    pthread_mutex_destroy(&s->lock);
}

static void session_tell(struct ws__redis_session *s, bool *what)
{
    pthread_mutex_lock(&s->lock);
    *what = true;
    pthread_mutex_unlock(&s->lock);
    ws_event_set(&s->wake);
}

void ws__redis_session_stop(struct ws__redis_session *s)
{
    session_tell(s, &s->stopping);
    ws_event_set(&s->stop);
}

void ws__redis_session_reset(struct ws__redis_session *s)
{
    session_tell(s, &s->reset);
}

bool ws__redis_session_wait(struct ws__redis_session *s,
                            bool (*work)(void *owner), void *owner)
{
    for (;;) {
        ws_event_clear(&s->wake);
        pthread_mutex_lock(&s->lock);
        bool stopping = s->stopping, some = work(owner);
        pthread_mutex_unlock(&s->lock);

        if (stopping || (some && ws_now() >= s->not_before))
            return !stopping;
        ws_event_wait(&s->wake, some ? s->not_before : 0);
    }
}

static void session_note(struct ws__redis_session *s, const ws_error *why)
{
    pthread_mutex_lock(&s->lock);
    s->why = *why;
    s->reset = false;
    pthread_mutex_unlock(&s->lock);
}

int ws__redis_session_open(struct ws__redis_session *s)
{
    int64_t deadline = ws__limit_deadline(s->way->timeout_ms);
    struct ws__redis_host host;
    ws_error err = { 0 };
    int r = s->find(&host, deadline, &s->stop, s->arg, &err);

    if (r == 0)
        r = ws__redis_link_open(&s->link, s->way, &host, deadline, &s->stop,
                                &err);
    if (r != 0) {
        ws__redis_session_close(s, &err);
        return r;
    }
    ws__backoff_connected(&s->backoff, ws_now());
    s->pinged_at = 0;
    session_note(s, &err);
    return 0;
}

void ws__redis_session_close(struct ws__redis_session *s, const ws_error *why)
{
    uint64_t bits = 0;

    ws__redis_link_close(&s->link);
    ws__backoff_failed(&s->backoff, ws_now());
    ws__random(&bits, sizeof(bits));
    s->not_before = ws_after(ws__backoff_delay(&s->backoff, bits));
    session_note(s, why);
}

bool ws__redis_session_turn(struct ws__redis_session *s)
{
    ws_event_clear(&s->wake);
    pthread_mutex_lock(&s->lock);
    bool on = !s->stopping && !s->reset;
    pthread_mutex_unlock(&s->lock);
    return on;
}

/* A PING waits behind whatever holds the server up, and need not come back as
 * soon as it has to be sent. */
static int64_t session_patience(const struct ws__redis_session *s)
{
    int64_t silence = s->way->silence_ms;

    return s->pinged_at != 0 ? s->pinged_at + 2 * silence
                             : s->link.heard_at + silence;
}

int ws__redis_session_next(struct ws__redis_session *s, int64_t until,
                           struct ws__redis_reply **reply, ws_error *err)
{
    int64_t heard_at = s->link.heard_at, patience = session_patience(s);
    int r = ws__redis_link_next(&s->link, ws__earlier(patience, until),
                                &s->wake, reply, err);

    if (r != 0)
        *reply = NULL;
    if (s->link.heard_at != heard_at)
        s->pinged_at = 0;
    if (r == WS_ERR_CANCELED || (r == WS_ERR_TIMEOUT && ws_now() < patience))
        return 0;
    if (r == WS_ERR_TIMEOUT && s->pinged_at != 0)
        return ws__fail(err, WS_ERR_DEAD, "Redis no longer answers");
    return r;
}

void ws__redis_session_pinged(struct ws__redis_session *s)
{
    s->pinged_at = ws_now();
}
