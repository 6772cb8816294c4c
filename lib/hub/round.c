/* SPDX-License-Identifier: MIT */

#include "hub/round.h"

#include <errno.h>

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
    d->round = (struct ws__round){ .under_way = true,
                                   .deliveries = d->inbox,
                                   .n = d->n,
                                   .room = d->room,
                                   .first_number = d->next_number - d->n,
                                   .jobs = d->jobs,
                                   .lost = d->lost };
    d->inbox = NULL;
    d->n = d->room = 0;
    d->waiting = 0;
    d->jobs = d->last_job = NULL;
    d->lost = NULL;
    if (d->behind)
        no_more_behind(d);
}

/* The next ones of a group from i on, up to one that cuts, and not much more
 * together than a turn takes.  Returns where to go on. */
static uint32_t run_fill(struct ws__round *r, uint32_t i)
{
    struct ws__run *run = &r->run;
    size_t bytes = 0;

    while (i != NONE && run->n < WS__TOGETHER && bytes < WS__AT_ONCE) {
        const struct ws__delivery *d = &r->deliveries[i];
        if (d->publication->cuts)
            break;
        bytes += d->publication->size;
        run->publications[run->n] = d->publication;
        run->numbers[run->n++] = r->first_number + i;
        i = d->next;
    }
    return i;
}

/* Returns whether all of g have the run, or are cut. */
static bool run_send(struct ws__round *r, struct ws__group *g, uint64_t until)
{
    int error = ws__group_send(g, &r->run, until, &r->counts);

    if (error == -EAGAIN)
        return false;
    if (error != 0)
        ws__group_cut(g, UINT64_MAX, &r->counts);
    ws__run_end(&r->run);
    return true;
}

/* Returns whether all of g have all. */
static bool round_send_to(struct ws__round *r, struct ws__group *g,
                          uint64_t until)
{
    while (r->run.n > 0 || g->first != NONE) {
        if (r->run.n == 0)
            g->first = run_fill(r, g->first);
        if (r->run.n > 0 && !run_send(r, g, until))
            return false;
        if (g->first != NONE && r->deliveries[g->first].publication->cuts) {
            ws__group_cut(g, r->first_number + g->first, &r->counts);
            g->first = r->deliveries[g->first].next;
        }
    }
    return true;
}

static bool round_send(struct ws__round *r, uint64_t until)
{
    while (r->groups) {
        struct ws__group *g = r->groups;
        if (!round_send_to(r, g, until))
            return false;
        g->in_round = false;
        r->groups = g->next_in_round;
    }
    return true;
}

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
        ws__group_cut(g, UINT64_MAX, &r->counts);
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

static void do_jobs(struct ws__round *r)
{
    for (struct ws__desk_job *j = r->jobs, *next; j; j = next) {
        next = j->next;
        j->fn(j);
    }
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

    bool sent = round_send(r, until);
    count(d);
    if (!sent)
        return;
    for (uint32_t i = 0; i < r->n; i++)
        ws__publication_let_go(r->deliveries[i].publication);
    d->done = r->first_number + r->n;
    do_jobs(r);
    ws__round_free_buried(d);
    round_end(d);
}
