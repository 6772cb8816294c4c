/* SPDX-License-Identifier: MIT */

#include "hub/redis_directory.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "hub/name.h"

enum {
    DIRECTORY_MS = 5000, /* the most to wait for Redis */
    DIRECTORY_PAUSE_MS = 100,
};

/* ---- Prefixes ----------------------------------------------------------- */

/* With the lock held, as all of these. */
static bool prefix_matches(const struct ws__redis_prefix *p,
                           struct ws__str topic)
{
    return topic.n >= p->len && memcmp(topic.p, p->name, p->len) == 0;
}

/* Is there one that matches; *settled: also one whose topics are known. */
static bool directory_matches(const struct ws__node *n, struct ws__str topic,
                              bool *settled)
{
    bool any = false;

    *settled = false;
    for (const struct ws__redis_prefix *p = n->prefixes; p; p = p->next)
        if (prefix_matches(p, topic)) {
            any = true;
            *settled |= p->settled;
        }
    return any;
}

/* A topic that one of the prefixes matches; from_start: nothing of it was
 * missed. */
static void directory_adopt(struct ws__node *n, const char *topic,
                            bool from_start)
{
    struct ws__redis_topic *t = ws__redis_topics_get(&n->topics, topic);

    if (!t || t->by_prefix ||
        (!t->subscribed &&
         ws__redis_subscribe(n->client, t->names->channel) != 0))
        return;
    t->subscribed = true;
    t->by_prefix = true;
    if (t->wanted)
        return;
    t->wants++;
    ws__redis_place_begin(&t->place);
    t->place.from_start = from_start;
    if (t->place.due)
        ws__node_put(n, WS__REDIS_DUE, t);
}

/* A topic that there is. */
static void directory_meet(struct ws__node *n, struct ws__str topic,
                           bool is_new)
{
    char name[WS__NAME_MAX + 1];
    bool settled;

    if (!ws__name_read(name, topic))
        return;
    pthread_mutex_lock(&n->topics.lock);
    if (directory_matches(n, topic, &settled))
        directory_adopt(n, name, is_new || settled);
    pthread_mutex_unlock(&n->topics.lock);
}

int ws__redis_directory_want(struct ws__node *n, const char *prefix)
{
    size_t len = strlen(prefix);
    struct ws__redis_prefix *p = ws__zalloc(sizeof(*p) + len + 1);

    if (!p)
        return -ENOMEM;
    p->len = len;
    memcpy(p->name, prefix, len);
    pthread_mutex_lock(&n->topics.lock);
    int r = n->prefixes ? 0 : ws__redis_subscribe(n->client, n->directory);
    if (r == 0) {
        p->number = ++n->newest_prefix;
        p->next = n->prefixes;
        n->prefixes = p;
        ws_event_set(&n->directory_due);
    }
    pthread_mutex_unlock(&n->topics.lock);
    if (r != 0)
        ws_free(p);
    return r;
}

/* A topic that no prefix matches any more. */
static void directory_let_go(struct ws__link *l, void *arg)
{
    struct ws__redis_topic *t = (struct ws__redis_topic *)l;
    bool settled;

    if (!t->by_prefix || directory_matches(arg, ws__str(t->name), &settled))
        return;
    t->by_prefix = false;
    t->quiet_since = ws_now();
}

void ws__redis_directory_unwant(struct ws__node *n, const char *prefix)
{
    struct ws__redis_prefix **at = &n->prefixes;

    pthread_mutex_lock(&n->topics.lock);
    while (*at && strcmp((*at)->name, prefix) != 0)
        at = &(*at)->next;
    struct ws__redis_prefix *p = *at;
    if (p) {
        *at = p->next;
        ws__table_each(&n->topics.table, directory_let_go, n);
        if (!n->prefixes)
            ws__redis_unsubscribe(n->client, n->directory);
    }
    pthread_mutex_unlock(&n->topics.lock);
    ws_free(p);
}

void ws__redis_directory_fini(struct ws__node *n)
{
    while (n->prefixes) {
        struct ws__redis_prefix *p = n->prefixes;

        n->prefixes = p->next;
        ws_free(p);
    }
}

/* ---- What is new -------------------------------------------------------- */

bool ws__redis_directory_is_at(const struct ws__node *n, struct ws__str channel)
{
    return channel.n == n->directory.n &&
           memcmp(channel.p, n->directory.p, channel.n) == 0;
}

void ws__redis_directory_heard(struct ws__node *n, struct ws__str topic)
{
    directory_meet(n, topic, true);
}

void ws__redis_directory_subscribed(struct ws__node *n)
{
    ws_event_set(&n->directory_due);
}

/* ---- What there is ------------------------------------------------------ */

/* A part of the set from the cursor on, which moves; "0" is its begin and end. */
static int directory_scan(struct ws__node *n, char cursor[static 24])
{
    struct ws__str words[] = { ws__str("ZSCAN"), n->directory, ws__str(cursor),
                               ws__str("COUNT"), ws__str("256") };
    const struct ws__redis_command c = { 5, words, n->directory };
    struct ws__redis_reply *reply;
    int r = ws__redis_call(n->client, &c, ws_after(DIRECTORY_MS), &reply, NULL,
                           NULL);

    if (r != 0)
        return r;
    struct ws__str next = ws__redis_reply_str(ws__redis_reply_at(reply, 0));
    const struct ws__redis_reply *some = ws__redis_reply_at(reply, 1);
    if (reply->type == WS__REDIS_ERROR)
        r = ws__redis_log_refused(&n->log, reply);
    else if (!some || next.n == 0 || next.n > 23)
        r = -EPROTO;
    for (size_t i = 0; r == 0 && i < some->elements; i += 2)
        directory_meet(n, ws__redis_reply_str(some->element[i]), false);
    if (r == 0)
        *ws__str_put(cursor, next) = '\0';
    ws__redis_reply_free(reply);
    return r;
}

static int directory_look(struct ws__node *n)
{
    char cursor[24] = "0";
    int r;

    do
        r = directory_scan(n, cursor);
    while (r == 0 && strcmp(cursor, "0") != 0 && !ws__node_stops(n));
    return r;
}

/* Those that came meanwhile are not. */
static void directory_settle(struct ws__node *n, uint64_t newest)
{
    pthread_mutex_lock(&n->topics.lock);
    for (struct ws__redis_prefix *p = n->prefixes; p; p = p->next)
        p->settled |= p->number <= newest;
    pthread_mutex_unlock(&n->topics.lock);
}

void ws__redis_directory_run(struct ws__node *n)
{
    while (!ws__node_stops(n)) {
        ws_event_wait(&n->directory_due, 0);
        ws_event_clear(&n->directory_due);
        pthread_mutex_lock(&n->topics.lock);
        uint64_t newest = n->newest_prefix;
        bool any = n->prefixes != NULL;
        pthread_mutex_unlock(&n->topics.lock);
        if (!any)
            continue;
        if (directory_look(n) == 0)
            directory_settle(n, newest);
        else
            ws_event_set(&n->directory_due);
        ws__node_pause(n, DIRECTORY_PAUSE_MS);
    }
}

/* ---- Announcing --------------------------------------------------------- */

int ws__redis_directory_announce(struct ws__node *n, struct ws__redis_topic *t,
                                 int64_t deadline)
{
    char ms[24];
    struct ws__str words[] = {
        ws__str("1"),
        n->directory,
        ws__str(t->name),
        { ms, (size_t)(ws__decimal(ms, 2 * (uint64_t)n->log.keep_ms) - ms) },
        ws__str(ws__redis_is_cluster(n->client) ? "SPUBLISH" : "PUBLISH"),
    };
    const struct ws__redis_command c = { 5, words, n->directory };
    struct ws__redis_reply *reply;
    int64_t now = ws_now();
    int r;

    do
        r = ws__redis_eval(n->client, &n->announce, &c, deadline, &reply, NULL,
                           NULL);
    while (r == WS_ERR_DEAD && (deadline == 0 || ws_now() < deadline));
    if (r != 0)
        return r == WS_ERR_DEAD ? WS_ERR_TIMEOUT : r;
    if (reply->type == WS__REDIS_ERROR)
        r = ws__redis_log_refused(&n->log, reply);
    ws__redis_reply_free(reply);
    pthread_mutex_lock(&n->topics.lock);
    if (r == 0)
        t->announced_at = now;
    pthread_mutex_unlock(&n->topics.lock);
    return r;
}

/* What fails is tried again by the next sweep. */
void ws__redis_directory_announce_run(struct ws__node *n)
{
    struct ws__redis_topic *t;

    while (!ws__node_stops(n)) {
        ws_event_wait(&n->due[WS__REDIS_ANNOUNCE], 0);
        ws_event_clear(&n->due[WS__REDIS_ANNOUNCE]);
        while (!ws__node_stops(n) &&
               (t = ws__node_take(n, WS__REDIS_ANNOUNCE))) {
            ws__redis_directory_announce(n, t, ws_after(DIRECTORY_MS));
            pthread_mutex_lock(&n->topics.lock);
            t->users--;
            pthread_mutex_unlock(&n->topics.lock);
        }
    }
}
