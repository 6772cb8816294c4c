/* SPDX-License-Identifier: MIT */

#include "conn/unfinished.h"

#include "conn/extras.h"
#include "conn/inbox.h"
#include "conn/share.h"
#include "fiber/memory.h"
#include "fiber/sched.h"

enum {
    /* What a message that is inflated holds besides: zlib's state. */
    INFLATER = 40 * 1024,

    LEAST_LIMIT = 32 * 1024 * 1024,
};

static struct {
    _Atomic int64_t limit; /* 0: not yet known; < 0: none */
    atomic_size_t bytes;
    atomic_size_t connections;
    _Atomic uint64_t refused;
    _Atomic uint64_t slow;
} unfinished;

/* ---- The limit ---------------------------------------------------------- */

void ws_set_unfinished_limit(int64_t bytes)
{
    atomic_store(&unfinished.limit, bytes);
}

/* Whoever comes second finds what the first has found, or what was set. */
static void find_limit(void *limit)
{
    int64_t quarter = ws__memory() / 4, unknown = 0;
    int64_t found = quarter > LEAST_LIMIT ? quarter : LEAST_LIMIT;

    if (!atomic_compare_exchange_strong(&unfinished.limit, &unknown, found))
        found = unknown;
    *(int64_t *)limit = found;
}

int64_t ws__unfinished_limit(void)
{
    int64_t limit =
        atomic_load_explicit(&unfinished.limit, memory_order_relaxed);

    if (limit == 0)
        ws__on_loop_stack(find_limit, &limit); /* it reads files */
    return limit;
}

/*
 * From half of the limit on equal shares of that half are for all.  So those who
 * hold much and let it lie cannot shut out the others, whose messages are mostly
 * small.
 */
static bool is_allowed(size_t mine)
{
    int64_t limit = ws__unfinished_limit();
    size_t all = atomic_load_explicit(&unfinished.bytes, memory_order_relaxed);
    size_t n =
        atomic_load_explicit(&unfinished.connections, memory_order_relaxed);

    if (limit < 0 || all <= (uint64_t)limit / 2)
        return true;
    return all <= (uint64_t)limit &&
           (n < 2 || mine <= (uint64_t)limit / 2 / (n - 1));
}

/* ---- Counting ----------------------------------------------------------- */

/* Of what is lent the pool has the rest. */
static size_t held_by(const struct ws__buf *b)
{
    return b->lent ? ws__buf_used(b) : ws__buf_size(b);
}

static size_t holds(const struct ws__inbox *g)
{
    const struct ws__reader *r = &g->reader;

    if (r->type == 0 || g->by_pieces)
        return 0;
    return held_by(&g->in) + held_by(&r->whole) +
           (r->inflate && !r->takeover ? INFLATER : 0);
}

static void change_to(struct ws__inbox *g, size_t n)
{
    struct ws__share *share = ws__extras(g->conn)->share;

    if (n == g->unfinished)
        return;
    if (share)
        atomic_fetch_add_explicit(&share->unfinished, n - g->unfinished,
                                  memory_order_relaxed);
    atomic_fetch_add_explicit(&unfinished.bytes, n - g->unfinished,
                              memory_order_relaxed);
    if (g->unfinished == 0)
        atomic_fetch_add_explicit(&unfinished.connections, 1,
                                  memory_order_relaxed);
    else if (n == 0)
        atomic_fetch_sub_explicit(&unfinished.connections, 1,
                                  memory_order_relaxed);
    g->unfinished = n;
}

bool ws__unfinished_by_address(const struct ws__inbox *g)
{
    const struct ws__share *s = ws__extras(g->conn)->share;

    return s && s->unfinished_max > 0 &&
           atomic_load_explicit(&s->unfinished, memory_order_relaxed) >
               s->unfinished_max;
}

bool ws__unfinished_count(struct ws__inbox *g)
{
    change_to(g, holds(g));
    return g->unfinished == 0 ||
           (is_allowed(g->unfinished) && !ws__unfinished_by_address(g));
}

void ws__unfinished_drop(struct ws__inbox *g)
{
    change_to(g, 0);
}

void ws__unfinished_refused(bool slow)
{
    atomic_fetch_add_explicit(slow ? &unfinished.slow : &unfinished.refused, 1,
                              memory_order_relaxed);
}

struct ws__unfinished ws__unfinished_now(void)
{
    return (struct ws__unfinished){
        .bytes = atomic_load(&unfinished.bytes),
        .connections = atomic_load(&unfinished.connections),
        .refused = atomic_load(&unfinished.refused),
        .slow = atomic_load(&unfinished.slow),
    };
}
