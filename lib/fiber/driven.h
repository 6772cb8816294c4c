/* SPDX-License-Identifier: MIT */

#ifndef WS_FIBER_DRIVEN_H
#define WS_FIBER_DRIVEN_H

#include <stdbool.h>
#include <stdint.h>

#include "fiber/worker.h"

/* The worker that a thread drives, step by step, from somebody else's loop. */
struct ws__driven {
    struct ws__worker *worker;
    int64_t (*step)(struct ws__driven *d); /* returns when to come again */
};

/* The calling thread's, also within a step; NULL: none. */
extern _Thread_local struct ws__driven *ws__driven
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* The one whose steps the caller may run while it waits: outside of a step. */
static inline struct ws__driven *ws__driven_idle(void)
{
    return ws__worker_here() ? NULL : ws__driven;
}

/* ws__thread_park_fd, which runs d's steps meanwhile; fd -1: none. */
int ws__driven_park_fd(struct ws__driven *d, int fd, int events,
                       int64_t deadline, bool alone);

#endif
