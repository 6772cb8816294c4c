/* SPDX-License-Identifier: MIT */

#include "http/registry.h"

#include <stdatomic.h>

#include <silverback/fiber.h>

#include "base/alloc.h"
#include "conn/stats.h"

enum stage {
    OPEN,
    CLOSING, /* answers say "Connection: close", upgraded ones were told 1001 */
    BROKEN,  /* the deadline of the shutdown has passed */
};

struct ws__registry {
    ws_mutex lock;
    struct ws__entry *first;
    enum stage stage;
    size_t holders;
    size_t connections;
    size_t sessions;
    struct ws__stats_group stats;
    ws_access_fn access; /* like access_arg, constant once there are any */
    void *access_arg;
    ws_event quiet;       /* closing, and the last session has ended */
    atomic_size_t load[]; /* connections of each seat */
};

struct ws__registry *ws__registry_new(unsigned seats)
{
    struct ws__registry *g = ws__zalloc(sizeof(*g) + seats * sizeof(*g->load));

    if (g)
        g->holders = 1;
    return g;
}

void ws__registry_set_access(struct ws__registry *g, ws_access_fn fn, void *arg)
{
    g->access = fn;
    g->access_arg = arg;
}

bool ws__registry_has_access(const struct ws__registry *g)
{
    return g->access != NULL;
}

void ws__registry_tell(const struct ws__registry *g, const ws_access *a)
{
    g->access(a, g->access_arg);
}

void ws__registry_unref(struct ws__registry *g)
{
    ws_mutex_lock(&g->lock);
    bool last = --g->holders == 0;
    ws_mutex_unlock(&g->lock);
    if (!last)
        return;
    ws__stats_close(&g->stats); /* for what was counted since the listener's */
    ws_free(g);
}

size_t ws__registry_count(struct ws__registry *g)
{
    ws_mutex_lock(&g->lock);
    size_t n = g->connections;
    ws_mutex_unlock(&g->lock);
    return n;
}

struct ws__stats_group *ws__registry_stats(struct ws__registry *g)
{
    return &g->stats;
}

struct ws__registry *ws__registry_of(const struct ws__stats_group *stats)
{
    return (struct ws__registry *)((char *)stats -
                                   offsetof(struct ws__registry, stats));
}

size_t ws__registry_load(struct ws__registry *g, unsigned seat)
{
    return atomic_load(&g->load[seat]);
}

bool ws__registry_closing(struct ws__registry *g)
{
    ws_mutex_lock(&g->lock);
    bool closing = g->stage != OPEN;
    ws_mutex_unlock(&g->lock);
    return closing;
}

static void seat_add(struct ws__registry *g, unsigned seat)
{
    g->connections++;
    atomic_fetch_add(&g->load[seat], 1);
}

static void seat_remove(struct ws__registry *g, unsigned seat)
{
    g->connections--;
    atomic_fetch_sub(&g->load[seat], 1);
}

bool ws__session_begin(struct ws__registry *g, unsigned seat)
{
    ws_mutex_lock(&g->lock);
    bool open = g->stage == OPEN;
    if (open) {
        g->sessions++;
        g->holders++;
        seat_add(g, seat);
    }
    ws_mutex_unlock(&g->lock);
    return open;
}

void ws__session_end(struct ws__registry *g)
{
    ws_mutex_lock(&g->lock);
    if (--g->sessions == 0 && g->stage != OPEN)
        ws_event_set(&g->quiet);
    ws_mutex_unlock(&g->lock);
    ws__registry_unref(g);
}

/* ---- Entries ------------------------------------------------------------ */

static void entry_insert(struct ws__registry *g, struct ws__entry *e)
{
    e->prev = NULL;
    e->next = g->first;
    if (g->first)
        g->first->prev = e;
    g->first = e;
}

static void entry_take_off(struct ws__registry *g, const struct ws__entry *e)
{
    if (e->prev)
        e->prev->next = e->next;
    else
        g->first = e->next;
    if (e->next)
        e->next->prev = e->prev;
}

/* A shutdown that has begun meanwhile did not find it: what it does is done
 * here. */
static void entry_catch_up(struct ws__entry *e, enum stage stage)
{
    switch (stage) {
    case OPEN:
        break;
    case CLOSING:
        e->ops->close(e);
        break;
    case BROKEN:
        e->ops->cut(e);
        break;
    }
}

void ws__entry_add(struct ws__entry *e, const struct ws__entry_ops *ops,
                   struct ws__registry *g, unsigned seat)
{
    *e = (struct ws__entry){ .stats = &g->stats, .ops = ops, .seat = seat };
    ws_mutex_lock(&g->lock);
    entry_insert(g, e);
    entry_catch_up(e, g->stage);
    ws_mutex_unlock(&g->lock);
}

void ws__entry_remove(struct ws__entry *e)
{
    struct ws__registry *g = ws__registry_of(e->stats);

    ws_mutex_lock(&g->lock);
    entry_take_off(g, e);
    seat_remove(g, e->seat);
    ws_mutex_unlock(&g->lock);
}

bool ws__entry_idle(struct ws__entry *e, bool idle)
{
    struct ws__registry *g = ws__registry_of(e->stats);

    ws_mutex_lock(&g->lock);
    bool open = g->stage == OPEN;
    e->idle = idle && open;
    ws_mutex_unlock(&g->lock);
    return open;
}

void ws__entry_withdraw(struct ws__entry *e)
{
    struct ws__registry *g = ws__registry_of(e->stats);

    ws_mutex_lock(&g->lock);
    entry_take_off(g, e);
    ws_mutex_unlock(&g->lock);
}

void ws__entry_upgraded(struct ws__entry *e, const struct ws__entry_ops *ops,
                        const struct ws__entry *plain)
{
    struct ws__registry *g = ws__registry_of(plain->stats);

    *e = (struct ws__entry){ .stats = &g->stats,
                             .ops = ops,
                             .seat = plain->seat };
    ws_mutex_lock(&g->lock);
    g->holders++;
    entry_insert(g, e);
    entry_catch_up(e, g->stage);
    ws_mutex_unlock(&g->lock);
}

void ws__entry_lost(struct ws__entry *plain)
{
    struct ws__registry *g = ws__registry_of(plain->stats);

    ws_mutex_lock(&g->lock);
    seat_remove(g, plain->seat);
    ws_mutex_unlock(&g->lock);
}

void ws__entry_closed(struct ws__entry *e)
{
    ws__entry_remove(e);
    ws__registry_unref(ws__registry_of(e->stats));
}

/* ---- Shutdown ----------------------------------------------------------- */

void ws__registry_refuse(struct ws__registry *g)
{
    ws_mutex_lock(&g->lock);
    if (g->stage == OPEN)
        g->stage = CLOSING;
    ws_mutex_unlock(&g->lock);
}

void ws__registry_close(struct ws__registry *g)
{
    ws__registry_refuse(g);
    ws_mutex_lock(&g->lock);
    for (struct ws__entry *e = g->first; e; e = e->next)
        entry_catch_up(e, g->stage);
    if (g->sessions == 0)
        ws_event_set(&g->quiet);
    ws_mutex_unlock(&g->lock);
}

void ws__registry_break(struct ws__registry *g)
{
    ws_mutex_lock(&g->lock);
    g->stage = BROKEN;
    for (struct ws__entry *e = g->first; e; e = e->next)
        entry_catch_up(e, g->stage);
    ws_mutex_unlock(&g->lock);
}

int ws__registry_wait(struct ws__registry *g, int64_t deadline)
{
    return ws_event_wait(&g->quiet, deadline);
}
