/* SPDX-License-Identifier: MIT */

#include "fiber/sync.h"

#include <stdatomic.h>
#include <stddef.h>

#include "fiber/park.h"

/* An event's state is opaque[0], so it has to be a pointer; NULL is unset. */
#define SET ((void *)1)

/* A lock's. */
enum {
    FREE,
    LOCKED,
    CONTENDED, /* and somebody may be queued for it */
};

enum { LOOK_MS = 1 };

static _Atomic(void *) *state_of(void *object)
{
    return object;
}

static void *load(const void *object)
{
    return atomic_load((const _Atomic(void *) *)object);
}

static void set(void *key)
{
    atomic_store(state_of(key), SET);
}

static bool is_unset(const void *key)
{
    return load(key) == NULL;
}

static bool is_contended(const void *lock)
{
    return ws__lock_is_contended(lock);
}

/* It is set under the lot's lock, and the lot does not look at e afterwards: a
 * waiter that sees it set may end e's life at once. */
void ws_event_set(ws_event *e)
{
    ws__lot_wake(e, set, true);
}

void ws_event_clear(ws_event *e)
{
    atomic_store(state_of(e), NULL);
}

bool ws_event_is_set(const ws_event *e)
{
    return load(e) == SET;
}

bool ws__event_is_unset(const void *e)
{
    return is_unset(e);
}

/* A waiter that ws__lot_leave finds off the queue saw it set. */
static bool event_enter(struct ws__waiter *w, const ws_event *e)
{
    return ws__lot_enter(w, e, is_unset);
}

/* A waiter that was taken off the queue saw it set, even if it has been cleared
 * since.  Entering the second queue does not park, though ws__lot_enter may: the
 * first has done all that was due. */
int ws__event_wait(ws_event *e, int64_t deadline, ws_event *cancel)
{
    struct ws__waiter w, c;
    int r = 0;

    while (r == 0 && !ws_event_is_set(e)) {
        if (!event_enter(&w, e))
            return 0;
        bool canceled = cancel && !event_enter(&c, cancel);
        if (!canceled) {
            r = ws__park(deadline);
            canceled = cancel && !ws__lot_leave(&c);
        }
        if (!ws__lot_leave(&w))
            return 0;
        r = canceled ? WS_ERR_CANCELED : r;
    }
    return r;
}

int ws_event_wait(ws_event *e, int64_t deadline)
{
    return ws__event_wait(e, deadline, NULL);
}

bool ws__trylock(struct ws__lock *m)
{
    unsigned char unlocked = FREE;

    return atomic_compare_exchange_strong(&m->state, &unlocked, LOCKED);
}

/* Who has waited takes it as contended, since others may still be queued.  One
 * that gives up leaves it so, and the next unlock wakes for nothing at worst. */
bool ws__lock_contend(struct ws__lock *m)
{
    return atomic_exchange(&m->state, CONTENDED) == FREE;
}

bool ws__lock_is_taken(const struct ws__lock *m)
{
    return atomic_load(&m->state) != FREE;
}

bool ws__lock_is_contended(const struct ws__lock *m)
{
    return atomic_load(&m->state) == CONTENDED;
}

int ws__lock_until(struct ws__lock *m, int64_t deadline)
{
    struct ws__waiter w;
    int r = 0;

    if (ws__trylock(m))
        return 0;
    while (!ws__lock_contend(m)) {
        if (r != 0)
            return r;
        if (ws__lot_enter(&w, m, is_contended)) {
            r = ws__park(deadline);
            ws__lot_leave(&w);
        }
    }
    return 0;
}

bool ws__lock_let_go(struct ws__lock *m)
{
    return atomic_exchange(&m->state, FREE) == CONTENDED;
}

/* A worker's loop waits as a thread does; and the one whom an unlock has woken
 * may be a fiber of that worker, which cannot run meanwhile.  So who waits looks
 * by itself, too. */
void ws__lock_briefly(struct ws__lock *m)
{
    if (ws__trylock(m))
        return;
    struct ws__before *due = ws__before_park_put_off();
    while (ws__lock_until(m, ws_after(LOOK_MS)) != 0)
        continue;
    ws__before_park_take_up(due);
}

void ws__unlock(struct ws__lock *m)
{
    if (ws__lock_let_go(m))
        ws__lot_wake(m, NULL, false);
}

void ws_mutex_lock(ws_mutex *m)
{
    ws__lock_until(ws__lock_of(m), 0);
}

void ws_mutex_unlock(ws_mutex *m)
{
    ws__unlock(ws__lock_of(m));
}
