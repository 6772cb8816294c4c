/* SPDX-License-Identifier: MIT */

#include "fiber/budget.h"

#include <sched.h>

#include <silverback/fiber.h>

#include "fiber/stopwatch.h"
#include "fiber/worker.h"

enum { UNIT_US = 2 };

_Thread_local int64_t ws__budget;

void ws_yield(void)
{
    struct ws__worker *w = ws__worker_here();

    ws__before_park_run();
    if (!w) {
        sched_yield();
        return;
    }
    ws__worker_ready(w, w->current);
    ws__worker_switch(w);
}

int64_t ws__budget_units(uint64_t ticks)
{
    return (int64_t)(ticks / (ws__ticks_per_us() * UNIT_US));
}

void ws__spend_ticks(uint64_t n)
{
    int64_t units = ws__budget_units(n);

    ws__spend(units < WS__BUDGET ? (int)units : WS__BUDGET);
}

void ws__take_place(void)
{
    struct ws__worker *w = ws__worker_here();

    if (!ws__running)
        return;
    ws__before_park_run();
    ws__worker_queue(w, w->current);
    ws__worker_switch(w);
}

/* A thread yields, too: the kernel would let it run on for milliseconds. */
void ws__budget_is_spent(void)
{
    bool is_loop = ws__worker_here() && !ws__running;

    if (is_loop)
        return;
    ws__budget = WS__BUDGET;
    ws_yield();
}
