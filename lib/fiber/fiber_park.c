/* SPDX-License-Identifier: MIT */

#include "fiber/fiber_park.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>

#include <silverback/base.h>

#include "fiber/watch.h"
#include "fiber/worker.h"

static struct ws__coroutine *self(void)
{
    return (struct ws__coroutine *)ws__running;
}

static bool fiber_take_token(struct ws__coroutine *f)
{
    return atomic_exchange(&f->token, WS__NO_TOKEN) == WS__TOKEN;
}

/* Leave until something wakes f.  Returns whether a token did.  A token that comes
 * when something else has claimed f already is kept for the next wait. */
static bool leave(struct ws__coroutine *f, int64_t deadline, bool takes_token)
{
    int none = WS__NO_TOKEN;

    if (takes_token &&
        !atomic_compare_exchange_strong(&f->token, &none, WS__WANTED))
        return fiber_take_token(f);
    f->takes_token = takes_token;
    f->parked = true;
    f->timed_out = false;
    ws__timer_set(&f->worker->wheel, &f->timer, deadline);
    ws__worker_switch(f->worker);
    f->timer.due = 0;
    bool claimed = !f->parked;
    f->parked = false;
    return !claimed && fiber_take_token(f);
}

int ws__fiber_park(int64_t deadline)
{
    struct ws__coroutine *f = self();

    return leave(f, deadline, true) || !f->timed_out ? 0 : WS_ERR_TIMEOUT;
}

void ws__fiber_unpark(struct ws__parker *p)
{
    struct ws__coroutine *f = (struct ws__coroutine *)p;

    if (atomic_exchange(&f->token, WS__TOKEN) == WS__WANTED)
        ws__worker_ready(f->worker, f);
}

/* ---- Descriptors -------------------------------------------------------- */

static int poll_once(int fd, int events)
{
    struct pollfd p = { .fd = fd, .events = (short)events };
    int n;

    do
        n = poll(&p, 1, 0);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    if (n == 0)
        return WS_ERR_TIMEOUT;
    return p.revents & POLLNVAL ? -EBADF : p.revents;
}

static int wait_for(struct ws__watch *watch, int events, int64_t deadline,
                    bool alone)
{
    struct ws__coroutine *f = self();
    int got = ws__watch_enter(watch, f, events);

    if (got != 0)
        return got;
    bool token = leave(f, deadline, !alone);
    got = ws__watch_leave(watch, f);
    if (got != 0)
        return got;
    return token || !f->timed_out ? 0 : WS_ERR_TIMEOUT;
}

/* A descriptor that this worker does not watch is watched for this one wait. */
static int wait_once(struct ws__worker *w, int fd, int events, int64_t deadline,
                     bool alone)
{
    struct ws__watch *watch;
    int r = ws__watch_once(w, fd, events, &watch);

    if (r == -EPERM) /* a file: always ready, as for poll */
        return poll_once(fd, events);
    if (r != 0)
        return r;
    r = wait_for(watch, events, deadline, alone);
    ws__watch_free(watch);
    return r;
}

int ws__fiber_park_fd(int fd, struct ws__watch *watch, int events,
                      int64_t deadline, bool alone)
{
    struct ws__coroutine *f = self();
    struct ws__worker *w = f->worker;
    int r;

    if (deadline != 0 && deadline <= w->now)
        return !alone && fiber_take_token(f) ? 0 : poll_once(fd, events);
    do
        r = watch && ws__watch_is_of(watch, w)
                ? wait_for(watch, events, deadline, alone)
                : wait_once(w, fd, events, deadline, alone);
    while (r == 0 && alone);
    return r;
}
