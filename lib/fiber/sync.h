/* SPDX-License-Identifier: MIT */

#ifndef WS_FIBER_SYNC_H
#define WS_FIBER_SYNC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <silverback/fiber.h>

#include "fiber/lot.h"

/* A mutex of one byte, as ws_mutex's first is: the rest of that is in
 * reserve. */
struct ws__lock {
    atomic_uchar state;
};

/* For tests. */
static inline struct ws__lock *ws__lock_of(ws_mutex *m)
{
    return (struct ws__lock *)m;
}

/* Lock by the deadline (0: never).  Returns 0 or WS_ERR_TIMEOUT.  A free lock is
 * taken even when the deadline has passed. */
int ws__lock_until(struct ws__lock *l, int64_t deadline);
bool ws__trylock(struct ws__lock *l);

/* For one that is held for moments.  Its holder may hold any other: so while this
 * waits, nothing that the caller has promised is done (fiber/parker). */
void ws__lock_briefly(struct ws__lock *l);
void ws__unlock(struct ws__lock *l);

/* For waiters that queue under another address: take it, or have it known that
 * somebody waits; let go of it, and hear whether somebody does. */
bool ws__lock_contend(struct ws__lock *l);
bool ws__lock_is_taken(const struct ws__lock *l);
bool ws__lock_is_contended(const struct ws__lock *l);
bool ws__lock_let_go(struct ws__lock *l);

/* ws_event_wait, which cancel (may be NULL) ends with WS_ERR_CANCELED. */
int ws__event_wait(ws_event *e, int64_t deadline, ws_event *cancel);

/* Not ws_event_is_set, of a ws_event, in the form that ws__lot_enter takes. */
bool ws__event_is_unset(const void *e);

#endif
