/* SPDX-License-Identifier: MIT */

#ifndef WS_FIBER_LOT_H
#define WS_FIBER_LOT_H

#include <stdbool.h>
#include <stdint.h>

#include "fiber/parker.h"

/*
 * The parking lot: queues of parkers that wait for something at an address.
 * The queues and their locks lie outside of what is waited for, so that it may
 * end its life while a waker is still at work.
 */
struct ws__waiter {
    const void *key;
    struct ws__parker *parker;
    struct ws__waiter *next;
    struct ws__waiter *prev;
    bool queued;
};

/*
 * Queue the caller under key, if still says so; it is asked under the queue's
 * lock, so a wake that follows the change it looks for is not missed.  Returns
 * false, and w is not queued, if it said no.  Begins with ws__before_park_run.
 */
bool ws__lot_enter(struct ws__waiter *w, const void *key,
                   bool (*still)(const void *key));

/* Leave the queue.  Returns false if a waker has taken w off it already. */
bool ws__lot_leave(struct ws__waiter *w);

/* Under the queue's lock: run change (may be NULL) on key, then unpark the
 * first waiter, or all.  key is not touched by anything else. */
void ws__lot_wake(void *key, void (*change)(void *key), bool all);

#endif
