/* SPDX-License-Identifier: MIT */

#ifndef WS_FIBER_RUN_QUEUE_H
#define WS_FIBER_RUN_QUEUE_H

#include <stddef.h>

#include "fiber/coroutine.h"

/* Fibers that are to run, the first first.  For one thread, or under a lock. */
struct ws__run_queue {
    struct ws__coroutine *first;
    struct ws__coroutine *last;
};

static inline void ws__run_queue_append(struct ws__run_queue *q,
                                        struct ws__coroutine *f)
{
    f->next = NULL;
    if (q->last)
        q->last->next = f;
    else
        q->first = f;
    q->last = f;
}

/* NULL if there is none. */
static inline struct ws__coroutine *ws__run_queue_take(struct ws__run_queue *q)
{
    struct ws__coroutine *f = q->first;

    if (f) {
        q->first = f->next;
        if (!q->first)
            q->last = NULL;
    }
    return f;
}

#endif
