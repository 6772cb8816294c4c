/* SPDX-License-Identifier: MIT */

#ifndef WS_FIBER_WATCHDOG_H
#define WS_FIBER_WATCHDOG_H

#include "fiber/worker.h"

/*
 * A thread that looks, while any worker is awake, whether a fiber holds one up:
 * for more than 100 ms without waiting in this library.  It says so in the log,
 * once for each handler.
 */
void ws__watchdog_add(struct ws__worker *w);
void ws__watchdog_remove(struct ws__worker *w);

/* A worker has woken up. */
void ws__watchdog_wake(void);

/* How many fibers all workers have. */
size_t ws__watchdog_fibers(void);

/* End the thread that watches, if there is no worker. */
void ws__watchdog_cleanup(void);

/* A fiber begins to run, or (NULL) has stopped. */
static inline void ws__watchdog_turn(struct ws__worker *w,
                                     const struct ws__coroutine *f)
{
    unsigned turns = atomic_load_explicit(&w->turns, memory_order_relaxed);

    if (f) {
        atomic_store_explicit(&w->label, f->label, memory_order_relaxed);
        atomic_store_explicit(&w->fn, f->handle.fn, memory_order_relaxed);
    }
    atomic_store_explicit(&w->turns, turns + 1, memory_order_release);
}

#endif
