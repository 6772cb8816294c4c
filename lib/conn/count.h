/* SPDX-License-Identifier: MIT */

#ifndef WS_CONN_COUNT_H
#define WS_CONN_COUNT_H

#include "conn/conn.h"
#include "conn/pools.h"
#include "conn/stats.h"
#include "fiber/sched.h"

/*
 * Counting what a connection does.  What each message counts is its worker's;
 * what happens once is its listener's, whoever it is that does it, so that of a
 * begin and its end neither is another listener's.
 */

static inline struct ws__stats_group *ws__conn_stats(const ws_conn *c)
{
    return c->entry.stats;
}

/* Once in its life. */
static inline void ws__count_once(const ws_conn *c, enum ws_counter what)
{
    ws__stats_add_outside(ws__conn_stats(c), what, 1);
}

/* The calling worker's, if it counts for a server (0) of this group, or a client
 * (1).  A worker in a loop of the program's may serve for several groups, and has
 * none itself. */
static inline struct ws__counts *ws__counts_here(
    const struct ws__stats_group *g, bool client)
{
    struct ws__pools *p = ws__worker_local();

    return p && (client || p->stats.group == g) ? &p->stats.by_role[client]
                                                : NULL;
}

static inline void ws__count_in(struct ws__stats_group *g, bool client,
                                enum ws_counter what, uint64_t n)
{
    struct ws__counts *counts = ws__counts_here(g, client);

    if (counts)
        ws__counts_add(counts, what, n);
    else
        ws__stats_add_outside(g, what, n);
}

/* With each message, or frame. */
static inline void ws__count(const ws_conn *c, enum ws_counter what, uint64_t n)
{
    ws__count_in(ws__conn_stats(c), c->client, what, n);
}

/* Of messages, or a part of one: n bytes, and those that have ended. */
static inline void ws__count_message(const ws_conn *c, enum ws_counter bytes,
                                     uint64_t n, enum ws_counter messages,
                                     uint64_t ended)
{
    struct ws__counts *counts = ws__counts_here(ws__conn_stats(c), c->client);

    if (counts) {
        ws__counts_add(counts, bytes, n);
        ws__counts_add(counts, messages, ended);
        return;
    }
    ws__stats_add_outside(ws__conn_stats(c), bytes, n);
    ws__stats_add_outside(ws__conn_stats(c), messages, ended);
}

/* Messages that went, of so many bytes before they were compressed (0: they were
 * not) to so many. */
void ws__count_sent(const ws_conn *c, uint64_t n, uint64_t bytes,
                    uint64_t compressed);

/* The end of one that has begun. */
void ws__count_end(const ws_conn *c);

#endif
