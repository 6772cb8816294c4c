/* SPDX-License-Identifier: MIT */

#include "hub/round.h"

#include "base/alloc.h"
#include "fiber/budget.h"
#include "fiber/lot.h"
#include "hub/desk.h"
#include "hub/hub.h"

enum { INBOX_KEPT = 256 }; /* room for so many is kept for the next round */

#define NONE UINT32_MAX

static void no_more_behind(struct ws__desk *d)
{
    ws_hub *h = d->hub;

    d->behind = false;
    if (atomic_fetch_sub(&h->behind, 1) == 1)
        ws__lot_wake(&h->behind, NULL, true);
}

static void no_more_ahead(struct ws__desk *d)
{
    atomic_fetch_sub(&d->hub->ahead, 1);
    ws__lot_wake(&d->own, NULL, true);
}

void ws__round_take(struct ws__desk *d)
{
    struct ws__round *r = &d->round;

    r->under_way = true;
    r->deliveries = d->inbox;
    r->n = d->n;
    r->room = d->room;
    r->first_number = d->next_number - d->n;
    r->jobs = d->jobs;
    r->lost = d->lost;
    d->inbox = NULL;
    d->n = d->room = 0;
    d->waiting = 0;
    d->jobs = d->last_job = NULL;
    d->lost = NULL;
    if (d->behind)
        no_more_behind(d);
    if (atomic_exchange(&d->own, 0) >= WS__TOGETHER)
        no_more_ahead(d);
}

/* ---- Beginning ---------------------------------------------------------- */

static void group_add(struct ws__round *r, struct ws__group *g)
{
    if (g->in_round)
        return;
    g->in_round = true;
    g->first = NONE;
    g->next_in_round = NULL;
    *(r->groups ? &r->last_group->next_in_round : &r->groups) = g;
    r->last_group = g;
}

/* A chain for each group, in the inbox itself. */
static void delivery_add(struct ws__round *r, uint32_t i)
{
    struct ws__group *g = r->deliveries[i].group;

    group_add(r, g);
    r->deliveries[i].next = NONE;
    *(g->first == NONE ? &g->first : &r->deliveries[g->last].next) = i;
    g->last = i;
}

/* Once they are not lost any more they may be again, and be in the next list. */
static void losses_add(struct ws__desk *d)
{
    pthread_mutex_lock(&d->lock);
    for (struct ws__group *g = d->round.lost, *next; g; g = next) {
        next = g->next_lost;
        g->lost = false;
        g->loses = true;
        group_add(&d->round, g);
    }
    pthread_mutex_unlock(&d->lock);
}

void ws__round_begin(struct ws__desk *d)
{
    losses_add(d);
    for (uint32_t i = 0; i < d->round.n; i++)
        delivery_add(&d->round, i);
}

/* ---- Sending ------------------------------------------------------------ */

/* What takes about a turn to send to one member, at most. */
static bool run_has_room(const struct ws__run *run, size_t bytes)
{
    return run->n < WS__TOGETHER && bytes < WS__AT_ONCE && !run->cuts;
}

static void run_add(struct ws__run *run, struct ws__publication *p,
                    uint64_t number)
{
    run->numbers[run->n] = number;
    run->publications[run->n++] = p;
}

/* Nobody has what was lost, and nothing goes behind the gap. */
static void run_fill_loss(struct ws__round *r, struct ws__group *g)
{
    g->loses = false;
    r->run.cuts = true;
    run_add(&r->run, NULL, r->first_number + r->n);
}

/* The next ones of a group: one that cuts goes alone.  Moves what they hold. */
static void run_fill(struct ws__round *r, struct ws__group *g)
{
    struct ws__run *run = &r->run;
    size_t bytes = 0;

    while (g->first != NONE && run_has_room(run, bytes)) {
        const struct ws__delivery *d = &r->deliveries[g->first];
        if (d->publication->cuts && run->n > 0)
            break;
        run->cuts = d->publication->cuts;
        bytes += d->publication->size;
        run_add(run, d->publication, r->first_number + g->first);
        g->first = d->next;
    }
}

/* Returns whether all of g have the run, or never will. */
static bool run_send(struct ws__desk *d, struct ws__group *g)
{
    struct ws__round *r = &d->round;

    if (!atomic_load(&d->hub->ended))
        return ws__group_send(g, &r->run, &r->counts);
    g->sent = 0;
    return true;
}

/* Returns whether all of g have all. */
static bool round_send_to(struct ws__desk *d, struct ws__group *g)
{
    struct ws__round *r = &d->round;

    while (r->run.n > 0 || g->loses || g->first != NONE) {
        if (r->run.n == 0 && g->loses)
            run_fill_loss(r, g);
        else if (r->run.n == 0)
            run_fill(r, g);
        if (!run_send(d, g))
            return false;
        ws__run_end(&r->run);
        ws__spend(1);
        if (ws__is_spent())
            return false;
    }
    return true;
}

/* Returns whether all have all. */
static bool round_send(struct ws__desk *d)
{
    struct ws__round *r = &d->round;

    while (r->groups) {
        if (!round_send_to(d, r->groups))
            return false;
        r->groups->in_round = false;
        r->groups = r->groups->next_in_round;
    }
    return true;
}

/* ---- All of it ---------------------------------------------------------- */

/* The number from which nothing is for them only grows, from one to the next. */
void ws__round_free_buried(struct ws__desk *d)
{
    struct ws__group *g;

    while ((g = d->buried) != NULL && g->from <= d->done && !g->in_round) {
        d->buried = g->next;
        ws__group_free(g);
    }
}

/* Returns whether all are done. */
static bool do_jobs(struct ws__round *r)
{
    struct ws__desk_job *j;

    while ((j = r->jobs) != NULL) {
        r->jobs = j->next;
        j->fn(j);
        ws__spend(1);
        if (ws__is_spent())
            return false;
    }
    return true;
}

static void count(struct ws__desk *d)
{
    pthread_mutex_lock(&d->lock);
    ws__outqueue_counts_add(&d->counts, &d->round.counts);
    pthread_mutex_unlock(&d->lock);
    d->round.counts = (struct ws__outqueue_counts){ 0 };
}

/* The inbox that was taken is the next one, if there is none yet. */
static void round_end(struct ws__desk *d)
{
    struct ws__round *r = &d->round;

    pthread_mutex_lock(&d->lock);
    if (!d->inbox && r->deliveries && r->room <= INBOX_KEPT) {
        d->inbox = r->deliveries;
        d->room = r->room;
        r->deliveries = NULL;
    }
    pthread_mutex_unlock(&d->lock);
    ws_free(r->deliveries);
    r->under_way = false;
}

void ws__round_go_on(struct ws__desk *d)
{
    struct ws__round *r = &d->round;

    bool sent = round_send(d);
    count(d);
    if (!sent)
        return;
    d->done = r->first_number + r->n;
    if (!do_jobs(r))
        return;
    ws__round_free_buried(d);
    round_end(d);
}
