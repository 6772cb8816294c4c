/* SPDX-License-Identifier: MIT */

#include "fiber/sched.h"

#include <errno.h>

#include "base/alloc.h"
#include "fiber/driven.h"
#include "fiber/thread.h"
#include "fiber/worker.h"
#include "fiber/worker_run.h"

struct thread {
    struct ws_fiber handle; /* first: a handle is cast to this */
    pthread_t id;
};

/* The worker in whose name a thread runs; NULL for the program's own. */
static _Thread_local struct ws__worker *patron;

/* ---- Threads ------------------------------------------------------------ */

static void *body(void *arg)
{
    struct thread *t = arg;

    ws__thread_runs_handlers();
    patron = t->handle.worker;
    t->handle.fn(t->handle.arg);
    ws__before_park_run();

    struct ws__worker *w = patron;
    ws_event_set(&t->handle.ended);
    ws__fiber_release(&t->handle);
    if (w)
        ws__worker_let_go(w);
    return NULL;
}

ws_fiber *ws__go_thread(void (*fn)(void *arg), void *arg)
{
    struct ws__worker *w = ws__worker_here();
    struct thread *t = ws__zalloc(sizeof(*t));

    if (!t)
        return NULL;
    w = w ? w : patron;
    t->handle.fn = fn;
    t->handle.arg = arg;
    t->handle.worker = w;
    t->handle.is_thread = true;
    atomic_init(&t->handle.holders, 2);
    if (w)
        ws__worker_hold(w);
    if (ws__thread_start(&t->id, body, t) == 0)
        return &t->handle;
    if (w)
        ws__worker_let_go(w);
    ws_free(t);
    return NULL;
}

int ws__in_thread(void (*fn)(void *arg), void *arg)
{
    ws_fiber *f = ws__go_thread(fn, arg);

    if (!f)
        return -ENOMEM;
    ws_join(f);
    return 0;
}

/* ---- Fibers ------------------------------------------------------------- */

int ws__run_worker(struct ws__worker *w, void (*fn)(void *arg), void *arg)
{
    struct ws__coroutine *f = ws__coroutine_new(w, fn, arg);

    if (!f)
        return -ENOMEM;
    ws__fiber_release(&f->handle);
    ws__worker_ready(w, f);
    ws__worker_run(w);
    return 0;
}

int ws_run(void (*fn)(void *arg), void *arg)
{
    if (ws__worker_here())
        return WS_ERR_INVALID;

    struct ws__worker *w = ws__worker_new(0);
    int r = w ? ws__run_worker(w, fn, arg) : -ENOMEM;
    if (w)
        ws__worker_unref(w);
    return r;
}

/* Between two steps of a program's loop, too: the bell has it make one. */
ws_fiber *ws_go(void (*fn)(void *arg), void *arg)
{
    struct ws__worker *w = ws__worker_here();

    if (!w && ws__driven)
        w = ws__driven->worker;
    if (!w)
        return ws__go_thread(fn, arg);
    struct ws__coroutine *f = ws__coroutine_new(w, fn, arg);
    if (!f)
        return NULL;
    f->label = w->current ? w->current->label : NULL;
    ws__worker_ready(w, f);
    return &f->handle;
}

bool ws__go_at_once(void (*fn)(void *arg), void *arg)
{
    struct ws__worker *w = ws__worker_here();
    struct ws__coroutine *f = ws__coroutine_new(w, fn, arg);

    if (!f)
        return false;
    ws__fiber_release(&f->handle);
    if (w->current || w->started)
        ws__worker_ready(w, f);
    else
        w->started = f;
    return true;
}

struct start {
    struct ws__post post; /* first: a post is cast to this */
    struct ws__worker *worker;
    void (*fn)(void *arg);
    void (*no_memory)(void *arg);
    void *arg;
};

static void go_in_start(struct ws__post *p)
{
    struct start *s = (struct start *)p;
    struct ws__coroutine *f = ws__coroutine_new(s->worker, s->fn, s->arg);

    if (f) {
        ws__fiber_release(&f->handle);
        ws__worker_ready(s->worker, f);
    } else {
        s->no_memory(s->arg);
    }
    ws_free(s);
}

int ws__go_in(struct ws__worker *w, void (*fn)(void *arg),
              void (*no_memory)(void *arg), void *arg)
{
    struct start *s = ws__alloc(sizeof(*s));

    if (!s)
        return -ENOMEM;
    *s = (struct start){ .post = { .fn = go_in_start },
                         .worker = w,
                         .fn = fn,
                         .no_memory = no_memory,
                         .arg = arg };
    if (ws__worker_post(w, &s->post))
        return 0;
    ws_free(s);
    return WS_ERR_CANCELED;
}

/* The event is set when the function has returned.  A thread has little left to do
 * then, so that the join, which blocks, is short. */
void ws_join(ws_fiber *f)
{
    if (!f)
        return;
    ws_event_wait(&f->ended, 0);
    if (f->is_thread)
        pthread_join(((struct thread *)f)->id, NULL);
    ws__fiber_release(f);
}

void ws_detach(ws_fiber *f)
{
    if (!f)
        return;
    if (f->is_thread)
        pthread_detach(((struct thread *)f)->id);
    ws__fiber_release(f);
}

void ws_sleep(int64_t ms)
{
    int64_t deadline = ws_after(ms);

    while (ws__park(deadline) == 0)
        continue;
}

/* ---- About the caller --------------------------------------------------- */

/* Meanwhile no fiber runs: should fn wait all the same (for a lock, at worst), the
 * thread does. */
void ws__on_loop_stack(void (*fn)(void *arg), void *arg)
{
    struct ws__worker *w = ws__worker_here();
    struct ws__parker *fiber = ws__running;

    if (!w || !fiber) {
        fn(arg);
        return;
    }
    ws__running = NULL;
    ws__context_call(&w->loop, fn, arg);
    ws__running = fiber;
}

void ws__fiber_label(const char *label)
{
    struct ws__worker *w = ws__worker_here();

    if (!w)
        return;
    w->current->label = label;
    atomic_store_explicit(&w->label, label, memory_order_relaxed);
}

void ws__alarm_start(struct ws__alarm *a, int64_t at)
{
    ws__alarm_set(&ws__worker_here()->wheel, a, at);
}

void ws__alarm_stop(struct ws__alarm *a)
{
    ws__wheel_remove(&ws__worker_here()->wheel, a);
}

struct ws__worker *ws__worker_held(void)
{
    struct ws__worker *w = ws__worker_here();

    if (w)
        ws__worker_hold(w);
    return w;
}

bool ws__in_fiber(void)
{
    return ws__running != NULL;
}

int64_t ws__now_about(void)
{
    struct ws__worker *w = ws__worker_here();

    return w ? w->now : ws_now();
}
