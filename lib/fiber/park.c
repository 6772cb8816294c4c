/* SPDX-License-Identifier: MIT */

#include "fiber/park.h"

#include <errno.h>

#include "fiber/fiber_park.h"
#include "fiber/thread.h"

_Thread_local struct ws__parker *ws__running;

int ws__park(int64_t deadline)
{
    ws__before_park_run();
    return ws__running ? ws__fiber_park(deadline) : ws__thread_park(deadline);
}

int ws__park_fd(int fd, struct ws__watch *watch, int events, int64_t deadline,
                bool alone)
{
    ws__before_park_run();
    if (fd < 0)
        return -EBADF; /* poll would wait for ever */
    return ws__running ? ws__fiber_park_fd(fd, watch, events, deadline, alone)
                       : ws__thread_park_fd(fd, events, deadline, alone);
}

void ws__unpark(struct ws__parker *p)
{
    if (p->is_fiber)
        ws__fiber_unpark(p);
    else
        ws__thread_unpark(p);
}

void ws__before_park(struct ws__before *b)
{
    struct ws__parker *p = ws__parker_self();

    b->next = p->before;
    p->before = b;
}

/* One at a time: where one of them waits, the others need not wait for it. */
void ws__before_park_run_all(void)
{
    struct ws__parker *p = ws__parker_self();
    struct ws__before *b;

    while ((b = p->before) != NULL) {
        p->before = b->next;
        b->fn(b);
    }
}

struct ws__before *ws__before_park_put_off(void)
{
    struct ws__parker *p = ws__parker_self();
    struct ws__before *due = p->before, **at = &due;

    p->before = NULL;
    while (*at) {
        struct ws__before *b = *at, *next = b->next;

        if (b->attempt && b->attempt(b))
            *at = next;
        else
            at = &b->next;
    }
    return due;
}

void ws__before_park_take_up(struct ws__before *due)
{
    struct ws__parker *p = ws__parker_self();

    while (due) {
        struct ws__before *b = due;

        due = b->next;
        b->next = p->before;
        p->before = b;
    }
}
