/* SPDX-License-Identifier: MIT */

#include "fiber/driven.h"

#include <silverback/base.h>

#include "fiber/limit.h"
#include "fiber/thread_park.h"

_Thread_local struct ws__driven *ws__driven;

/* Is the caller's wait over?  Not by the time when the worker is to come again; nor,
 * where no token can come, by 0: that the worker has something to do.  Who waits
 * for a token takes a 0 of that kind for a wake-up for no reason. */
static bool is_over(int r, int64_t deadline, bool alone)
{
    if (r == WS_ERR_TIMEOUT)
        return deadline != 0 && deadline <= ws_now();
    return r != 0 || !alone;
}

/* In the end it is woken, for the program to hear from a step of its own when to
 * come again. */
int ws__driven_park_fd(struct ws__driven *d, int fd, int events,
                       int64_t deadline, bool alone)
{
    int r;

    do {
        int64_t again = d->step(d);
        r = ws__thread_park_fd(fd, events, d->worker->epoll,
                               ws__earlier(deadline, again), alone);
    } while (!is_over(r, deadline, alone));
    ws__worker_wake(d->worker);
    return r;
}
