/* SPDX-License-Identifier: MIT */

#include "hub/round.h"

#include "base/alloc.h"
#include "fiber/budget.h"
#include "fiber/lot.h"
#include "fiber/stopwatch.h"
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

/* A chain for each group, in the inbox itself. */
static void round_sort(struct ws__round *r)
{
    for (uint32_t i = 0; i < r->n; i++) {
        struct ws__group *g = r->deliveries[i].group;
        r->deliveries[i].next = NONE;
        if (g->in_round) {
            r->deliveries[g->last].next = i;
        } else {
            g->in_round = true;
            g->first = i;
            g->next_in_round = NULL;
            *(r->groups ? &r->last_group->next_in_round : &r->groups) = g;
            r->last_group = g;
        }
        g->last = i;
    }
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
}

/* ---- Sending ------------------------------------------------------------ */

/* What takes about a turn to send to one member, at most. */
static bool run_has_room(const struct ws__run *run, size_t bytes)
{
    return run->n < WS__TOGETHER && bytes < WS__AT_ONCE && !run->cuts;
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
        run->numbers[run->n] = r->first_number + g->first;
        run->publications[run->n++] = d->publication;
        g->first = d->next;
    }
}

/* Returns whether all of g have all. */
static bool round_send_to(struct ws__round *r, struct ws__group *g,
                          uint64_t until)
{
    while (r->run.n > 0 || g->first != NONE) {
        if (r->run.n == 0)
            run_fill(r, g);
        if (!ws__group_send(g, &r->run, until, &r->counts))
            return false;
        ws__run_end(&r->run);
    }
    return true;
}

static void next_group(struct ws__round *r)
{
    r->groups->in_round = false;
    r->groups = r->groups->next_in_round;
}

/* Returns whether all have all. */
static bool round_send(struct ws__round *r, uint64_t until)
{
    while (r->groups) {
        if (!round_send_to(r, r->groups, until))
            return false;
        next_group(r);
    }
    return true;
}

/* The hub has ended: nobody gets anything more. */
static void round_drop(struct ws__round *r)
{
    ws__run_end(&r->run);
    for (; r->groups; next_group(r)) {
        r->groups->sent = 0;
        while (r->groups->first != NONE) {
            run_fill(r, r->groups);
            ws__run_end(&r->run);
        }
    }
}

/* ---- All of it ---------------------------------------------------------- */

/* First of all, so that nothing goes behind the gap.  Once it is not lost any more
 * it may be again, and be in the next list. */
static void cut_lost(struct ws__desk *d)
{
    struct ws__round *r = &d->round;

    for (struct ws__group *g = r->lost, *next; g; g = next) {
        next = g->next_lost;
        pthread_mutex_lock(&d->lock);
        g->lost = false;
        pthread_mutex_unlock(&d->lock);
        ws__group_cut(g, &r->counts);
    }
}

void ws__round_begin(struct ws__desk *d)
{
    cut_lost(d);
    round_sort(&d->round);
}

void ws__round_free_buried(struct ws__desk *d)
{
    struct ws__group **at = &d->buried;

    while (*at) {
        struct ws__group *g = *at;
        if (g->from > d->done) {
            at = &g->next;
        } else {
            *at = g->next;
            ws__group_free(g);
        }
    }
}

/* Returns whether all are done. */
static bool do_jobs(struct ws__round *r, uint64_t until)
{
    struct ws__desk_job *j;

    while ((j = r->jobs) != NULL) {
        r->jobs = j->next;
        j->fn(j);
        if (ws__ticks() >= until)
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

void ws__round_go_on(struct ws__desk *d, uint64_t until)
{
    struct ws__round *r = &d->round;

    if (atomic_load(&d->hub->ended))
        round_drop(r);
    bool sent = round_send(r, until);
    count(d);
    if (!sent)
        return;
    d->done = r->first_number + r->n;
    if (!do_jobs(r, until))
        return;
    ws__round_free_buried(d);
    round_end(d);
}
