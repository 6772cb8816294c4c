/* SPDX-License-Identifier: MIT */

#include "fiber/coroutine.h"

#include <stddef.h>

#include "base/alloc.h"
#include "fiber/sanitizers.h"
#include "fiber/stack.h"
#include "fiber/worker.h"

static void coroutine_main(void *arg)
{
    struct ws__coroutine *f = arg;

    ws__context_entered(&f->context, &f->worker->loop);
    f->handle.fn(f->handle.arg);
    ws__before_park_run();
    f->ended = true;
    ws__context_switch(&f->context, &f->worker->loop, true);
}

static void coroutine_timed_out(struct ws__timer *t)
{
    struct ws__coroutine *f =
        (struct ws__coroutine *)((char *)t -
                                 offsetof(struct ws__coroutine, timer));

    if (!ws__coroutine_claim(f))
        return;
    f->timed_out = true;
    ws__worker_ready(f->worker, f);
}

static void count_fibers(struct ws__worker *w, int more)
{
    long n = atomic_load_explicit(&w->fibers, memory_order_relaxed);

    atomic_store_explicit(&w->fibers, n + more, memory_order_relaxed);
}

static void list(struct ws__worker *w, struct ws__coroutine *f)
{
    f->older = w->newest;
    if (f->older)
        f->older->newer = f;
    w->newest = f;
    count_fibers(w, 1);
}

static void unlist_fiber(struct ws__worker *w, struct ws__coroutine *f)
{
    if (w->sweep == f)
        w->sweep = f->older;
    if (f->newer)
        f->newer->older = f->older;
    else
        w->newest = f->older;
    if (f->older)
        f->older->newer = f->newer;
    count_fibers(w, -1);
}

/* The fiber, then its frames, from the stack's top down.  Tops that lie at the
 * same place in their pages would share few lines of the cache. */
struct ws__coroutine *ws__coroutine_new(struct ws__worker *w,
                                        void (*fn)(void *arg), void *arg)
{
    struct ws__stack *s = ws__stack_get(&w->stacks);

    if (!s)
        return NULL;
    size_t colour = ((uintptr_t)s / sizeof(*s) & 7) * 64;
    size_t room = (ws__stack_size(s) - colour - sizeof(struct ws__coroutine)) &
                  ~(size_t)63;
    ws__asan_renew(s->low, ws__stack_size(s));
    struct ws__coroutine *f = (struct ws__coroutine *)(s->low + room);

    *f = (struct ws__coroutine){
        .parker = { .is_fiber = true },
        .worker = w,
        .stack = s,
        .has_canary = s->guard == WS__GUARD_CANARY,
        .timer = { .fire = coroutine_timed_out },
        .handle = { .fn = fn, .arg = arg, .worker = w },
    };
    atomic_init(&f->handle.holders, 2);
    ws__context_init(&f->context, s->low, room, coroutine_main, f);
    list(w, f);
    return f;
}

void ws__coroutine_fini(struct ws__coroutine *f)
{
    unlist_fiber(f->worker, f);
    ws__wheel_remove(&f->worker->wheel, &f->timer.alarm);
    ws__context_fini(&f->context);
}

void ws__fiber_release(ws_fiber *h)
{
    struct ws__worker *here = ws__worker_here();

    if (atomic_fetch_sub(&h->holders, 1) != 1)
        return;
    if (h->is_thread) {
        ws_free(h);
        return;
    }
    struct ws__coroutine *f =
        (struct ws__coroutine *)((char *)h -
                                 offsetof(struct ws__coroutine, handle));
    ws__stack_put(here ? &here->stacks : NULL, f->stack);
}
