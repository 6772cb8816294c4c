/* SPDX-License-Identifier: MIT */

#include "fiber/park.h"

#include <errno.h>

#include "fiber/driven.h"
#include "fiber/fiber_park.h"
#include "fiber/thread_park.h"

static int park_thread(int64_t deadline)
{
    struct ws__driven *d = ws__driven_idle();

    return d ? ws__driven_park_fd(d, -1, 0, deadline, false)
             : ws__thread_park(deadline);
}

static int park_thread_fd(int fd, int events, int64_t deadline, bool alone)
{
    struct ws__driven *d = ws__driven_idle();

    return d ? ws__driven_park_fd(d, fd, events, deadline, alone)
             : ws__thread_park_fd(fd, events, -1, deadline, alone);
}

int ws__park(int64_t deadline)
{
    ws__before_park_run();
    return ws__running ? ws__fiber_park(deadline) : park_thread(deadline);
}

int ws__park_fd(int fd, struct ws__watch *watch, int events, int64_t deadline,
                bool alone)
{
    ws__before_park_run();
    if (fd < 0)
        return -EBADF; /* poll would wait for ever */
    return ws__running ? ws__fiber_park_fd(fd, watch, events, deadline, alone)
                       : park_thread_fd(fd, events, deadline, alone);
}

void ws__unpark(struct ws__parker *p)
{
    if (p->is_fiber)
        ws__fiber_unpark(p);
    else
        ws__thread_unpark(p);
}
