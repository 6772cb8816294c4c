/* SPDX-License-Identifier: MIT */

#ifndef WS_FIBER_SYNC_H
#define WS_FIBER_SYNC_H

#include <stdbool.h>
#include <stdint.h>

#include <silverback/fiber.h>

#include "fiber/lot.h"

/* Lock by the deadline (0: never).  Returns 0 or WS_ERR_TIMEOUT.  A free lock is
 * taken even when the deadline has passed. */
int ws__mutex_lock_until(ws_mutex *m, int64_t deadline);
bool ws__mutex_trylock(ws_mutex *m);

bool ws__event_is_set(const ws_event *e);

/* Queue the caller until e is set; see ws__lot_enter.  Returns false if it is
 * set already.  A waiter that ws__lot_leave finds off the queue saw it set. */
bool ws__event_enter(struct ws__waiter *w, const ws_event *e);

#endif
