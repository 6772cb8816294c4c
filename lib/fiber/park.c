/* SPDX-License-Identifier: MIT */

#include "fiber/park.h"

#include <errno.h>

#include "fiber/driven.h"
#include "fiber/fiber_park.h"
#include "fiber/thread_park.h"

enum { LOOK_MS = 20 };

/* Who waits for a token may rely on having it: when poll(2) finds no memory, the
 * loop is looked after now and then. */
static int park_driven(struct ws__driven *d, int64_t deadline)
{
    for (;;) {
        int r = ws__driven_park_fd(d, -1, 0, deadline, false);
        if (r >= 0 || r == WS_ERR_TIMEOUT)
            return r;

        int64_t look = ws_after(LOOK_MS);
        bool last = deadline != 0 && deadline <= look;
        r = ws__thread_park(last ? deadline : look);
        if (r == 0 || last)
            return r;
    }
}

static int park_thread(int64_t deadline)
{
    struct ws__driven *d = ws__driven_idle();

    return d ? park_driven(d, deadline) : ws__thread_park(deadline);
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
