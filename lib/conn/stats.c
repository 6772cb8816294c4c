/* SPDX-License-Identifier: MIT */

#include "conn/stats.h"

#include <string.h>

#include <silverback/fiber.h>

static ws_mutex lock; /* of the lists */
static struct ws__stats *workers;
static struct ws__stats_group *groups;
static struct ws__counts process; /* of no group, or of one that is gone */

static uint64_t stats_read(const struct ws__counts *c, int what)
{
    return atomic_load_explicit(&c->n[what], memory_order_relaxed);
}

static void add_shared(struct ws__counts *c, int what, uint64_t n)
{
    atomic_fetch_add_explicit(&c->n[what], n, memory_order_relaxed);
}

/* Move all to another one, while others may go on counting. */
static void move_counts(struct ws__counts *to, struct ws__counts *from)
{
    for (int i = 0; i < WS__COUNTED; i++)
        add_shared(to, i, atomic_exchange(&from->n[i], 0));
}

/* ---- Workers ------------------------------------------------------------ */

void ws__stats_add(struct ws__stats *s)
{
    *s = (struct ws__stats){ 0 };
    ws_mutex_lock(&lock);
    s->next = workers;
    if (workers)
        workers->prev = s;
    workers = s;
    ws_mutex_unlock(&lock);
}

void ws__stats_remove(struct ws__stats *s)
{
    ws_mutex_lock(&lock);
    if (s->prev)
        s->prev->next = s->next;
    else
        workers = s->next;
    if (s->next)
        s->next->prev = s->prev;
    move_counts(s->group ? &s->group->outside : &process, &s->by_role[0]);
    move_counts(&process, &s->by_role[1]);
    ws_mutex_unlock(&lock);
}

void ws__stats_join(struct ws__stats *s, struct ws__stats_group *g)
{
    ws_mutex_lock(&lock);
    s->group = g;
    ws_mutex_unlock(&lock);
}

/* ---- Listeners ---------------------------------------------------------- */

void ws__stats_open(struct ws__stats_group *g, const char *name)
{
    ws_mutex_lock(&lock);
    g->name = name;
    g->next = groups;
    groups = g;
    ws_mutex_unlock(&lock);
}

void ws__stats_close(struct ws__stats_group *g)
{
    ws_mutex_lock(&lock);
    for (struct ws__stats_group **at = &groups; *at; at = &(*at)->next)
        if (*at == g) {
            *at = g->next;
            break;
        }
    g->name = NULL;
    move_counts(&process, &g->outside);
    ws_mutex_unlock(&lock);
}

void ws__stats_add_outside(struct ws__stats_group *g, enum ws_counter what,
                           uint64_t n)
{
    add_shared(g ? &g->outside : &process, (int)what, n);
}

/* ---- Sums --------------------------------------------------------------- */

static void sum_counts(const struct ws__counts *c, uint64_t *counts)
{
    for (int i = 0; i < WS__COUNTED; i++)
        counts[i] += stats_read(c, i);
}

/* Each count belongs to one sum, so that none ever goes down.  With the lock
 * held; g NULL: what belongs to none. */
static void sum_of(const struct ws__stats_group *g, uint64_t *counts)
{
    memset(counts, 0, WS__COUNTED * sizeof(*counts));
    for (const struct ws__stats *s = workers; s; s = s->next) {
        if (s->group == g)
            sum_counts(&s->by_role[0], counts);
        if (!g)
            sum_counts(&s->by_role[1], counts);
    }
    sum_counts(g ? &g->outside : &process, counts);
}

void ws__stats_sum(const struct ws__stats_group *g,
                   uint64_t counts[static WS__COUNTED])
{
    ws_mutex_lock(&lock);
    sum_of(g, counts);
    ws_mutex_unlock(&lock);
}

void ws__stats_each(ws__stats_fn fn, void *arg)
{
    uint64_t counts[WS__COUNTED];

    ws_mutex_lock(&lock);
    for (const struct ws__stats_group *g = groups; g; g = g->next) {
        sum_of(g, counts);
        fn(g, counts, arg);
    }
    sum_of(NULL, counts);
    fn(NULL, counts, arg);
    ws_mutex_unlock(&lock);
}

void ws__stats_each_worker(void (*fn)(const struct ws__stats *s, void *arg),
                           void *arg)
{
    ws_mutex_lock(&lock);
    for (const struct ws__stats *s = workers; s; s = s->next)
        fn(s, arg);
    ws_mutex_unlock(&lock);
}
