/* SPDX-License-Identifier: MIT */

#include "hub/presence.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "hub/callback.h"
#include "hub/hub.h"
#include "hub/name.h"

/* ---- Members ------------------------------------------------------------ */

static uint32_t member_hash(const ws_hub *h, const char *name)
{
    return ws__hash_name(&h->key, name, strlen(name));
}

static struct ws__member *member_find(const struct ws__table *t,
                                      const char *name, uint32_t hash)
{
    struct ws__link *l = ws__table_first(t, hash);

    while (l && strcmp(((struct ws__member *)l)->name, name) != 0)
        l = ws__table_next(l);
    return (struct ws__member *)l;
}

static struct ws__member *member_new(struct ws__table *t, const char *name,
                                     uint32_t hash)
{
    size_t n = strlen(name);
    struct ws__member *m = NULL;

    if (ws__table_reserve(t) == 0)
        m = ws__zalloc(sizeof(*m) + n + 1);
    if (!m)
        return NULL;
    memcpy(m->name, name, n + 1);
    ws__table_add(t, &m->link, hash);
    return m;
}

static void members_end(struct ws__topic *t)
{
    if (t->members && t->members->n == 0) {
        ws__table_fini(t->members);
        ws_free(t->members);
        t->members = NULL;
    }
}

struct ws__member *ws__member_add(ws_hub *h, struct ws__topic *t,
                                  const char *name)
{
    uint32_t hash = member_hash(h, name);

    if (!t->members)
        t->members = ws__zalloc(sizeof(*t->members));
    if (!t->members)
        return NULL;
    struct ws__member *m = member_find(t->members, name, hash);
    if (!m)
        m = member_new(t->members, name, hash);
    if (m)
        m->link.spare++;
    members_end(t);
    return m;
}

void ws__member_remove(struct ws__topic *t, struct ws__member *m)
{
    if (--m->link.spare > 0)
        return;
    ws__table_remove(t->members, &m->link);
    ws_free(m);
    members_end(t);
}

/* ---- The roll ----------------------------------------------------------- */

struct roll {
    size_t connections;
    size_t n;
    size_t room;
    size_t size; /* of all names, with their NULs */
    char **names;
    bool failed; /* for want of memory */
};

static bool roll_has_room(struct roll *r)
{
    if (r->n < r->room)
        return true;
    size_t room = r->room == 0 ? 16 : 2 * r->room;
    char **names = ws__realloc(r->names, room * sizeof(char *));
    if (!names)
        return false;
    r->names = names;
    r->room = room;
    return true;
}

static void roll_add(const char *member, size_t connections, void *arg)
{
    struct roll *r = arg;

    r->connections += connections;
    if (!member)
        return;
    char *name = roll_has_room(r) ? ws__strdup(member) : NULL;
    if (!name) {
        r->failed = true;
        return;
    }
    r->names[r->n++] = name;
    r->size += strlen(name) + 1;
}

static void roll_fini(struct roll *r)
{
    for (size_t i = 0; i < r->n; i++)
        ws_free(r->names[i]);
    ws_free(r->names);
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* One block: the struct, the pointers, the names. */
static ws_presence *roll_pack(const struct roll *r)
{
    size_t pointers = r->n * sizeof(char *);
    ws_presence *p = ws__alloc(sizeof(*p) + pointers + r->size);

    if (!p)
        return NULL;
    const char **members = (const char **)(p + 1);
    char *at = (char *)members + pointers;
    *p = (ws_presence){ .connections = r->connections, .members = members };
    for (size_t i = 0; i < r->n; i++) {
        if (i > 0 && strcmp(r->names[i - 1], r->names[i]) == 0)
            continue;
        size_t n = strlen(r->names[i]) + 1;
        members[p->n++] = memcpy(at, r->names[i], n);
        at += n;
    }
    return p;
}

static ws_presence *roll_finish(struct roll *r)
{
    ws_presence *p = NULL;

    if (r->n > 0)
        qsort(r->names, r->n, sizeof(char *), by_bytes);
    if (!r->failed)
        p = roll_pack(r);
    roll_fini(r);
    return p;
}

static void roll_member(struct ws__link *l, void *roll)
{
    roll_add(((struct ws__member *)l)->name, 0, roll);
}

static void roll_call(ws_hub *h, const char *topic, struct roll *r)
{
    struct ws__topic_name name = ws__topic_name(h, topic);

    pthread_mutex_lock(&name.shard->lock);
    struct ws__topic *t = ws__topic_find(&name);
    if (t) {
        r->connections = t->audience.subscriptions;
        if (t->members)
            ws__table_each(t->members, roll_member, r);
    }
    pthread_mutex_unlock(&name.shard->lock);
}

ws_presence *ws__hub_present(ws_hub *h, const char *topic)
{
    struct roll roll = { 0 };

    roll_call(h, topic, &roll);
    return roll_finish(&roll);
}

static int ask_others(ws_hub *h, const char *topic, struct roll *r)
{
    return h->back ? h->back->ops->presence(h->back, topic,
                                            ws_after(h->o.publish_timeout_ms),
                                            roll_add, r)
                   : 0;
}

int ws_hub_presence(ws_hub *h, const char *topic, ws_presence **p)
{
    struct roll roll = { 0 };

    if (p)
        *p = NULL;
    if (!h || !p || !ws__name_is_right(topic))
        return WS_ERR_INVALID;
    if (ws__callback_is_running())
        return WS_ERR_BUSY;
    roll_call(h, topic, &roll);
    int r = ask_others(h, topic, &roll);
    if (r == 0) {
        *p = roll_finish(&roll);
        return *p ? 0 : -ENOMEM;
    }
    roll_fini(&roll);
    return r;
}
