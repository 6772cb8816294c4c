/* SPDX-License-Identifier: MIT */

#ifndef WS_HUB_GROUP_H
#define WS_HUB_GROUP_H

#include "conn/batch.h"
#include "hub/publication.h"
#include "hub/table.h"

struct ws__desk;
struct ws__member;
struct ws__prefix;
struct ws__topic;

/* What one connection has joined.  Its desk's, which has it in a group. */
struct ws__subscription {
    struct ws__link link; /* among its subscriber's; spare: where among the
                           * group's members it is */
    struct ws__subscriber *subscriber;
    struct ws__group *group;
    struct ws__member *member; /* NULL: it has not said who it is */
    uint64_t from; /* the number of the desk's first delivery that is for it */
    bool latest;
};

/* Those of one desk who have joined the same: a delivery is for a group. */
struct ws__group {
    struct ws__group *next; /* of its audience: under the shard's lock; or of
                             * those that are buried */
    struct ws__desk *desk;
    struct ws__topic *topic;   /* what they have joined: this one, */
    struct ws__prefix *prefix; /* or this */

    /* The desk's. */
    struct ws__subscription **members;
    uint32_t n;
    uint32_t room;
    uint32_t sent;  /* these first ones have the run that is on its way */
    uint32_t first; /* of a round: its deliveries in the inbox still to go, */
    uint32_t last;
    bool in_round;
    bool loses; /* in it: something was lost before all else */
    struct ws__group *next_in_round; /* and the next group that has some */
    uint64_t from; /* the largest one of its members; of one that is buried, the
                    * number of the first delivery that is not for it */

    /* Under the desk's lock. */
    struct ws__group *next_lost;
    bool lost; /* there was no memory for a delivery */
};

/* Who gets what is published somewhere: under the lock of its shard, or of all
 * shards for a prefix. */
struct ws__audience {
    struct ws__group *groups;
    uint32_t subscriptions; /* in all groups */
    uint32_t users;         /* these, and calls that look at it */
};

struct ws__group *ws__audience_group(const struct ws__audience *a,
                                     const struct ws__desk *d);
void ws__audience_add(struct ws__audience *a, struct ws__group *g);
void ws__audience_remove(struct ws__audience *a, struct ws__group *g);

/* Room for one more member.  Returns 0 or -ENOMEM. */
int ws__group_reserve(struct ws__group *g);
void ws__group_add(struct ws__group *g, struct ws__subscription *s);

/* Take s out of its group. */
void ws__group_remove(struct ws__subscription *s);
void ws__group_free(struct ws__group *g);

/* So many of a group's publications, in order; the numbers of their deliveries
 * only grow.  All zeroes: none. */
enum { WS__TOGETHER = 64 };
struct ws__run {
    size_t n;
    struct ws__publication *publications[WS__TOGETHER]; /* held */
    uint64_t numbers[WS__TOGETHER];
    bool cuts;               /* instead, for whom something of it is, is cut */
    struct ws__batch all;    /* these, as they are sent: */
    struct ws__batch latest; /* to who wants the newest of each key alone */
};

/*
 * Send them to the members for whom they are, and go on where that was left:
 * until all is spent (fiber/budget), but to one at least; and add what came of it
 * to *n.  Without memory for them all members are cut.  Members may join and leave
 * in between.  Returns whether all have it.
 */
bool ws__group_send(struct ws__group *g, struct ws__run *run,
                    struct ws__outqueue_counts *n);

/* Let go of what it holds. */
void ws__run_end(struct ws__run *run);

#endif
