/* SPDX-License-Identifier: MIT */

#include "fiber/lot.h"

#include <pthread.h>
#include <stdalign.h>
#include <stddef.h>

#include "fiber/park.h"

enum {
    BUCKETS_LOG2 = 6,
    BUCKETS = 1 << BUCKETS_LOG2,
    CACHE_LINE = 64,
};

/* First come, first served.  Neighbours do not share a cache line. */
struct bucket {
    alignas(CACHE_LINE) pthread_mutex_t lock;
    struct ws__waiter *first;
    struct ws__waiter *last;
};

#define FOUR(...) __VA_ARGS__, __VA_ARGS__, __VA_ARGS__, __VA_ARGS__

static struct bucket lot[] = {
    FOUR(FOUR(FOUR({ .lock = PTHREAD_MUTEX_INITIALIZER }))),
};

_Static_assert(sizeof(lot) / sizeof(*lot) == BUCKETS,
               "every bucket has a lock");

/* Multiplied by the golden ratio: addresses differ in their middle bits. */
static struct bucket *bucket_of(const void *key)
{
    uint64_t hash = (uint64_t)(uintptr_t)key * UINT64_C(0x9e3779b97f4a7c15);

    return &lot[hash >> (64 - BUCKETS_LOG2)];
}

static void append(struct bucket *b, struct ws__waiter *w)
{
    w->next = NULL;
    w->prev = b->last;
    if (b->last)
        b->last->next = w;
    else
        b->first = w;
    b->last = w;
    w->queued = true;
}

static void take_off(struct bucket *b, struct ws__waiter *w)
{
    if (w->prev)
        w->prev->next = w->next;
    else
        b->first = w->next;
    if (w->next)
        w->next->prev = w->prev;
    else
        b->last = w->prev;
    w->queued = false;
}

bool ws__lot_enter(struct ws__waiter *w, const void *key,
                   bool (*still)(const void *key))
{
    struct bucket *b = bucket_of(key);

    /* Before w is queued: what is due may park, and would take the token that
     * a waker gives for w. */
    ws__before_park_run();

    *w = (struct ws__waiter){ .key = key, .parker = ws__parker_self() };
    pthread_mutex_lock(&b->lock);
    if (still(key))
        append(b, w);
    bool queued = w->queued;
    pthread_mutex_unlock(&b->lock);
    return queued;
}

/* Takes the lock even if w is off the queue: the waker that took it off may
 * still be unparking its parker. */
bool ws__lot_leave(struct ws__waiter *w)
{
    struct bucket *b = bucket_of(w->key);

    pthread_mutex_lock(&b->lock);
    bool queued = w->queued;
    if (queued)
        take_off(b, w);
    pthread_mutex_unlock(&b->lock);
    return queued;
}

/* As soon as change has run, who looks at key without the lock may end its
 * life; from then on key is only compared. */
void ws__lot_wake(void *key, void (*change)(void *key), bool all)
{
    struct bucket *b = bucket_of(key);
    bool more = true;

    pthread_mutex_lock(&b->lock);
    if (change)
        change(key);
    for (struct ws__waiter *w = b->first, *next; w && more; w = next) {
        next = w->next;
        if (w->key != key)
            continue;
        take_off(b, w);
        ws__unpark(w->parker);
        more = all;
    }
    pthread_mutex_unlock(&b->lock);
}
