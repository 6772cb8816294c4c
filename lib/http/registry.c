/* SPDX-License-Identifier: MIT */

#include "http/registry.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <silverback/conn.h>
#include <silverback/fiber.h>

#include "base/alloc.h"
#include "conn/stats.h"
#include "fiber/sync.h"
#include "proto/close.h"

/* What fits in an entry; so many threads there never are. */
#define SEAT_MASK ((1u << 30) - 1)

int ws__registry_fresh_ms = 1000;

enum stage {
    OPEN,
    STOPPING, /* answers say "Connection: close" */
    CLOSING,  /* idle ones were ended, upgraded ones are told goodbye */
    BROKEN,   /* the deadline of the shutdown has passed */
};

struct ws__registry {
    ws_mutex lock;
    struct ws__entry *first;
    struct ws__entry *turn; /* those from here on have not been closed */
    struct ws__stay *stays;
    enum stage stage;
    int goodbye;
    char reason[WS__REASON_MAX + 1];
    atomic_size_t holders;
    size_t connections;
    size_t sessions;
    struct ws__stats_group stats;
    const ws_route *routes;
    const struct ws__entry_ops *plain_ops;
    ws_access_fn access; /* like access_arg, constant once there are any */
    void *access_arg;
    atomic_size_t threads;
    ws_event stopping;
    ws_event quiet;       /* closing, and the last session has ended */
    atomic_size_t load[]; /* connections of each seat */
};

struct ws__registry *ws__registry_new(unsigned seats, const ws_route *routes,
                                      const struct ws__entry_ops *plain,
                                      const struct ws__entry_ops *upgraded)
{
    struct ws__registry *g = ws__zalloc(sizeof(*g) + seats * sizeof(*g->load));

    if (!g)
        return NULL;
    atomic_init(&g->holders, 1);
    g->goodbye = WS_CLOSE_GOING_AWAY;
    g->routes = routes;
    g->plain_ops = plain;
    g->stats.ops = upgraded;
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
    if (atomic_fetch_sub(&g->holders, 1) > 1)
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

size_t ws__registry_threads(struct ws__registry *g)
{
    return atomic_load(&g->threads);
}

void ws__registry_thread(struct ws__registry *g, bool more)
{
    if (more)
        atomic_fetch_add(&g->threads, 1);
    else
        atomic_fetch_sub(&g->threads, 1);
}

bool ws__registry_closing(const struct ws__registry *g)
{
    return ws_event_is_set(&g->stopping);
}

ws_event *ws__registry_stopping(struct ws__registry *g)
{
    return &g->stopping;
}

void ws__registry_set_goodbye(struct ws__registry *g, int code,
                              const char *reason)
{
    struct ws__str fits = ws__close_reason(reason);

    ws_mutex_lock(&g->lock);
    g->goodbye = code;
    memcpy(g->reason, fits.p, fits.n);
    g->reason[fits.n] = '\0';
    ws_mutex_unlock(&g->lock);
}

int ws__registry_goodbye(const struct ws__registry *g, const char **reason)
{
    *reason = g->reason[0] != '\0' ? g->reason : NULL;
    return g->goodbye;
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
    bool open = g->stage < CLOSING;
    if (open) {
        g->sessions++;
        atomic_fetch_add(&g->holders, 1);
        seat_add(g, seat);
    }
    ws_mutex_unlock(&g->lock);
    return open;
}

static void stay_begin(struct ws__registry *g, struct ws__stay *s)
{
    *s = (struct ws__stay){ .next = g->stays };
    if (g->stays)
        g->stays->prev = s;
    g->stays = s;
}

static void stay_end(struct ws__registry *g, const struct ws__stay *s)
{
    if (s->prev)
        s->prev->next = s->next;
    else
        g->stays = s->next;
    if (s->next)
        s->next->prev = s->prev;
}

void ws__session_end(struct ws__registry *g, struct ws__stay *stay)
{
    ws_mutex_lock(&g->lock);
    if (stay)
        stay_end(g, stay);
    if (--g->sessions == 0 && g->stage >= CLOSING)
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
    if (g->turn == e)
        g->turn = e->next;
    if (e->prev)
        e->prev->next = e->next;
    else
        g->first = e->next;
    if (e->next)
        e->next->prev = e->prev;
}

static const struct ws__entry_ops *ops_of(const struct ws__entry *e)
{
    return e->plain ? ws__registry_of(e->stats)->plain_ops : e->stats->ops;
}

/* A shutdown that has begun meanwhile did not find it: what it does is done
 * here. */
static void entry_catch_up(struct ws__entry *e, enum stage stage)
{
    switch (stage) {
    case OPEN:
    case STOPPING:
        break;
    case CLOSING:
        ops_of(e)->close(e);
        break;
    case BROKEN:
        ops_of(e)->cut(e);
        break;
    }
}

void ws__entry_add(struct ws__entry *e, struct ws__registry *g, unsigned seat,
                   struct ws__stay *stay)
{
    *e = (struct ws__entry){ .stats = &g->stats,
                             .seat = seat & SEAT_MASK,
                             .plain = true };
    ws_mutex_lock(&g->lock);
    stay_begin(g, stay);
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

void ws__entry_stays(struct ws__entry *e, const struct ws__stay *of,
                     const ws_route *route)
{
    struct ws__registry *g = ws__registry_of(e->stats);

    ws_mutex_lock(&g->lock);
    stay_end(g, of);
    e->route = (uint32_t)(route - g->routes) + 1;
    ws_mutex_unlock(&g->lock);
}

const char *ws__entry_route(const struct ws__entry *e)
{
    return ws__registry_of(e->stats)->routes[e->route - 1].path;
}

void ws__entry_leaves(struct ws__entry *e)
{
    struct ws__registry *g = ws__registry_of(e->stats);

    ws_mutex_lock(&g->lock);
    e->route = 0;
    ws_mutex_unlock(&g->lock);
}

bool ws__entry_idle(struct ws__entry *e, bool idle)
{
    struct ws__registry *g = ws__registry_of(e->stats);

    ws_mutex_lock(&g->lock);
    bool open = g->stage < CLOSING;
    e->idle = idle;
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

void ws__entry_upgraded(struct ws__entry *e, const struct ws__entry *plain)
{
    struct ws__registry *g = ws__registry_of(plain->stats);

    *e = (struct ws__entry){ .stats = &g->stats, .seat = plain->seat };
    ws_mutex_lock(&g->lock);
    atomic_fetch_add(&g->holders, 1);
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

void ws__entry_freed(struct ws__entry *e)
{
    ws__registry_unref(ws__registry_of(e->stats));
}

/* ---- Shutdown ----------------------------------------------------------- */

static void registry_advance(struct ws__registry *g, enum stage stage)
{
    if (g->stage < stage)
        g->stage = stage;
    ws_event_set(&g->stopping);
}

void ws__registry_stop(struct ws__registry *g)
{
    ws_mutex_lock(&g->lock);
    registry_advance(g, STOPPING);
    ws_mutex_unlock(&g->lock);
}

size_t ws__registry_close(struct ws__registry *g)
{
    size_t n = 0;

    ws_mutex_lock(&g->lock);
    if (g->stage < CLOSING)
        g->turn = g->first;
    registry_advance(g, CLOSING);
    for (struct ws__entry *e = g->first; e; e = e->next) {
        n += ops_of(e)->spread;
        if (!ops_of(e)->spread)
            entry_catch_up(e, g->stage);
    }
    if (g->sessions == 0)
        ws_event_set(&g->quiet);
    ws_mutex_unlock(&g->lock);
    return n;
}

/* What has come since stands before the others, and was told at once. */
bool ws__registry_close_next(struct ws__registry *g, size_t n)
{
    ws_mutex_lock(&g->lock);
    while (n > 0 && g->turn) {
        struct ws__entry *e = g->turn;

        g->turn = e->next;
        n -= ops_of(e)->spread;
        if (ops_of(e)->spread)
            entry_catch_up(e, g->stage);
    }
    bool more = g->turn;
    ws_mutex_unlock(&g->lock);
    return more;
}

void ws__registry_break(struct ws__registry *g)
{
    ws_mutex_lock(&g->lock);
    registry_advance(g, BROKEN);
    for (struct ws__entry *e = g->first; e; e = e->next)
        entry_catch_up(e, g->stage);
    ws_mutex_unlock(&g->lock);
}

int ws__registry_wait(struct ws__registry *g, int64_t deadline)
{
    return ws_event_wait(&g->quiet, deadline);
}

/* ---- Who is left -------------------------------------------------------- */

enum { REPORTED = 8 }; /* routes that are named */

struct report {
    size_t n;
    struct {
        const char *name;
        size_t count;
    } of[REPORTED];
    size_t others;
};

static void report_add(struct report *r, const char *name)
{
    size_t i = 0;

    while (i < r->n && strcmp(r->of[i].name, name) != 0)
        i++;
    if (i == REPORTED) {
        r->others++;
        return;
    }
    r->n += i == r->n;
    r->of[i].name = name;
    r->of[i].count++;
}

static void report_write(const struct report *r, char *text, size_t size)
{
    size_t at = 0;

    for (size_t i = 0; i < r->n && at < size; i++)
        at +=
            (size_t)snprintf(text + at, size - at, "%s%s %zu",
                             i > 0 ? ", " : "", r->of[i].name, r->of[i].count);
    if (r->others > 0 && at < size)
        snprintf(text + at, size - at, ", others %zu", r->others);
}

size_t ws__registry_report(struct ws__registry *g, char *text, size_t size)
{
    struct report r = { 0 };

    text[0] = '\0';
    ws_mutex_lock(&g->lock);
    size_t n = g->sessions;
    for (const struct ws__stay *s = g->stays; s; s = s->next) {
        const char *route = atomic_load(&s->route);

        report_add(&r, route ? route : "between requests");
    }
    for (const struct ws__entry *e = g->first; e; e = e->next)
        if (e->route != 0)
            report_add(&r, ws__entry_route(e));
    ws_mutex_unlock(&g->lock);
    report_write(&r, text, size);
    return n;
}
