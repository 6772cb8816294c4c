/* SPDX-License-Identifier: MIT */

#ifndef WS_HUB_DESK_H
#define WS_HUB_DESK_H

#include <pthread.h>
#include <stdatomic.h>

#include <silverback/hub.h>

#include "fiber/offload.h"
#include "fiber/worker.h"
#include "hub/round.h"

/*
 * What one worker has to deliver for a hub, or, of all connections that belong to
 * no worker, the threads.  A publisher puts a delivery into its inbox, and rings
 * if nobody has yet: so many deliveries cost the worker one post, and those that
 * come while it is busy go together.
 *
 * One at a time works at a desk: the worker's loop, turn by turn, or a fiber of
 * that worker between two of its turns; at the threads' desk, or when the worker
 * has ended, whoever rang.  Members of groups, and what a subscriber has joined,
 * are changed there and nowhere else.  Nobody who works at a desk waits.
 *
 * Deliveries are numbered as they come.  Who joins gets those from the number on
 * that is the next when it looks at the history, under the lock of the topic's
 * shard: so what is published is either in what it is sent of the history, or
 * comes to it here, and never both.
 */

struct ws__desk_job {
    struct ws__desk_job *next;
    void (*fn)(struct ws__desk_job *j);
};

struct ws__desk {
    struct ws__desk *next; /* under the lock of the hub's desks */
    atomic_size_t holders; /* subscribers, and who rings until it was run; the
                            * last one goes under that lock */
    ws_hub *hub;
    struct ws__worker *worker; /* NULL: the threads' */
    struct ws__post post;      /* to the worker, */
    struct ws__job job;        /* or for a helper */

    pthread_mutex_t lock; /* of the inbox: what follows */
    struct ws__delivery *inbox;
    uint32_t n;
    uint32_t room;
    uint64_t next_number;
    size_t waiting;  /* bytes of publications in it, about */
    bool behind;     /* these are too many: the hub counts it */
    atomic_uint own; /* deliveries in it by fibers of that worker; so is this,
                      * from WS__TOGETHER on */
    struct ws__desk_job *jobs;
    struct ws__desk_job *last_job;
    struct ws__group *lost; /* groups that there was no memory for */
    bool due;               /* somebody has rung, or is about to: until all is
                             * done */

    struct ws__desk *next_due; /* who is about to ring has it */

    /* Of whoever works at it. */
    struct ws__round round;
    uint64_t left_at; /* when its last turn was over, with more to do; 0: it is
                       * the first one */
    struct ws__group *buried; /* groups that deliveries may still be for */
    struct ws__group *last_buried;
    uint64_t done; /* all deliveries before this number */

    struct ws__outqueue_counts counts; /* under the lock, again */
};

/* Those of a hub. */
struct ws__desks {
    pthread_mutex_t lock;
    struct ws__desk *first;
    struct ws__outqueue_counts counts; /* of those that are no more */
};

/* The hub's for w (NULL: for threads), which is the caller's to let go.  NULL:
 * no memory. */
struct ws__desk *ws__desk_get(ws_hub *h, struct ws__worker *w);

/* The same, but NULL if it has none. */
struct ws__desk *ws__desk_find(ws_hub *h, const struct ws__worker *w);
void ws__desk_let_go(struct ws__desk *d);

/* Add what they have counted to *s. */
void ws__desks_count(struct ws__desks *d, ws_hub_stats *s);

/* With the lock of the group's shard held: p is for the group; NULL, or no memory
 * for it: its members are cut.  The desk is added to due if it is to be rung. */
void ws__desk_put(struct ws__group *g, struct ws__publication *p,
                  struct ws__desk **due);

/* So much may wait at a desk, until publishers have to; and what a turn is, if
 * others had no longer: a budget.  For tests. */
extern size_t ws__desk_limit __attribute__((visibility("hidden")));
extern int64_t ws__desk_turn __attribute__((visibility("hidden")));

/* The number of the next delivery. */
uint64_t ws__desk_next_number(struct ws__desk *d);

/* Have it done at the desk, after what is in the inbox.  With any locks held but
 * the desk's. */
void ws__desk_post(struct ws__desk *d, struct ws__desk_job *j);

/* The same, for who may wait; returns when fn has. */
void ws__desk_call(struct ws__desk *d, void (*fn)(void *arg), void *arg);

/* Ring all that are due.  With no lock held. */
void ws__desk_ring(struct ws__desk *due);

/* At the desk: g has no members any more, and is in no audience. */
void ws__desk_bury(struct ws__group *g);

#endif
