/* SPDX-License-Identifier: MIT */

#include "redis/client.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "fiber/limit.h"
#include "fiber/sync.h"
#include "redis/cluster.h"
#include "redis/codec.h"
#include "redis/node.h"
#include "redis/sentinel.h"
#include "redis/url.h"

enum {
    TIMEOUT_MS = 5000,
    SILENCE_MS = 5000,
    FIRST_PAUSE_MS = 20,
    LONGEST_PAUSE_MS = 500,
    REDIRECTS_AT_ONCE = 2, /* more of them may never end */
};

struct ws__redis {
    struct ws__redis_url url;
    struct ws__redis_way way;
    struct ws__redis_listener listener;
    struct ws__redis_node *node;           /* NULL: a cluster */
    struct ws__redis_sentinels *sentinels; /* NULL: there are none */
    struct ws__redis_cluster *cluster;     /* NULL: it is none */
    ws_event stop;
    ws_event changed; /* the master may have */
};

/* ---- Its life ----------------------------------------------------------- */

/* What the kind of URL asks for. */
static bool client_build(struct ws__redis *r)
{
    ws__redis_find find = NULL;

    if (r->url.kind == WS__REDIS_CLUSTER) {
        r->cluster = ws__redis_cluster_new(&r->way, &r->url, &r->listener);
        return r->cluster;
    }
    if (r->url.kind == WS__REDIS_SENTINEL) {
        r->way.master = true;
        r->sentinels = ws__redis_sentinels_new(&r->way, &r->url, &r->changed);
        if (!r->sentinels)
            return false;
        find = ws__redis_sentinels_find;
    }
    r->node = ws__redis_node_new(&r->way, find ? NULL : r->url.hosts, find,
                                 r->sentinels, false, &r->listener);
    return r->node;
}

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
    return client_build(r) ? 0 : ws__fail(err, -ENOMEM, "out of memory");
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
    ws__redis_sentinels_free(r->sentinels);
    ws__redis_cluster_free(r->cluster);
    ws__redis_url_fini(&r->url);
    ws_free(r);
}

static void client_listen(void *arg)
{
    ws__redis_sentinels_run(arg);
}

/* Until it is to stop: a master that is no longer one is left. */
static void client_watch(struct ws__redis *r)
{
    while (!ws_event_is_set(&r->stop)) {
        ws_wait_any(-1, 0, 0, &r->stop, &r->changed);
        if (!ws_event_is_set(&r->changed))
            continue;
        ws_event_clear(&r->changed);
        if (ws__redis_sentinels_differ(r->sentinels, &r->stop))
            ws__redis_node_reset(r->node);
    }
}

static int client_run_sentinel(struct ws__redis *r)
{
    ws_fiber *f = ws_go(client_listen, r->sentinels);

    if (!f)
        return -ENOMEM;
    client_watch(r);
    ws__redis_sentinels_stop(r->sentinels);
    ws_join(f);
    return 0;
}

int ws__redis_run(struct ws__redis *r)
{
    if (r->cluster) {
        ws__redis_cluster_run(r->cluster);
        return 0;
    }
    int code = ws__redis_node_start(r->node);
    if (code == 0 && r->sentinels)
        code = client_run_sentinel(r);
    else if (code == 0)
        ws_event_wait(&r->stop, 0);
    ws__redis_node_stop(r->node);
    ws__redis_node_join(r->node);
    return code;
}

void ws__redis_stop(struct ws__redis *r)
{
    ws_event_set(&r->stop);
    if (r->cluster)
        ws__redis_cluster_stop(r->cluster);
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

/* What becomes of a command. */
struct attempt {
    int64_t deadline;
    int code;
    struct ws__redis_reply *reply;
    bool done;
    ws_error *err;
};

/* Returns 0, or why there is no further attempt. */
static int client_pause(struct ws__redis *r, int n, const struct attempt *a)
{
    int ms = n < 5 ? FIRST_PAUSE_MS << n : LONGEST_PAUSE_MS;
    struct ws__str said = ws__redis_reply_str(a->reply);

    if (ws_event_wait(&r->stop, ws__earlier(a->deadline, ws_after(ms))) == 0)
        return ws__fail(a->err, WS_ERR_CANCELED, "Redis is asked no more");
    if (a->deadline != 0 && ws_now() >= a->deadline)
        return ws__fail(a->err, WS_ERR_TIMEOUT, "Redis says: %.*s", (int)said.n,
                        said.n ? said.p : "");
    return 0;
}

/* One attempt, at whom it concerns or who was named.  Returns true if there is to
 * be another one; *named then is whom to ask at once, or NULL. */
static bool client_try(struct ws__redis *r, const struct ws__redis_command *c,
                       struct ws__redis_node **named, struct attempt *a)
{
    struct ws__redis_node *node = *named;

    if (!node)
        node =
            r->cluster ? ws__redis_cluster_node(r->cluster, c->key) : r->node;
    a->code = ws__redis_pipe_call(node->pipe, c, *named, a->deadline, &a->reply,
                                  &a->done, a->err);
    *named = NULL;
    if (a->code != 0)
        return a->code == -EHOSTUNREACH;
    return (r->cluster &&
            ws__redis_cluster_redirected(r->cluster, node, a->reply, named)) ||
           is_passing(a->reply);
}

static void client_ask(struct ws__redis *r, const struct ws__redis_command *c,
                       struct attempt *a)
{
    struct ws__redis_node *named = NULL;

    for (int n = 0; client_try(r, c, &named, a); n++) {
        bool at_once =
            n < REDIRECTS_AT_ONCE && (named || !is_passing(a->reply));
        a->code = at_once ? 0 : client_pause(r, n, a);
        ws__redis_reply_free(a->reply);
        a->reply = NULL;
        a->done = false;
        if (a->code != 0)
            break;
    }
}

int ws__redis_call(struct ws__redis *r, const struct ws__redis_command *c,
                   int64_t deadline, struct ws__redis_reply **reply, bool *done,
                   ws_error *err)
{
    struct attempt a = { .deadline = deadline, .err = err };

    if (err)
        *err = (ws_error){ 0 };
    client_ask(r, c, &a);
    *reply = a.reply;
    if (done)
        *done = a.done;
    return a.code;
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
    return r->cluster
               ? ws__redis_cluster_subscribe(r->cluster, channel)
               : ws__redis_subscription_add(r->node->subscription, channel);
}

void ws__redis_unsubscribe(struct ws__redis *r, struct ws__str channel)
{
    if (r->cluster)
        ws__redis_cluster_unsubscribe(r->cluster, channel);
    else
        ws__redis_subscription_remove(r->node->subscription, channel);
}
