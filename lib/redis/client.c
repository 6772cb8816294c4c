/* SPDX-License-Identifier: MIT */

#include "redis/client.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "fiber/limit.h"
#include "fiber/sync.h"
#include "redis/codec.h"
#include "redis/node.h"
#include "redis/url.h"

enum {
    TIMEOUT_MS = 5000,
    SILENCE_MS = 5000,
    FIRST_PAUSE_MS = 20,
    LONGEST_PAUSE_MS = 500,
};

struct ws__redis {
    struct ws__redis_url url;
    struct ws__redis_way way;
    struct ws__redis_listener listener;
    struct ws__redis_node *node;
    ws_event stop;
};

/* ---- Its life ----------------------------------------------------------- */

static int client_init(struct ws__redis *r, const struct ws__redis_options *o,
                       ws_error *err)
{
    int code = ws__redis_url_parse(&r->url, o->url, err);

    if (code != 0)
        return code;
    r->way = (struct ws__redis_way){
        .user = r->url.user,
        .password = r->url.password,
        .db = r->url.db,
        .secure = r->url.tls,
        .tls = o->tls,
        .timeout_ms =
            o->connect_timeout_ms ? o->connect_timeout_ms : TIMEOUT_MS,
        .silence_ms = o->silence_ms ? o->silence_ms : SILENCE_MS,
    };
    r->listener = o->listener;
    r->node = ws__redis_node_new(&r->way, r->url.hosts, NULL, NULL, false,
                                 &r->listener);
    return r->node ? 0 : ws__fail(err, -ENOMEM, "out of memory");
}

struct ws__redis *ws__redis_new(const struct ws__redis_options *o,
                                ws_error *err)
{
    ws_error unseen;

    if (!err)
        err = &unseen;
    *err = (ws_error){ 0 };
    if (!ws__redis_codec_exists()) {
        ws__fail(err, -ENOTSUP,
                 "Redis: this library was built without hiredis");
        return NULL;
    }
    struct ws__redis *r = ws__zalloc(sizeof(*r));
    if (!r) {
        ws__fail(err, -ENOMEM, "out of memory");
        return NULL;
    }
    if (client_init(r, o, err) != 0) {
        ws__redis_free(r);
        return NULL;
    }
    return r;
}

void ws__redis_free(struct ws__redis *r)
{
    if (!r)
        return;
    ws__redis_node_free(r->node);
    ws__redis_url_fini(&r->url);
    ws_free(r);
}

int ws__redis_run(struct ws__redis *r)
{
    int code = ws__redis_node_start(r->node);

    if (code == 0)
        ws_event_wait(&r->stop, 0);
    ws__redis_node_stop(r->node);
    ws__redis_node_join(r->node);
    return code;
}

void ws__redis_stop(struct ws__redis *r)
{
    ws_event_set(&r->stop);
}

bool ws__redis_is_cluster(const struct ws__redis *r)
{
    return r->url.kind == WS__REDIS_CLUSTER;
}

/* ---- Asking ------------------------------------------------------------- */

/* What a new attempt may mend: nothing has been done. */
static bool is_passing(const struct ws__redis_reply *reply)
{
    static const char *const words[] = {
        "READONLY",    "LOADING", "MASTERDOWN", "TRYAGAIN",
        "CLUSTERDOWN", "BUSY",    "NOREPLICAS",
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        if (ws__redis_reply_is_error(reply, words[i]))
            return true;
    return false;
}

/* Returns 0, or why there is no further attempt. */
static int client_pause(struct ws__redis *r, int attempt, int64_t deadline,
                        struct ws__str said, ws_error *err)
{
    int ms = attempt < 5 ? FIRST_PAUSE_MS << attempt : LONGEST_PAUSE_MS;
    int64_t until = ws__earlier(deadline, ws_after(ms));

    if (ws_event_wait(&r->stop, until) == 0)
        return ws__fail(err, WS_ERR_CANCELED, "Redis is asked no more");
    if (deadline != 0 && ws_now() >= deadline)
        return ws__fail(err, WS_ERR_TIMEOUT, "Redis says: %.*s", (int)said.n,
                        said.p);
    return 0;
}

static int client_ask(struct ws__redis *r, const struct ws__redis_command *c,
                      int64_t deadline, struct ws__redis_reply **reply,
                      bool *done, ws_error *err)
{
    for (int attempt = 0;; attempt++) {
        int code = ws__redis_pipe_call(r->node->pipe, c, false, deadline, reply,
                                       done, err);

        if (code != 0 || !is_passing(*reply))
            return code;
        code = client_pause(r, attempt, deadline, ws__redis_reply_str(*reply),
                            err);
        ws__redis_reply_free(*reply);
        *reply = NULL;
        *done = false;
        if (code != 0)
            return code;
    }
}

int ws__redis_call(struct ws__redis *r, const struct ws__redis_command *c,
                   int64_t deadline, struct ws__redis_reply **reply, bool *done,
                   ws_error *err)
{
    bool unseen;

    if (err)
        *err = (ws_error){ 0 };
    return client_ask(r, c, deadline, reply, done ? done : &unseen, err);
}

/* ---- Scripts ------------------------------------------------------------ */

static int eval_as(struct ws__redis *r, const char *how, struct ws__str script,
                   const struct ws__redis_command *c, int64_t deadline,
                   struct ws__redis_reply **reply, bool *done, ws_error *err)
{
    struct ws__str words[WS__REDIS_WORDS] = { ws__str(how), script };

    *reply = NULL;
    if (c->n < 0 || c->n > WS__REDIS_WORDS - 2)
        return ws__fail(err, WS_ERR_INVALID, "a script of %d words", c->n);
    memcpy(words + 2, c->words, (size_t)c->n * sizeof(*words));
    return ws__redis_call(r,
                          &(struct ws__redis_command){
                              .n = c->n + 2, .words = words, .key = c->key },
                          deadline, reply, done, err);
}

int ws__redis_eval(struct ws__redis *r, const struct ws__redis_script *s,
                   const struct ws__redis_command *c, int64_t deadline,
                   struct ws__redis_reply **reply, bool *done, ws_error *err)
{
    int code =
        eval_as(r, "EVALSHA", ws__str(s->sha1), c, deadline, reply, done, err);

    if (code != 0 || !ws__redis_reply_is_error(*reply, "NOSCRIPT"))
        return code;
    ws__redis_reply_free(*reply);
    return eval_as(r, "EVAL", ws__str(s->text), c, deadline, reply, done, err);
}

/* ---- Listening ---------------------------------------------------------- */

int ws__redis_subscribe(struct ws__redis *r, struct ws__str channel)
{
    return ws__redis_subscription_add(r->node->subscription, channel);
}

void ws__redis_unsubscribe(struct ws__redis *r, struct ws__str channel)
{
    ws__redis_subscription_remove(r->node->subscription, channel);
}
