/* SPDX-License-Identifier: MIT */

#ifndef TESTS_HUB_WORLD_H
#define TESTS_HUB_WORLD_H

/*
 * A hub in a world of its own: lib/hub as it is, over locks, a worker and
 * connections whose every step is a point (see explore.h).  What is sent to a
 * connection is written down.
 */

/* Allocating is no point. */
#include "alloc_fail.h"

#include "explore.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <silverback.h>

#include "conn/batch.h"
#include "conn/enqueue.h"
#include "fiber/lot.h"
#include "fiber/offload.h"
#include "fiber/park.h"
#include "fiber/sched.h"
#include "fiber/stopwatch.h"
#include "fiber/worker.h"
#include "io/random.h"

enum { CONNS = 4, HEARD = 64 };

static struct {
    ws_hub *hub;
    struct ws__worker worker; /* of all but conns[1], which is a thread's */
    struct ws__post *posts;   /* to it */
    struct ws__job *job;      /* for a helper */
    bool at_worker[EXPLORE_ACTORS];
    bool worker_is_busy; /* with its loop, or a fiber */
    int busy;            /* actors that may still post */
    struct {
        ws_conn conn;
        struct ws__end_hook *hook;
        bool ended;
        uint64_t heard[HEARD]; /* offsets, as they were sent */
        size_t n;
    } conns[CONNS];
} world;

/* A fault: who joins does not skip what lay at the desk before. */
static bool fault_replays_twice;

/* ---- What is posted ----------------------------------------------------- */

/* The next of it.  Returns false when there is nothing. */
static bool world_run_one(void)
{
    struct ws__post *p = world.posts;
    struct ws__job *j = world.job;
    bool there_is = p || j;

    if (p) {
        world.posts = p->next;
        p->fn(p);
    } else if (j) {
        world.job = NULL;
        j->fn(j);
        j->done(j);
    }
    return there_is;
}

/* What no actor does: before they begin, and when all have ended. */
static void world_run_rest(void)
{
    while (world_run_one())
        continue;
}

/* ---- Locks and events --------------------------------------------------- */

/* Held or not is the first byte of a lock. */
static bool world_is_free(void *lock)
{
    return *(char *)lock == 0;
}

static void world_lock(pthread_mutex_t *m)
{
    explore_point();
    if (!world_is_free(m))
        explore_await(world_is_free, m);
    *(char *)m = 1;
}

static void world_unlock(pthread_mutex_t *m)
{
    *(char *)m = 0;
    explore_point();
}

static void world_init(pthread_mutex_t *m)
{
    *(char *)m = 0;
}

static bool world_is_set(void *e)
{
    return *(char *)e != 0;
}

static int world_wait(ws_event *e)
{
    explore_point();
    if (!explore.runs)
        world_run_rest();
    else if (!world_is_set(e))
        explore_await(world_is_set, e);
    return 0;
}

static void world_set(ws_event *e)
{
    *(char *)e = 1;
    explore_point();
}

/* ---- A worker, and helpers ---------------------------------------------- */

static bool world_post(struct ws__post *p)
{
    struct ws__post **at = &world.posts;

    explore_point();
    while (*at)
        at = &(*at)->next;
    p->next = NULL;
    *at = p;
    return true;
}

static int world_offload(struct ws__job *j)
{
    world.job = j;
    return 0;
}

static bool world_has_work(void *arg)
{
    (void)arg;
    return !world.worker_is_busy &&
           (world.posts || world.job || world.busy == 0);
}

static bool world_is_idle(void *arg)
{
    (void)arg;
    return !world.worker_is_busy;
}

/* An actor: the loop, until nobody posts any more. */
static void world_work(void)
{
    bool there_is = true;

    world.at_worker[explore.current] = true;
    while (there_is) {
        explore_await(world_has_work, NULL);
        world.worker_is_busy = true;
        there_is = world_run_one();
        world.worker_is_busy = false;
    }
}

/* An actor is a fiber of the worker, which runs between two turns of the loop. */
static void world_fiber_begin(void)
{
    world.at_worker[explore.current] = true;
    explore_await(world_is_idle, NULL);
    world.worker_is_busy = true;
}

static void world_fiber_end(void)
{
    world.worker_is_busy = false;
}

/* ---- Connections -------------------------------------------------------- */

static int index_of(const ws_conn *c)
{
    int i = 0;

    while (c != &world.conns[i].conn)
        i++;
    return i;
}

static void world_hear(const ws_conn *c, const ws_prepared *p)
{
    int i = index_of(c);

    explore_point();
    if (world.conns[i].n < HEARD)
        memcpy(&world.conns[i].heard[world.conns[i].n++],
               ws__form_payload(p->plain), sizeof(uint64_t));
}

static int world_send(struct ws__batch *b, size_t from, ws_conn *c)
{
    for (size_t i = from; i < b->n; i++)
        world_hear(c, b->items[i].message);
    return 0;
}

static int world_write(ws_conn *c, ws_prepared *p)
{
    world_hear(c, p);
    return 0;
}

static bool world_add_hook(ws_conn *c, struct ws__end_hook *h)
{
    int i = index_of(c);

    explore_point();
    if (world.conns[i].ended)
        return false;
    world.conns[i].hook = h;
    return true;
}

static bool world_remove_hook(ws_conn *c)
{
    int i = index_of(c);

    explore_point();
    bool there = world.conns[i].hook;
    world.conns[i].hook = NULL;
    return there;
}

static void world_end(int i)
{
    explore_point();
    struct ws__end_hook *h = world.conns[i].hook;
    world.conns[i].hook = NULL;
    world.conns[i].ended = true;
    explore_point();
    if (h)
        h->ended(h);
}

/* ---- The hub ------------------------------------------------------------ */

/* A schedule is to come again as it was. */
#define ws__random(p, n) (memset(p, 7, n), 0)
#define pthread_mutex_lock(m) world_lock(m)
#define pthread_mutex_unlock(m) world_unlock(m)
#define pthread_mutex_init(m, a) world_init(m)
#define pthread_mutex_destroy(m) ((void)(m))
#define ws_event_set(e) world_set(e)
#define ws_event_wait(e, deadline) ((void)(deadline), world_wait(e))
#define ws_event_is_set(e) (*(char *)(e) != 0)
#define ws__lot_wake(key, change, all) ((void)(key))
#define ws__worker_here()                                                      \
    (world.at_worker[explore.current] ? &world.worker : NULL)
#define ws__worker_ref(w) ((void)(w))
#define ws__worker_unref(w) ((void)(w))
#define ws__worker_post(w, p) world_post(p)
#define ws__offload(kind, j) world_offload(j)
#define ws__ticks() 0
#define ws__conn_worker(c) (index_of(c) == 1 ? NULL : &world.worker)
#define ws__outqueue_add_hook(c, h) world_add_hook(c, h)
#define ws__outqueue_remove_hook(c, h) world_remove_hook(c)
#define ws__batch_send(b, from, c) world_send(b, from, c)
#define ws_write_prepared(c, p) world_write(c, p)
#define ws__enqueue_cut(c, why, n) ((void)(c), (void)(n))
#define ws_ref(c) (c)
#define ws_unref(c) ((void)(c))

#include "hub/callback.c"
#include "hub/deliver.c"
#include "hub/desk.c"
#include "hub/group.c"
#include "hub/hash.c"
#include "hub/history.c"
#include "hub/hub.c"
#include "hub/name.c"
#include "hub/pace.c"
#include "hub/prefix.c"
#include "hub/presence.c"
#include "hub/publication.c"
#include "hub/publish.c"
#include "hub/replay.c"
#include "hub/round.c"
#include "hub/subscriber.c"
#define ws__desk_next_number(d)                                                \
    (fault_replays_twice ? 0 : (ws__desk_next_number)(d))
#include "hub/subscription.c"
#undef ws__desk_next_number
#include "hub/join.c"
#include "hub/table.c"
#include "hub/topic.c"

/* ---- Its beginning and its end ------------------------------------------ */

static ws_prepared *offset_frame(const ws_publication *p, void *arg)
{
    (void)arg;
    return ws_prepare(WS_BINARY, &p->place.offset, sizeof(p->place.offset));
}

static void world_begin(long history, int actors)
{
    memset(&world, 0, sizeof(world));
    ws__desk_turn = 0; /* each is of one step */
    world.busy = actors;
    world.hub = ws_hub_new(
        &(ws_hub_options){ .history = history, .frame = offset_frame }, NULL);
    assert_non_null(world.hub);
}

/* An actor, but the worker, has done all. */
static void world_done(void)
{
    world.busy--;
}

#endif
