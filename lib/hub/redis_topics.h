/* SPDX-License-Identifier: MIT */

#ifndef WS_HUB_REDIS_TOPICS_H
#define WS_HUB_REDIS_TOPICS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "hub/hash.h"
#include "hub/redis_names.h"
#include "hub/redis_place.h"
#include "hub/table.h"

/* Which list of topics to be seen to. */
enum ws__redis_list {
    WS__REDIS_DUE,      /* the log is to be looked at */
    WS__REDIS_PRESENT,  /* Redis is to hear who is present here */
    WS__REDIS_ANNOUNCE, /* or that the topic is there */
    WS__REDIS_LISTS
};

/* A topic that subscribers of this node have, or its publishers had just now.
 * Under the lock of all topics, but for name and names, which stay. */
struct ws__redis_topic {
    struct ws__link link;
    struct ws__redis_names *names;
    struct ws__redis_place place;
    unsigned wants;    /* how often it was wanted: what was begun for an earlier
                          * one is of no use */
    unsigned users;    /* calls that use it without the lock */
    bool wanted;       /* by the hub, by its name, */
    bool by_prefix;    /* or a prefix of it is */
    bool syncs;        /* the hub is to be told where it stands */
    bool subscribed;   /* asked for, that is */
    int64_t looked_at; /* the log was */
    int64_t quiet_since;  /* published to, or wanted */
    int64_t announced_at; /* it was; 0: not yet */
    int64_t present_at;   /* who is present was told to Redis; 0: nobody was */
    bool queued[WS__REDIS_LISTS];
    struct ws__redis_topic *next[WS__REDIS_LISTS];
    char name[];
};

static inline bool ws__redis_topic_is_wanted(const struct ws__redis_topic *t)
{
    return t->wanted || t->by_prefix;
}

struct ws__redis_topics {
    pthread_mutex_t lock; /* nothing is waited for with it held */
    struct ws__hash_key key;
    struct ws__table table;
    struct ws__str prefix;
    struct {
        struct ws__redis_topic *first;
        struct ws__redis_topic **end;
    } list[WS__REDIS_LISTS];
};

/* prefix is borrowed.  Returns 0 or a negated errno. */
int ws__redis_topics_init(struct ws__redis_topics *all, struct ws__str prefix);
void ws__redis_topics_fini(struct ws__redis_topics *all);

/* With the lock held.  NULL: there is none; there is no memory. */
struct ws__redis_topic *ws__redis_topics_find(struct ws__redis_topics *all,
                                              const char *name);
struct ws__redis_topic *ws__redis_topics_get(struct ws__redis_topics *all,
                                             const char *name);
struct ws__redis_topic *ws__redis_topics_of(struct ws__redis_topics *all,
                                            struct ws__str channel);
void ws__redis_topics_remove(struct ws__redis_topics *all,
                             struct ws__redis_topic *t);

/* The same: at the end of a list, if it is not in there; and its first one, or
 * NULL. */
void ws__redis_topics_put(struct ws__redis_topics *all,
                          enum ws__redis_list list, struct ws__redis_topic *t);
struct ws__redis_topic *ws__redis_topics_take(struct ws__redis_topics *all,
                                              enum ws__redis_list list);

#endif
