/* SPDX-License-Identifier: MIT */

#include "fiber/trim.h"

#include <stddef.h>

enum {
    SWEEP_MS = 1000,    /* parked for so long, a fiber's stack is trimmed */
    SWEEP_FIBERS = 256, /* in one go */
    SPARE_MS = 200,     /* not needed for so long, a free stack is */
};

static void trim(struct ws__coroutine *f)
{
    if (f->active) {
        f->active = false;
        f->worker->stirred = true;
    } else if (!f->trimmed) {
        ws__stack_trim(f->stack, f->context.left);
        f->trimmed = true;
    }
}

static void sweep(struct ws__timer *t)
{
    struct ws__worker *w =
        (struct ws__worker *)((char *)t -
                              offsetof(struct ws__worker, sweep_timer));

    if (!w->sweep) {
        w->stirred = false;
        w->sweep = w->newest;
    }
    for (int i = 0; w->sweep && i < SWEEP_FIBERS; i++) {
        struct ws__coroutine *f = w->sweep;
        w->sweep = f->older;
        trim(f);
    }
    if (w->sweep)
        ws__timer_set(&w->wheel, t, w->now + 1);
}

static void trim_spare(struct ws__timer *t)
{
    struct ws__worker *w =
        (struct ws__worker *)((char *)t -
                              offsetof(struct ws__worker, spare_timer));

    ws__stack_cache_trim(&w->stacks);
}

static void plan_spare(struct ws__worker *w)
{
    if (!w->stacks.warm || w->spare_timer.due != 0)
        return;
    w->spare_timer.fire = trim_spare;
    ws__timer_set(&w->wheel, &w->spare_timer, w->now + SPARE_MS);
}

void ws__trim_plan(struct ws__worker *w)
{
    plan_spare(w);
    if (!w->stirred || w->sweep_timer.due != 0)
        return;
    w->sweep_timer.fire = sweep;
    ws__timer_set(&w->wheel, &w->sweep_timer, w->now + SWEEP_MS);
}
