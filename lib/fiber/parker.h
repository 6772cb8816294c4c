/* SPDX-License-Identifier: MIT */

#ifndef WS_FIBER_PARKER_H
#define WS_FIBER_PARKER_H

#include <stdbool.h>

#include "fiber/thread_park.h"

struct ws__before;

/*
 * A parker is what runs and can wait: a fiber, which switches away, or a
 * thread, which blocks.  It holds one token: unpark gives it, park takes it, so
 * a wake-up that comes first is not lost.  Waking for no reason is allowed:
 * callers look again.
 */
struct ws__parker {
    struct ws__before *before; /* due before it waits */
    void *own;                 /* of fiber/local */
    bool is_fiber;
};

/* The fiber that runs; NULL outside of one. */
extern _Thread_local struct ws__parker *ws__running
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* The parker of the caller.  The same pointer as long as it runs. */
static inline struct ws__parker *ws__parker_self(void)
{
    struct ws__parker *p = ws__running;

    return p ? p : ws__parker_of_thread();
}

/*
 * What has to be done before the caller next waits anywhere: run forgets each
 * of them, then calls it, the latest first.  ws__park, ws__park_fd and
 * ws__lot_enter begin with it, whoever ends a handler calls it, and a thread's end
 * does.  fn may wait, so it must not need what its caller holds while it waits.
 *
 * Who is to wait while it holds what others need puts them off: then attempt
 * (NULL: nothing) does what it can without waiting, returns whether that was
 * all, and the rest is due again when they are taken up.
 */
struct ws__before {
    struct ws__before *next;
    void (*fn)(struct ws__before *b);
    bool (*attempt)(struct ws__before *b);
};
void ws__before_park(struct ws__before *b);
void ws__before_park_forget(struct ws__before *b); /* of the caller's */
void ws__before_park_run_all(void);
struct ws__before *ws__before_park_put_off(void);
void ws__before_park_take_up(struct ws__before *due);

/* Of the caller's parker.  One at a time: where one of them waits, the others need
 * not wait for it. */
static inline void ws__before_run_of(struct ws__parker *p)
{
    while (p->before) {
        struct ws__before *b = p->before;

        p->before = b->next;
        b->fn(b);
    }
}

static inline void ws__before_park_run(void)
{
    if (ws__parker_self()->before)
        ws__before_park_run_all();
}

#endif
