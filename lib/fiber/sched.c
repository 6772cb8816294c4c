/* SPDX-License-Identifier: MIT */

/* Threads for fibers. */

#include <sched.h>
#include <stdatomic.h>

#include <silverback/fiber.h>

#include "base/alloc.h"
#include "fiber/park.h"
#include "fiber/thread.h"

/* A call of ws_run, and how many fibers of it have not ended. */
struct run {
    atomic_size_t fibers;
    ws_event ended;
};

struct ws_fiber {
    void (*fn)(void *arg);
    void *arg;
    struct run *run; /* NULL: started outside of one */
    pthread_t thread;
    atomic_int holders; /* the thread, and who is to join or detach it */
    ws_event ended;
};

static _Thread_local struct run *current;

static void run_leave(struct run *run)
{
    if (atomic_fetch_sub(&run->fibers, 1) == 1)
        ws_event_set(&run->ended);
}

static void release(ws_fiber *f)
{
    if (atomic_fetch_sub(&f->holders, 1) == 1)
        ws_free(f);
}

/* ws_run returns last, when nothing of the fiber is left. */
static void *body(void *arg)
{
    ws_fiber *f = arg;
    struct run *run = f->run;

    current = run;
    f->fn(f->arg);
    ws__before_park_run();

    ws_event_set(&f->ended);
    release(f);
    if (run)
        run_leave(run);
    return NULL;
}

int ws_run(void (*fn)(void *arg), void *arg)
{
    struct run run = { .fibers = 1 };

    if (current)
        return WS_ERR_INVALID;
    current = &run;
    fn(arg);
    ws__before_park_run();
    current = NULL;

    run_leave(&run);
    return ws_event_wait(&run.ended, 0);
}

ws_fiber *ws_go(void (*fn)(void *arg), void *arg)
{
    ws_fiber *f = ws__zalloc(sizeof(*f));

    if (!f)
        return NULL;
    f->fn = fn;
    f->arg = arg;
    f->run = current;
    atomic_init(&f->holders, 2);

    if (f->run)
        atomic_fetch_add(&f->run->fibers, 1);
    if (ws__thread_start(&f->thread, body, f) == 0)
        return f;
    if (f->run)
        run_leave(f->run);
    ws_free(f);
    return NULL;
}

/* The wait is for the event; the thread has nothing left to do after it. */
void ws_join(ws_fiber *f)
{
    if (!f)
        return;
    ws_event_wait(&f->ended, 0);
    pthread_join(f->thread, NULL);
    release(f);
}

void ws_detach(ws_fiber *f)
{
    if (!f)
        return;
    pthread_detach(f->thread);
    release(f);
}

void ws_sleep(int64_t ms)
{
    int64_t deadline = ws_after(ms);

    while (ws__park(deadline) == 0)
        continue;
}

void ws_yield(void)
{
    ws__before_park_run();
    sched_yield();
}

int ws_blocking(int (*fn)(void *arg), void *arg)
{
    ws__before_park_run();
    return fn(arg);
}
