/* SPDX-License-Identifier: MIT */

#ifndef WS_CONN_STATS_H
#define WS_CONN_STATS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <silverback/stats.h>

/*
 * Counters.  A worker has some of its own, which only its thread changes, so
 * that to count takes no locked instruction and no cache line of another's.  Who
 * is in no worker counts for the listener of the connection; without one, for the
 * process.
 */

struct ws__entry_ops;

/* What only goes up. */
enum { WS__COUNTED = WS_COUNT_TIMEOUTS + 1 };

struct ws__counts {
    _Atomic uint64_t n[WS__COUNTED];
};

/* A listener's.  Zeroed is one that is not open. */
struct ws__stats_group {
    struct ws__stats_group *next;    /* under the lock of stats.c */
    const char *name;                /* the same; NULL: not open */
    struct ws__counts outside;       /* by threads, and by workers that ended */
    const struct ws__entry_ops *ops; /* of the connections that count here: for
                                      * good, before there are any */
};

/* A worker's. */
struct ws__stats {
    struct ws__stats *next; /* under the lock of stats.c, as is group */
    struct ws__stats *prev;
    struct ws__stats_group *group; /* of the listener that it works for */
    struct ws__counts by_role[2];  /* as a server, as a client */
};

/* A worker's begin, and its end: what it has counted stays counted. */
void ws__stats_add(struct ws__stats *s);
void ws__stats_remove(struct ws__stats *s);

/* The calling worker works for the group. */
void ws__stats_join(struct ws__stats *s, struct ws__stats_group *g);

/* The listener has its address, which lives until the close: then what was
 * counted is the process's alone.  To close one that is not open is right: for
 * what was counted since. */
void ws__stats_open(struct ws__stats_group *g, const char *name);
void ws__stats_close(struct ws__stats_group *g);

/* Set counts[c] to what a group has counted of each c. */
void ws__stats_sum(const struct ws__stats_group *g,
                   uint64_t counts[static WS__COUNTED]);

/* Call fn with that for each group that is open, and with what belongs to none,
 * for which g is NULL: the connections that were dialed, those of listeners that
 * are gone.  fn must not wait, nor ask for anything of these. */
typedef void (*ws__stats_fn)(const struct ws__stats_group *g,
                             const uint64_t counts[static WS__COUNTED],
                             void *arg);
void ws__stats_each(ws__stats_fn fn, void *arg);

/* Call fn for each worker's.  The same holds for it. */
void ws__stats_each_worker(void (*fn)(const struct ws__stats *s, void *arg),
                           void *arg);

/* For who is in no worker.  g NULL: for the process. */
void ws__stats_add_outside(struct ws__stats_group *g, enum ws_counter what,
                           uint64_t n);

/* By the worker whose counts they are. */
static inline void ws__counts_add(struct ws__counts *c, enum ws_counter what,
                                  uint64_t n)
{
    uint64_t now = atomic_load_explicit(&c->n[what], memory_order_relaxed);

    atomic_store_explicit(&c->n[what], now + n, memory_order_relaxed);
}

#endif
