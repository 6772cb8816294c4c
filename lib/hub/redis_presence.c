/* SPDX-License-Identifier: MIT */

#include "hub/redis_presence.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "hub/name.h"
#include "hub/presence.h"

enum {
    PRESENCE_MS = 5000, /* the most to wait for Redis */
    PRESENCE_PAUSE_MS = 100,
};

/* An answer that is a refusal is none. */
static int presence_told(struct ws__node *n, int r,
                         struct ws__redis_reply **reply)
{
    if (r != 0 || (*reply)->type != WS__REDIS_ERROR)
        return r;
    r = ws__redis_log_refused(&n->log, *reply);
    ws__redis_reply_free(*reply);
    return r;
}

/* ---- Which nodes live --------------------------------------------------- */

/* As node, or "" who only asks. */
static int presence_alive(struct ws__node *n, const char *node,
                          int64_t deadline, struct ws__redis_reply **reply)
{
    char ttl[24];
    struct ws__str words[] = {
        ws__str("1"),
        n->nodes,
        ws__str(node),
        { ttl, (size_t)(ws__decimal(ttl, (unsigned)n->presence_ttl_ms) - ttl) },
    };
    const struct ws__redis_command c = { 4, words, n->nodes };
    int r =
        ws__redis_eval(n->client, &n->alive, &c, deadline, reply, NULL, NULL);

    return presence_told(n, r, reply);
}

void ws__redis_presence_live(struct ws__node *n)
{
    struct ws__redis_reply *reply;
    int64_t every = ((int64_t)n->presence_ttl_ms + 2) / 3;

    while (!ws__node_stops(n)) {
        int r = presence_alive(n, n->log.node, ws_after(every), &reply);

        if (r == 0)
            ws__redis_reply_free(reply);
        atomic_store(&n->connected, r == 0);
        ws__node_pause(n, r == WS_ERR_TIMEOUT ? 0 : every);
    }
}

void ws__redis_presence_end(struct ws__node *n)
{
    struct ws__str words[] = { ws__str("ZREM"), n->nodes,
                               ws__str(n->log.node) };
    const struct ws__redis_command c = { 3, words, n->nodes };
    struct ws__redis_reply *reply;

    if (atomic_load(&n->connected) &&
        ws__redis_call(n->client, &c, ws_after(PRESENCE_PAUSE_MS), &reply, NULL,
                       NULL) == 0)
        ws__redis_reply_free(reply);
}

/* ---- Who is present here ------------------------------------------------ */

/* "CONNECTIONS" and each member behind a newline, for ws_free. */
static struct ws__str presence_text(const ws_presence *p)
{
    size_t size = 24;

    for (size_t i = 0; i < p->n; i++)
        size += strlen(p->members[i]) + 1;
    char *text = ws__alloc(size), *end = text;
    if (!text)
        return (struct ws__str){ NULL, 0 };
    end = ws__decimal(end, p->connections);
    for (size_t i = 0; i < p->n; i++) {
        *end++ = '\n';
        end = ws__str_put(end, ws__str(p->members[i]));
    }
    return (struct ws__str){ text, (size_t)(end - text) };
}

/* So long that the next audit writes it anew before it is gone. */
static int presence_set(struct ws__node *n, const char *key,
                        const struct ws__redis_topic *t, struct ws__str text)
{
    char ms[24];
    uint64_t ttl = (uint64_t)n->log.keep_ms * 2;
    struct ws__str words[] = {
        ws__str("SET"),
        ws__str(key),
        text,
        ws__str("PX"),
        { ms, (size_t)(ws__decimal(ms, ttl) - ms) },
    };
    const struct ws__redis_command c = { 5, words, t->names->channel };
    struct ws__redis_reply *reply;
    int r = ws__redis_call(n->client, &c, ws_after(PRESENCE_MS), &reply, NULL,
                           NULL);

    r = presence_told(n, r, &reply);
    if (r == 0)
        ws__redis_reply_free(reply);
    return r;
}

/* Returns 0, or a code: then it is said again. */
static int presence_say(struct ws__node *n, const struct ws__redis_topic *t)
{
    ws_presence *p = ws__hub_present(n->hub, t->name);
    struct ws__str text = p ? presence_text(p) : (struct ws__str){ NULL, 0 };
    char *key = ws__redis_presence_key(t->names, n->log.node);
    int r = text.p && key ? presence_set(n, key, t, text) : -ENOMEM;

    ws_free(key);
    ws_free((void *)text.p);
    ws_free(p);
    return r;
}

static void presence_done(struct ws__node *n, struct ws__redis_topic *t,
                          bool said)
{
    pthread_mutex_lock(&n->topics.lock);
    t->users--;
    t->present_at = ws_now();
    if (!said)
        ws__node_put(n, WS__REDIS_PRESENT, t);
    pthread_mutex_unlock(&n->topics.lock);
}

/* All that has changed, and then a pause: what changes meanwhile is said once. */
void ws__redis_presence_run(struct ws__node *n)
{
    struct ws__redis_topic *t;

    while (!ws__node_stops(n)) {
        ws_event_wait(&n->due[WS__REDIS_PRESENT], 0);
        ws_event_clear(&n->due[WS__REDIS_PRESENT]);
        while (!ws__node_stops(n) &&
               (t = ws__node_take(n, WS__REDIS_PRESENT))) {
            int r = presence_say(n, t);

            presence_done(n, t, r == 0);
            if (r != 0)
                break;
        }
        ws__node_pause(n, PRESENCE_PAUSE_MS);
    }
}

/* ---- And elsewhere ------------------------------------------------------ */

static void presence_read(struct ws__str text, ws__present_fn fn, void *arg)
{
    char member[WS__NAME_MAX + 1];
    unsigned long long connections;

    for (bool first = true; text.n > 0; first = false) {
        struct ws__str line = ws__str_take_until(&text, '\n');

        if (first && ws__str_number(line, SIZE_MAX, &connections)) {
            fn(NULL, (size_t)connections, arg);
        } else if (!first && ws__name_read(member, line)) {
            fn(member, 0, arg);
        }
    }
}

static int presence_get(struct ws__node *n, const struct ws__redis_names *names,
                        const char *node, int64_t deadline,
                        struct ws__redis_reply **reply)
{
    char *key = ws__redis_presence_key(names, node);

    if (!key)
        return -ENOMEM;
    struct ws__str words[] = { ws__str("GET"), ws__str(key) };
    const struct ws__redis_command c = { 2, words, names->channel };
    int r = ws__redis_call(n->client, &c, deadline, reply, NULL, NULL);
    ws_free(key);
    return presence_told(n, r, reply);
}

static int presence_of(struct ws__node *n, const struct ws__redis_names *names,
                       const char *node, int64_t deadline, ws__present_fn fn,
                       void *arg)
{
    struct ws__redis_reply *reply;

    if (strcmp(node, n->log.node) == 0)
        return 0;
    int r = presence_get(n, names, node, deadline, &reply);
    if (r != 0)
        return r;
    if (reply->type == WS__REDIS_STRING)
        presence_read(ws__redis_reply_str(reply), fn, arg);
    ws__redis_reply_free(reply);
    return 0;
}

int ws__redis_presence_ask(struct ws__node *n, const char *topic,
                           int64_t deadline, ws__present_fn fn, void *arg)
{
    struct ws__redis_names *names =
        ws__redis_names_new(n->topics.prefix, ws__str(topic));
    struct ws__redis_reply *nodes;
    int r = names ? presence_alive(n, "", deadline, &nodes) : -ENOMEM;

    if (r == 0) {
        for (size_t i = 0; i < nodes->elements && r == 0; i++)
            if (nodes->element[i]->type == WS__REDIS_STRING)
                r = presence_of(n, names, nodes->element[i]->str, deadline, fn,
                                arg);
        ws__redis_reply_free(nodes);
    }
    ws_free(names);
    return r;
}
