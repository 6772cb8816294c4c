/* SPDX-License-Identifier: MIT */

#ifndef WS_HUB_TOPIC_H
#define WS_HUB_TOPIC_H

#include <pthread.h>
#include <stdalign.h>

#include "hub/group.h"
#include "hub/history.h"
#include "hub/prefix.h"

/* Under the lock of its shard. */
struct ws__topic {
    struct ws__link link;
    struct ws__audience audience;
    struct ws__prefix **prefixes; /* that it begins with; spare in link: how
                                   * many there are */
    ws_place place;               /* of its last publication */
    struct ws__history *history;
    struct ws__table *members; /* who is present (hub/presence); NULL: nobody */
    int64_t quiet_since;       /* the last publication, or the last one left */
    ws_event synced; /* its place is the log's; without a backplane, always */
    char name[];
};

enum { WS__SHARDS = 32 }; /* all are held at once, and TSan counts up to 64 */

struct ws__shard {
    alignas(64) pthread_mutex_t lock;
    struct ws__table topics;
};

struct ws__topics {
    struct ws__shard shards[WS__SHARDS];
    struct ws__prefixes prefixes;
    atomic_size_t n;
    atomic_uint swept;      /* shards, so far */
    _Atomic int64_t due_at; /* when the next one is to be */
};

/* How a call names a topic: by its hash, in its shard. */
struct ws__topic_name {
    const char *name;
    uint32_t hash;
    struct ws__shard *shard;
};

void ws__topics_init(struct ws__topics *all);
struct ws__topic_name ws__topic_name(ws_hub *h, const char *name);
struct ws__shard *ws__topic_shard(ws_hub *h, const struct ws__topic *t);

/* With the lock of its shard held.  get makes it if there is none: NULL when
 * there is no memory. */
struct ws__topic *ws__topic_find(const struct ws__topic_name *name);
struct ws__topic *ws__topic_get(ws_hub *h, const struct ws__topic_name *name);

/* The same: one more or one less user, a subscription or a call.  The first one
 * has it wanted of the backplane; use returns 0 or what that does. */
int ws__topic_use(ws_hub *h, struct ws__topic *t);
void ws__topic_let_go(ws_hub *h, struct ws__topic *t);

/* p is for all who have joined it, by its name or a prefix; NULL: it is lost, and
 * they are cut.  Those desks are to be rung. */
void ws__topic_put(const struct ws__topic *t, struct ws__publication *p,
                   struct ws__desk **due);

/* Drop what is too old, in one shard after the other, a second for each.  With
 * no lock held. */
void ws__topics_sweep(ws_hub *h);

/* Or in all of them. */
void ws__topics_sweep_all(ws_hub *h);

/* The locks of all shards. */
void ws__topics_lock(struct ws__topics *all);
void ws__topics_unlock(struct ws__topics *all);

/* With these held: all topics that begin so are told of it, and of its end.  add
 * returns 0, -ENOMEM, or what the backplane does. */
int ws__topics_add_prefix(ws_hub *h, const char *name, struct ws__prefix **p);
void ws__topics_remove_prefix(ws_hub *h, struct ws__prefix *p);

/* All of it, with nobody left. */
void ws__topics_fini(ws_hub *h);

#endif
