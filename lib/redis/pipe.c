/* SPDX-License-Identifier: MIT */

#include "redis/pipe.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/error.h"
#include "redis/call.h"

/* What is taken beyond may have been done when the connection breaks.  A server
 * that reads and does not answer is given no more than that. */
enum { TAKEN_AT_ONCE = 64 * 1024, SENT_MOST = 2048 };

struct ws__redis_pipe {
    struct ws__redis_session session;
    bool leaving; /* the server says that it is the wrong one */

    /* Under its lock: */
    struct ws__redis_calls queued;
    struct ws__redis_calls sent;
    int in_sent;
    bool away; /* nothing is queued */
};

struct ws__redis_pipe *ws__redis_pipe_new(const struct ws__redis_way *way,
                                          ws__redis_find find, void *arg)
{
    struct ws__redis_pipe *p = ws__zalloc(sizeof(*p));

    if (p)
        ws__redis_session_init(&p->session, way, find, arg);
    return p;
}

void ws__redis_pipe_free(struct ws__redis_pipe *p)
{
    if (!p)
        return;
    ws__redis_session_fini(&p->session);
    ws_free(p);
}

void ws__redis_pipe_stop(struct ws__redis_pipe *p)
{
    ws__redis_session_stop(&p->session);
}

void ws__redis_pipe_reset(struct ws__redis_pipe *p)
{
    ws__redis_session_reset(&p->session);
}

void ws__redis_pipe_turn_away(struct ws__redis_pipe *p, bool away)
{
    pthread_mutex_lock(&p->session.lock);
    p->away = away;
    if (away)
        ws__redis_calls_fail(&p->queued, -EHOSTUNREACH);
    pthread_mutex_unlock(&p->session.lock);
}

/* ---- Callers ------------------------------------------------------------ */

static int pipe_enqueue(struct ws__redis_pipe *p, struct ws__redis_call *call)
{
    pthread_mutex_lock(&p->session.lock);
    int r = p->session.stopping ? WS_ERR_CANCELED : p->away ? -EHOSTUNREACH : 0;
    if (r == 0)
        ws__redis_calls_add(&p->queued, call);
    pthread_mutex_unlock(&p->session.lock);
    if (r == 0)
        ws_event_set(&p->session.wake);
    return r;
}

/* The caller gives up, unless it has been finished in this very moment.  One
 * that was sent keeps its place among the answers. */
static bool pipe_leave(struct ws__redis_pipe *p, struct ws__redis_call *call,
                       bool *done, ws_error *err)
{
    const ws_error *why = &p->session.why;

    pthread_mutex_lock(&p->session.lock);
    bool finished = call->finished;
    *done = call->sent;
    if (!finished && !call->sent)
        ws__redis_calls_remove(&p->queued, call);
    if (!finished) {
        call->left = true;
        ws__fail(err, WS_ERR_TIMEOUT, "%s",
                 why->code ? why->text : "Redis did not answer in time");
    }
    pthread_mutex_unlock(&p->session.lock);

    if (!finished && !*done)
        ws__redis_call_free(call);
    return !finished;
}

static int pipe_result(struct ws__redis_call *call,
                       struct ws__redis_reply **reply, bool *done,
                       ws_error *err)
{
    int r = call->code;

    *reply = call->reply;
    *done = call->sent;
    call->reply = NULL;
    ws__redis_call_free(call);
    if (r != 0 && r != -EHOSTUNREACH)
        ws__fail(err, r,
                 r == WS_ERR_CANCELED ? "Redis is asked no more"
                                      : "Redis went before it had answered");
    return r;
}

int ws__redis_pipe_call(struct ws__redis_pipe *p,
                        const struct ws__redis_command *c, bool asking,
                        int64_t deadline, struct ws__redis_reply **reply,
                        bool *done, ws_error *err)
{
    struct ws__redis_call *call;
    int r = ws__redis_call_new(&call, c, asking);

    *reply = NULL;
    *done = false;
    if (r == 0) {
        r = pipe_enqueue(p, call);
        if (r != 0)
            ws__redis_call_free(call);
    }
    if (r == -EHOSTUNREACH)
        return r;
    if (r != 0)
        return ws__fail(err, r, "a command for Redis: %s", ws_strerror(r));
    if (ws_event_wait(&call->over, deadline) != 0 &&
        pipe_leave(p, call, done, err))
        return WS_ERR_TIMEOUT;
    return pipe_result(call, reply, done, err);
}

/* ---- The connection ----------------------------------------------------- */

static int pipe_put(struct ws__redis_pipe *p, struct ws__redis_call *call)
{
    int r = ws__redis_link_put_bytes(&p->session.link, call->bytes, call->len);

    if (r == 0) {
        ws__redis_calls_add(&p->sent, call);
        p->in_sent++;
        call->sent = true;
        ws_free(call->bytes);
        call->bytes = NULL;
    }
    return r;
}

/* What is not taken now is by the time that there is an answer. */
static int pipe_take(struct ws__redis_pipe *p)
{
    struct ws__redis_call *call;
    int r = 0;

    pthread_mutex_lock(&p->session.lock);
    while (r == 0 && !p->leaving && p->in_sent < SENT_MOST &&
           (call = p->queued.first) &&
           ws__buf_used(&p->session.link.out) < TAKEN_AT_ONCE) {
        ws__redis_calls_remove(&p->queued, call);
        r = pipe_put(p, call);
        if (r != 0)
            ws__redis_call_finish(call, r, NULL);
    }
    pthread_mutex_unlock(&p->session.lock);
    return r;
}

/* To the first that has none.  Returns WS_ERR_REDIS when nobody has asked. */
static int pipe_answer(struct ws__redis_pipe *p, struct ws__redis_reply *reply,
                       ws_error *err)
{
    if (ws__redis_reply_is_error(reply, "READONLY"))
        p->leaving = true;
    pthread_mutex_lock(&p->session.lock);
    struct ws__redis_call *call = p->sent.first;
    bool last = call && --call->replies == 0;
    if (last) {
        ws__redis_calls_remove(&p->sent, call);
        p->in_sent--;
        ws__redis_call_finish(call, 0, reply);
    }
    pthread_mutex_unlock(&p->session.lock);

    if (!last)
        ws__redis_reply_free(reply);
    return call ? 0
                : ws__fail(err, WS_ERR_REDIS, "Redis says what nobody asked");
}

static int pipe_ping(struct ws__redis_pipe *p)
{
    const struct ws__str word = ws__str("PING");
    struct ws__redis_call *call;
    int r = ws__redis_call_new(
        &call, &(struct ws__redis_command){ .n = 1, .words = &word }, false);

    if (r != 0)
        return r;
    call->left = true;
    pthread_mutex_lock(&p->session.lock);
    r = pipe_put(p, call);
    pthread_mutex_unlock(&p->session.lock);
    if (r != 0)
        ws__redis_call_free(call);
    ws__redis_session_pinged(&p->session);
    return r;
}

static bool pipe_goes_on(struct ws__redis_pipe *p)
{
    return ws__redis_session_turn(&p->session) &&
           !(p->leaving && !p->sent.first);
}

static void pipe_serve(struct ws__redis_pipe *p, ws_error *err)
{
    int r = 0;

    p->leaving = false;
    while (r == 0 && pipe_goes_on(p)) {
        struct ws__redis_reply *reply = NULL;

        r = pipe_take(p);
        if (r == 0)
            r = ws__redis_session_next(&p->session, 0, &reply, err);
        if (r == WS_ERR_TIMEOUT)
            r = pipe_ping(p);
        if (r == 0 && reply)
            r = pipe_answer(p, reply, err);
    }
    if (r != 0)
        ws__fail(err, r, "the connection to Redis: %s", ws_strerror(r));
}

/* ---- Its life ----------------------------------------------------------- */

static bool pipe_has_work(void *pipe)
{
    return ((struct ws__redis_pipe *)pipe)->queued.first;
}

static void pipe_fail(struct ws__redis_pipe *p, struct ws__redis_calls *calls,
                      int code)
{
    pthread_mutex_lock(&p->session.lock);
    ws__redis_calls_fail(calls, code);
    pthread_mutex_unlock(&p->session.lock);
}

void ws__redis_pipe_run(struct ws__redis_pipe *p)
{
    while (ws__redis_session_wait(&p->session, pipe_has_work, p)) {
        ws_error err = { 0 };

        if (ws__redis_session_open(&p->session) != 0)
            continue;
        pipe_serve(p, &err);
        ws__redis_session_close(&p->session, &err);
        pipe_fail(p, &p->sent, WS_ERR_DEAD);
        p->in_sent = 0;
    }
    pipe_fail(p, &p->queued, WS_ERR_CANCELED);
}
