/* SPDX-License-Identifier: MIT */

#ifndef WS_FIBER_PARK_H
#define WS_FIBER_PARK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ws__before;
struct ws__watch;

/*
 * THE parking point: whatever waits in this library, waits here.
 *
 * A parker is what runs and can wait: a fiber, which switches away, or a
 * thread, which blocks.  It holds one token: unpark gives it, park takes it, so
 * a wake-up that comes first is not lost.  Waking for no reason is allowed:
 * callers look again.
 */
struct ws__parker {
    struct ws__before *before; /* due before it waits */
    void *own;                 /* what the layers above keep for it */
    bool is_fiber;
};

/* The fiber that runs; NULL outside of one. */
extern _Thread_local struct ws__parker *ws__running
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

struct ws__parker *ws__parker_of_thread(void);

/* The parker of the caller.  The same pointer as long as it runs. */
static inline struct ws__parker *ws__parker_self(void)
{
    struct ws__parker *p = ws__running;

    return p ? p : ws__parker_of_thread();
}

/* Wait for the token, or until the deadline (0: never).  Returns 0, or
 * WS_ERR_TIMEOUT. */
int ws__park(int64_t deadline);

/*
 * Wait for the token, for poll(2) events of a descriptor, or the deadline;
 * alone says that no token can come, which is cheaper.  watch, which may be
 * NULL, is the descriptor's.  Returns the events (> 0), 0 for the token,
 * WS_ERR_TIMEOUT, or a negated errno.  What a watch reports may be out of date.
 */
int ws__park_fd(int fd, struct ws__watch *watch, int events, int64_t deadline,
                bool alone);

/* From any thread.  The parker must not end meanwhile: see fiber/lot. */
void ws__unpark(struct ws__parker *p);

/*
 * What has to be done before the caller next waits anywhere: run forgets each
 * of them, then calls it, the latest first.  ws__park, ws__park_fd and
 * ws__lot_enter begin with it, and whoever ends a handler calls it.  fn may wait,
 * so it must not need what its caller holds while it waits.
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
void ws__before_park_run_all(void);
struct ws__before *ws__before_park_put_off(void);
void ws__before_park_take_up(struct ws__before *due);

static inline void ws__before_park_run(void)
{
    if (ws__parker_self()->before)
        ws__before_park_run_all();
}

#endif
