/* SPDX-License-Identifier: MIT */

#include "hub/round.h"

#include "base/alloc.h"
#include "fiber/lot.h"
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

void ws__round_take(struct ws__round *r, struct ws__desk *d)
{
    *r = (struct ws__round){ .desk = d,
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

/* The next ones of a group from i on, up to one that cuts.  Returns where to go
 * on. */
static uint32_t run_fill(const struct ws__round *r, uint32_t i,
                         struct ws__run *run)
{
    run->n = 0;
    while (i != NONE && run->n < WS__TOGETHER) {
        const struct ws__delivery *d = &r->deliveries[i];
        if (d->publication->cuts)
            break;
        run->publications[run->n] = d->publication;
        run->numbers[run->n++] = r->first_number + i;
        i = d->next;
    }
    return i;
}

static void round_send_to(struct ws__round *r, struct ws__group *g)
{
    struct ws__run run;
    uint32_t i = g->first;

    g->in_round = false;
    while (i != NONE) {
        i = run_fill(r, i, &run);
        if (run.n > 0 && ws__group_send(g, &run, &r->counts) != 0)
            ws__group_cut(g, UINT64_MAX, &r->counts);
        if (i != NONE && r->deliveries[i].publication->cuts) {
            ws__group_cut(g, r->first_number + i, &r->counts);
            i = r->deliveries[i].next;
        }
    }
}

static void round_send(struct ws__round *r)
{
    round_sort(r);
    for (struct ws__group *g = r->groups, *next; g; g = next) {
        next = g->next_in_round;
        round_send_to(r, g);
    }
    for (uint32_t i = 0; i < r->n; i++)
        ws__publication_let_go(r->deliveries[i].publication);
}

/* First of all, so that nothing goes behind the gap.  Once it is not lost any more
 * it may be again, and be in the next list. */
static void cut_lost(struct ws__round *r)
{
    struct ws__desk *d = r->desk;

    for (struct ws__group *g = r->lost, *next; g; g = next) {
        next = g->next_lost;
        pthread_mutex_lock(&d->lock);
        g->lost = false;
        pthread_mutex_unlock(&d->lock);
        ws__group_cut(g, UINT64_MAX, &r->counts);
    }
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

/* The inbox that was taken is the next one, if there is none yet. */
static void round_end(struct ws__round *r)
{
    struct ws__desk *d = r->desk;

    pthread_mutex_lock(&d->lock);
    ws__outqueue_counts_add(&d->counts, &r->counts);
    if (!d->inbox && r->deliveries && r->room <= INBOX_KEPT) {
        d->inbox = r->deliveries;
        d->room = r->room;
        r->deliveries = NULL;
    }
    pthread_mutex_unlock(&d->lock);
    ws_free(r->deliveries);
}

void ws__round_do(struct ws__round *r)
{
    struct ws__desk *d = r->desk;

    cut_lost(r);
    round_send(r);
    d->done = r->first_number + r->n;
    for (struct ws__desk_job *j = r->jobs, *next; j; j = next) {
        next = j->next;
        j->fn(j);
    }
    ws__round_free_buried(d);
    round_end(r);
}
