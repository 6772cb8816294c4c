/* SPDX-License-Identifier: MIT */

#ifndef WS_FIBER_BUDGET_H
#define WS_FIBER_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What a fiber may do before others have their turn: one budget for all work
 * that a peer can cause.
 *
 * Whatever does such work spends, wherever it is: with locks held, on the loop's
 * stack too.  Whatever a peer can keep going (a loop that reads, writes, takes
 * messages or requests) takes turns, where nothing is held.  Between the two no
 * single step may take much longer than a turn.
 *
 * A unit is some two microseconds; a turn, thus, a tenth of a millisecond.
 */
enum {
    WS__BUDGET = 64,
    WS__BUDGET_BYTES = 2048, /* worked on: a unit */
    WS__MOVED_BYTES = 8192,  /* received or sent by the kernel: a unit */

    /* Bytes encrypted, or pages given back, in one step. */
    WS__AT_ONCE = 128 * 1024,

    /* Beside the bytes. */
    WS__COST_READ = 1,
    WS__COST_WRITE = 2,
    WS__COST_REQUEST = 2,
    WS__COST_ACCEPT = 8,
    WS__COST_KEY = 4, /* a message of TLS's own */
};

/* What is left to the fiber or thread that runs.  Each turn begins with
 * WS__BUDGET: a fiber's whenever it runs, a thread's when all was spent. */
extern _Thread_local int64_t ws__budget
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

static inline void ws__spend(int units)
{
    ws__budget -= units;
}

/* A few are free, so that a small message is counted once. */
static inline void ws__spend_bytes(size_t n)
{
    ws__budget -=
        n < WS__AT_ONCE ? (int64_t)(n / WS__BUDGET_BYTES) : WS__BUDGET;
}

static inline void ws__spend_moved(size_t n)
{
    ws__budget -= (int64_t)(n / WS__MOVED_BYTES);
}

/* So long, of ws__ticks, in units. */
int64_t ws__budget_units(uint64_t ticks);

/* Of ws__ticks: for what may take long without doing much. */
void ws__spend_ticks(uint64_t n);

/* Before a step that takes longer than a turn, as those of a handshake do:
 * however many fibers are about to take one, the loop lets one go on for so
 * many others that run.  Nothing in a thread. */
enum { WS__OTHERS = 16 };
void ws__take_place(void);

/* For ws__take_turns.  On the loop's stack, nothing. */
void ws__budget_is_spent(void);

static inline bool ws__is_spent(void)
{
    return ws__budget < 0;
}

/* Let others run if all is spent; begins with ws__before_park_run then. */
static inline void ws__take_turns(void)
{
    if (ws__is_spent())
        ws__budget_is_spent();
}

/* One message more, or a frame. */
static inline void ws__spend_message(void)
{
    ws__spend(1);
    ws__take_turns();
}

#endif
