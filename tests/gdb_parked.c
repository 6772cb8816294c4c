/* SPDX-License-Identifier: MIT */

/* A program for gdb to look at: when it comes to look_now, its fibers wait for
 * all kinds of things. */

#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include <silverback/fiber.h>

#include "fiber/sched.h"
#include "fiber/worker.h"

enum { HOUR = 3600 * 1000 };

static int pipes[2];
static ws_event never, settled;
static struct ws__worker *other;

void look_now(void);

__attribute__((noinline)) void look_now(void)
{
    __asm__ volatile("" ::: "memory");
}

static void sleeper(void *arg)
{
    (void)arg;
    ws_sleep(HOUR);
}

static __attribute__((noinline)) int read_more(void)
{
    return ws_wait_fd(pipes[0], POLLIN, ws_after(2 * HOUR)) + 1;
}

static void reader(void *arg)
{
    (void)arg;
    exit(read_more());
}

static void event_waiter(void *arg)
{
    ws__fiber_label("GET /events");
    ws_event_wait(arg, 0);
}

static void newcomer(void *arg)
{
    (void)arg;
}

static void elsewhere(void *arg)
{
    other = ws__worker_here();
    ws_event_set(&settled);
    ws_event_wait(arg, 0);
}

static void run_elsewhere(void *arg)
{
    ws_run(elsewhere, arg);
}

static void conductor(void *arg)
{
    (void)arg;
    ws_detach(ws_go(sleeper, NULL));
    ws_detach(ws_go(reader, NULL));
    ws_detach(ws_go(event_waiter, &never));
    ws_detach(ws__go_thread(run_elsewhere, &never));
    ws_event_wait(&settled, 0);
    do
        ws_yield();
    while (!atomic_load(&other->asleep));
    ws_detach(ws_go(newcomer, NULL));
    look_now();
    _exit(0); /* LeakSanitizer does not bear a debugger */
}

int main(void)
{
    if (pipe(pipes) != 0)
        return 1;
    return ws_run(conductor, NULL);
}
