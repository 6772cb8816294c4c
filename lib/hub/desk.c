/* SPDX-License-Identifier: MIT */

#include "hub/desk.h"

#include <stddef.h>

#include "base/alloc.h"
#include "fiber/budget.h"
#include "fiber/sched.h"
#include "fiber/stopwatch.h"
#include "hub/hub.h"

enum {
    INBOX_MIN = 16,
    TURN_MOST = 10 * WS__BUDGET,
    TURNS_HERE = 64, /* by a thread that has something else to do */
};

size_t ws__desk_limit = (size_t)64 << 20;
int64_t ws__desk_turn = WS__BUDGET;

/* ---- Desks -------------------------------------------------------------- */

static void desk_run_posted(struct ws__post *p);
static void desk_run_helped(struct ws__job *j);
static void desk_helped(struct ws__job *j);

static struct ws__desk *desk_new(ws_hub *h, struct ws__worker *w)
{
    struct ws__desk *d = ws__zalloc(sizeof(*d));

    if (!d)
        return NULL;
    d->hub = h;
    ws__hub_hold(h);
    d->worker = w;
    if (w)
        ws__worker_ref(w);
    d->post.fn = desk_run_posted;
    d->job.fn = desk_run_helped;
    d->job.done = desk_helped;
    pthread_mutex_init(&d->lock, NULL);
    return d;
}

static void desk_free(struct ws__desk *d)
{
    ws_hub *h = d->hub;

    pthread_mutex_destroy(&d->lock);
    if (d->worker)
        ws__worker_unref(d->worker);
    ws_free(d->inbox);
    ws_free(d);
    ws__hub_let_go(h);
}

/* With their lock held. */
static struct ws__desk *desk_find(const struct ws__desks *all,
                                  const struct ws__worker *w)
{
    struct ws__desk *d = all->first;

    while (d && d->worker != w)
        d = d->next;
    return d;
}

struct ws__desk *ws__desk_get(ws_hub *h, struct ws__worker *w)
{
    struct ws__desks *all = &h->desks;

    pthread_mutex_lock(&all->lock);
    struct ws__desk *d = desk_find(all, w);
    if (!d && (d = desk_new(h, w)) != NULL) {
        d->next = all->first;
        all->first = d;
    }
    if (d)
        atomic_fetch_add(&d->holders, 1);
    pthread_mutex_unlock(&all->lock);
    return d;
}

struct ws__desk *ws__desk_find(ws_hub *h, const struct ws__worker *w)
{
    struct ws__desks *all = &h->desks;

    pthread_mutex_lock(&all->lock);
    struct ws__desk *d = desk_find(all, w);
    if (d)
        atomic_fetch_add(&d->holders, 1);
    pthread_mutex_unlock(&all->lock);
    return d;
}

static void desk_take_out(struct ws__desks *all, struct ws__desk *d)
{
    struct ws__desk **at = &all->first;

    while (*at != d)
        at = &(*at)->next;
    *at = d->next;
    ws__outqueue_counts_add(&all->counts, &d->counts);
}

void ws__desk_let_go(struct ws__desk *d)
{
    struct ws__desks *all = &d->hub->desks;

    pthread_mutex_lock(&all->lock);
    bool last = atomic_fetch_sub(&d->holders, 1) == 1;
    if (last)
        desk_take_out(all, d);
    pthread_mutex_unlock(&all->lock);
    if (last)
        desk_free(d);
}

void ws__desks_count(struct ws__desks *all, ws_hub_stats *s)
{
    pthread_mutex_lock(&all->lock);
    struct ws__outqueue_counts n = all->counts;
    for (struct ws__desk *d = all->first; d; d = d->next) {
        pthread_mutex_lock(&d->lock);
        ws__outqueue_counts_add(&n, &d->counts);
        pthread_mutex_unlock(&d->lock);
    }
    pthread_mutex_unlock(&all->lock);
    s->delivered = n.sent;
    s->dropped = n.dropped;
    s->conflated = n.conflated;
    s->cut = n.cut;
}

/* ---- Who works at it ---------------------------------------------------- */

/* Whoever comes meanwhile leaves it to this one.  Returns false when there is
 * nothing more: then whoever comes rings. */
static bool desk_take_more(struct ws__desk *d)
{
    pthread_mutex_lock(&d->lock);
    bool more = d->n > 0 || d->jobs || d->lost;
    if (more)
        ws__round_take(d);
    d->due = more;
    pthread_mutex_unlock(&d->lock);
    if (more)
        ws__round_begin(d);
    return more;
}

/* Until all is spent.  Returns whether there may be more. */
static bool desk_work(struct ws__desk *d)
{
    do {
        if (!d->round.under_way && !desk_take_more(d))
            return false;
        ws__round_go_on(d);
    } while (!ws__is_spent());
    return true;
}

/* Of ws__ticks: what this thread has had of turns of its worker's desks. */
static _Thread_local uint64_t desks_had;

/* A clock that stands while any of those has its turn. */
static uint64_t ticks_of_others(void)
{
    return ws__ticks() - desks_had;
}

/* As much as others had since its last turn, for they may be many; of more than a
 * bound a quarter, for they wait. */
static int64_t next_turn(const struct ws__desk *d)
{
    int64_t others =
        d->left_at == 0 ? 0 : ws__budget_units(ticks_of_others() - d->left_at);

    if (others < ws__desk_turn)
        return ws__desk_turn;
    if (others < TURN_MOST)
        return others;
    return others / 4 < TURN_MOST ? TURN_MOST : others / 4;
}

/* The worker runs, so it takes what is posted. */
static void desk_run_posted(struct ws__post *p)
{
    struct ws__desk *d =
        (struct ws__desk *)((char *)p - offsetof(struct ws__desk, post));
    uint64_t begin = ws__ticks();

    ws__budget = next_turn(d);
    bool more = desk_work(d);
    desks_had += ws__ticks() - begin;
    d->left_at = more ? ticks_of_others() : 0;
    if (more)
        (void)ws__worker_post(d->worker, p);
    else
        ws__desk_let_go(d);
}

/* For so many turns, which the caller has spent then.  Returns as desk_work
 * does. */
static bool desk_work_turns(struct ws__desk *d, int turns)
{
    int64_t left = ws__budget;

    ws__budget = turns * ws__desk_turn;
    bool more = desk_work(d);
    ws__budget += left - turns * ws__desk_turn;
    return more;
}

/* To the end, and others have their turns. */
static void desk_work_on(struct ws__desk *d)
{
    while (desk_work_turns(d, 1))
        ws__take_turns();
}

/* Who publishes does not go on for others for ever; and a fiber, whose worker has
 * others, for no longer than a turn. */
static void desk_run_here(struct ws__desk *d)
{
    bool more = desk_work_turns(d, ws__in_fiber() ? 1 : TURNS_HERE);

    if (more && ws__offload(WS__FOR_HUBS, &d->job) == 0)
        return;
    if (more)
        desk_work_on(d);
    ws__desk_let_go(d);
}

static struct ws__desk *desk_of(struct ws__job *j)
{
    return (struct ws__desk *)((char *)j - offsetof(struct ws__desk, job));
}

static void desk_run_helped(struct ws__job *j)
{
    desk_work_on(desk_of(j));
}

/* Its helper still looks at j when that has been run, and then no more. */
static void desk_helped(struct ws__job *j)
{
    ws__desk_let_go(desk_of(j));
}

/* ---- The inbox ---------------------------------------------------------- */

/* Is it to be rung, by the caller?  With its lock held. */
static bool desk_is_to_be_rung(struct ws__desk *d)
{
    if (d->due)
        return false;
    d->due = true;
    atomic_fetch_add(&d->holders, 1);
    return true;
}

static bool inbox_has_room(struct ws__desk *d)
{
    if (d->n < d->room)
        return true;
    uint32_t room = d->room == 0 ? INBOX_MIN : 2 * d->room;
    void *inbox = ws__realloc(d->inbox, room * sizeof(*d->inbox));
    if (!inbox)
        return false;
    d->inbox = inbox;
    d->room = room;
    return true;
}

static void count_waiting(struct ws__desk *d, const struct ws__publication *p)
{
    d->waiting += sizeof(struct ws__delivery) + sizeof(*p) + p->size;
    if (d->waiting <= ws__desk_limit || d->behind)
        return;
    d->behind = true;
    atomic_fetch_add(&d->hub->behind, 1);
}

/* By a fiber of its worker. */
static void count_own(struct ws__desk *d)
{
    if (d->worker && d->worker == ws__worker_here() &&
        atomic_fetch_add(&d->own, 1) + 1 == WS__TOGETHER)
        atomic_fetch_add(&d->hub->ahead, 1);
}

static void inbox_add(struct ws__desk *d, struct ws__group *g,
                      struct ws__publication *p)
{
    if (p && inbox_has_room(d)) {
        d->inbox[d->n++] =
            (struct ws__delivery){ ws__publication_hold(p), g, 0 };
        d->next_number++;
        count_waiting(d, p);
        count_own(d);
    } else if (!g->lost) {
        g->lost = true;
        g->next_lost = d->lost;
        d->lost = g;
    }
}

void ws__desk_put(struct ws__group *g, struct ws__publication *p,
                  struct ws__desk **due)
{
    struct ws__desk *d = g->desk;

    pthread_mutex_lock(&d->lock);
    inbox_add(d, g, p);
    bool rings = desk_is_to_be_rung(d);
    pthread_mutex_unlock(&d->lock);
    if (rings) {
        d->next_due = *due;
        *due = d;
    }
}

uint64_t ws__desk_next_number(struct ws__desk *d)
{
    pthread_mutex_lock(&d->lock);
    uint64_t n = d->next_number;
    pthread_mutex_unlock(&d->lock);
    return n;
}

static bool post_job(struct ws__desk *d, struct ws__desk_job *j)
{
    j->next = NULL;
    pthread_mutex_lock(&d->lock);
    *(d->last_job ? &d->last_job->next : &d->jobs) = j;
    d->last_job = j;
    bool rings = desk_is_to_be_rung(d);
    pthread_mutex_unlock(&d->lock);
    return rings;
}

static bool desk_ring_worker(struct ws__desk *d)
{
    return d->worker && ws__worker_post(d->worker, &d->post);
}

/* Workers first: what is done here takes a while. */
void ws__desk_ring(struct ws__desk *due)
{
    struct ws__desk *here = NULL, *next;

    for (; due; due = next) {
        next = due->next_due;
        if (!desk_ring_worker(due)) {
            due->next_due = here;
            here = due;
        }
    }
    for (; here; here = next) {
        next = here->next_due;
        desk_run_here(here);
    }
}

/* Without a helper it lies there until the next one comes. */
void ws__desk_post(struct ws__desk *d, struct ws__desk_job *j)
{
    if (!post_job(d, j) || desk_ring_worker(d) ||
        ws__offload(WS__FOR_HUBS, &d->job) == 0)
        return;
    pthread_mutex_lock(&d->lock);
    d->due = false;
    pthread_mutex_unlock(&d->lock);
    ws__desk_let_go(d);
}

/* ---- Calls -------------------------------------------------------------- */

struct call {
    struct ws__desk_job job; /* first: a job is cast back */
    void (*fn)(void *arg);
    void *arg;
    ws_event done;
};

static void desk_call_run(struct ws__desk_job *j)
{
    struct call *call = (struct call *)j;

    call->fn(call->arg);
    ws_event_set(&call->done);
}

void ws__desk_call(struct ws__desk *d, void (*fn)(void *arg), void *arg)
{
    struct call call = { .job.fn = desk_call_run, .fn = fn, .arg = arg };

    if (d->worker && d->worker == ws__worker_here()) {
        fn(arg);
        ws__round_free_buried(d);
        return;
    }
    if (post_job(d, &call.job) && !desk_ring_worker(d))
        desk_run_here(d);
    (void)ws_event_wait(&call.done, 0);
}

/* ---- Groups that end ---------------------------------------------------- */

static void forget_lost(struct ws__desk *d, struct ws__group *g)
{
    struct ws__group **at = &d->lost;

    while (*at != g)
        at = &(*at)->next_lost;
    *at = g->next_lost;
}

void ws__desk_bury(struct ws__group *g)
{
    struct ws__desk *d = g->desk;

    pthread_mutex_lock(&d->lock);
    g->from = d->next_number;
    if (g->lost)
        forget_lost(d, g);
    pthread_mutex_unlock(&d->lock);
    g->next = NULL;
    *(d->buried ? &d->last_buried->next : &d->buried) = g;
    d->last_buried = g;
}
