/* SPDX-License-Identifier: MIT */

#include "fiber/worker.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <silverback/base.h>

#include "base/alloc.h"
#include "fiber/budget.h"
#include "fiber/budget.h"
#include "fiber/overflow.h"
#include "fiber/sanitizers.h"
#include "fiber/sched.h"
#include "fiber/stopwatch.h"
#include "fiber/watchdog.h"

enum {
    EVENTS = 256,      /* taken at once */
    AHEAD = 2,         /* events whose fibers are fetched */
    SOON_MS = 1000,    /* till then a deadline is taken exactly */
    SWEEP_MS = 1000,   /* parked for so long, a fiber's stack is trimmed */
    SWEEP_FIBERS = 256 /* in one go */
};

_Thread_local int64_t ws__budget;

static _Thread_local struct ws__worker *here
    __attribute__((tls_model("initial-exec")));

struct ws__worker *ws__worker_here(void)
{
    return here;
}

/* ---- Queues ------------------------------------------------------------- */

static void append(struct ws__run_queue *q, struct ws__fiber *f)
{
    f->next = NULL;
    if (q->last)
        q->last->next = f;
    else
        q->first = f;
    q->last = f;
}

static struct ws__fiber *take_first(struct ws__run_queue *q)
{
    struct ws__fiber *f = q->first;

    if (f) {
        q->first = f->next;
        if (!q->first)
            q->last = NULL;
    }
    return f;
}

/* ---- Mail --------------------------------------------------------------- */

/* With the lock held.  The loop looks at its mail before it sleeps. */
static void ring(struct ws__worker *w)
{
    atomic_store(&w->has_mail, true);
    if (atomic_exchange(&w->asleep, false))
        (void)!write(w->bell, &(uint64_t){ 1 }, sizeof(uint64_t));
}

bool ws__worker_post(struct ws__worker *w, struct ws__post *p)
{
    p->next = NULL;
    pthread_mutex_lock(&w->lock);
    bool alive = !w->ended;
    if (alive) {
        if (w->last_post)
            w->last_post->next = p;
        else
            w->posts = p;
        w->last_post = p;
        ring(w);
    }
    pthread_mutex_unlock(&w->lock);
    return alive;
}

void ws__worker_ready(struct ws__worker *w, struct ws__fiber *f)
{
    if (w == here) {
        append(&w->ready, f);
        return;
    }
    pthread_mutex_lock(&w->lock);
    append(&w->woken, f);
    ring(w);
    pthread_mutex_unlock(&w->lock);
}

void ws__worker_queue(struct ws__worker *w, struct ws__fiber *f)
{
    append(&w->slow, f);
}

static void take_mail(struct ws__worker *w)
{
    struct ws__post *posts, *next;
    struct ws__fiber *f;

    if (!atomic_load_explicit(&w->has_mail, memory_order_relaxed))
        return;
    pthread_mutex_lock(&w->lock);
    atomic_store(&w->has_mail, false);
    posts = w->posts;
    w->posts = w->last_post = NULL;
    while ((f = take_first(&w->woken)) != NULL)
        append(&w->ready, f);
    pthread_mutex_unlock(&w->lock);
    for (; posts; posts = next) {
        next = posts->next;
        posts->fn(posts);
    }
}

/* ---- Fibers ------------------------------------------------------------- */

static void enter(void *arg)
{
    struct ws__fiber *f = arg;

    ws__context_entered(&f->context, &f->worker->loop);
    f->handle.fn(f->handle.arg);
    ws__before_park_run();
    f->ended = true;
    ws__context_switch(&f->context, &f->worker->loop, true);
}

static void timed_out(struct ws__timer *t)
{
    struct ws__fiber *f =
        (struct ws__fiber *)((char *)t - offsetof(struct ws__fiber, timer));

    if (!ws__fiber_claim(f))
        return;
    f->timed_out = true;
    ws__worker_ready(f->worker, f);
}

static void list(struct ws__worker *w, struct ws__fiber *f)
{
    f->older = w->newest;
    if (f->older)
        f->older->newer = f;
    w->newest = f;
    w->fibers++;
}

static void unlist(struct ws__worker *w, struct ws__fiber *f)
{
    if (w->sweep == f)
        w->sweep = f->older;
    if (f->newer)
        f->newer->older = f->older;
    else
        w->newest = f->older;
    if (f->older)
        f->older->newer = f->newer;
    w->fibers--;
}

/* The fiber, then its frames, from the stack's top down.  Tops that lie at the
 * same place in their pages would share few lines of the cache. */
struct ws__fiber *ws__fiber_new(struct ws__worker *w, void (*fn)(void *arg),
                                void *arg)
{
    struct ws__stack *s = ws__stack_get(&w->stacks);

    if (!s)
        return NULL;
    size_t colour = ((uintptr_t)s / sizeof(*s) & 7) * 64;
    size_t room =
        (ws__stack_size(s) - colour - sizeof(struct ws__fiber)) & ~(size_t)63;
    ws__asan_renew(s->low, ws__stack_size(s));
    struct ws__fiber *f = (struct ws__fiber *)(s->low + room);

    *f = (struct ws__fiber){
        .parker = { .is_fiber = true },
        .worker = w,
        .stack = s,
        .has_canary = s->guard == WS__GUARD_CANARY,
        .timer = { .fire = timed_out },
        .handle = { .fn = fn, .arg = arg, .worker = w },
    };
    atomic_init(&f->handle.holders, 2);
    ws__context_init(&f->context, s->low, room, enter, f);
    list(w, f);
    append(&w->ready, f);
    return f;
}

void ws__fiber_release(struct ws_fiber *h)
{
    if (atomic_fetch_sub(&h->holders, 1) != 1)
        return;
    if (h->is_thread) {
        ws_free(h);
        return;
    }
    struct ws__fiber *f =
        (struct ws__fiber *)((char *)h - offsetof(struct ws__fiber, handle));
    ws__stack_put(here ? &here->stacks : NULL, f->stack);
}

/* From here on the loop speaks for it: nothing runs on its stack. */
static void bury(struct ws__worker *w, struct ws__fiber *f)
{
    unlist(w, f);
    ws__wheel_remove(&w->wheel, &f->timer);
    ws__context_fini(&f->context);
    if (atomic_load(&f->handle.holders) > 1)
        ws_event_set(&f->handle.ended);
    ws__fiber_release(&f->handle);
}

bool ws__fiber_claim(struct ws__fiber *f)
{
    int wanted = WS__WANTED;

    if (!f->parked)
        return false;
    if (f->takes_token &&
        !atomic_compare_exchange_strong(&f->token, &wanted, WS__NO_TOKEN))
        return false;
    f->parked = false;
    return true;
}

void ws__worker_resume(struct ws__worker *w, struct ws__fiber *f)
{
    f->active = true;
    f->trimmed = false;
    w->ran++;
    w->stirred = true;
    ws__budget = WS__BUDGET;
    ws__running = &f->parker;
    w->current = f;
    ws__watchdog_turn(w, f);
    ws__context_switch(&w->loop, &f->context, false);
    ws__watchdog_turn(w, NULL);
    w->current = NULL;
    ws__running = NULL;
    if (f->has_canary && !ws__stack_intact(f->stack))
        ws__overflow_abort(f);
    if (f->ended)
        bury(w, f);
}

/* errno is the thread's, and others run meanwhile. */
void ws__worker_switch(struct ws__worker *w)
{
    struct ws__fiber *f = w->current;
    int kept = errno;

    ws__context_switch(&f->context, &w->loop, false);
    errno = kept;
}

/* ---- Trimming ----------------------------------------------------------- */

/* What a fiber used while it ran is of no use while it waits. */
static void trim(struct ws__fiber *f)
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
        struct ws__fiber *f = w->sweep;
        w->sweep = f->older;
        trim(f);
    }
    if (w->sweep)
        ws__timer_set(&w->wheel, t, w->now + 1);
}

static void plan_sweep(struct ws__worker *w)
{
    if (w->stirred && w->sweep_timer.due == 0)
        ws__timer_set(&w->wheel, &w->sweep_timer, w->now + SWEEP_MS);
}

/* ---- The loop ----------------------------------------------------------- */

static void run_ready(struct ws__worker *w)
{
    struct ws__run_queue q = w->ready;
    struct ws__fiber *f;

    w->ready = (struct ws__run_queue){ NULL, NULL };
    while ((f = take_first(&q)) != NULL)
        ws__worker_resume(w, f);
}

/* One for each round of the loop, and more where a round is long. */
static void run_slow(struct ws__worker *w)
{
    int n = 1 + w->ran / WS__OTHERS;
    struct ws__fiber *f;

    w->ran = 0;
    while (n-- > 0 && (f = take_first(&w->slow)) != NULL)
        ws__worker_resume(w, f);
}

/* For epoll_wait.  Since w->now fibers ran, and may have computed. */
static int idle_ms(const struct ws__worker *w)
{
    int64_t next = ws__wheel_next(&w->wheel);

    if (w->ready.first || w->slow.first)
        return 0;
    if (next == 0)
        return -1;
    next -= next - w->now < SOON_MS ? ws_now() : w->now;
    return next <= 0 ? 0 : next < INT_MAX ? (int)next : INT_MAX;
}

/* A bell that is rung between here and epoll_wait ends that at once. */
static bool may_sleep(struct ws__worker *w)
{
    pthread_mutex_lock(&w->lock);
    bool quiet = !atomic_load(&w->has_mail);
    atomic_store(&w->asleep, quiet);
    pthread_mutex_unlock(&w->lock);
    return quiet;
}

static int sleep_for(struct ws__worker *w, struct epoll_event *events, int ms)
{
    int n = epoll_wait(w->epoll, events, EVENTS, may_sleep(w) ? ms : 0);

    atomic_store(&w->asleep, false);
    ws__watchdog_wake();
    return n;
}

/* A processor that sleeps takes longer to wake than a short gap lasts.  Only
 * after short gaps. */
static int spin(struct ws__worker *w, struct epoll_event *events)
{
    int64_t until = ws__now_us() + w->spin_us;
    int n = 0;

    while (n == 0 &&
           !atomic_load_explicit(&w->has_mail, memory_order_relaxed) &&
           ws__now_us() < until)
        n = epoll_wait(w->epoll, events, EVENTS, 0);
    return n;
}

static int take_events(struct ws__worker *w, struct epoll_event *events)
{
    int ms = idle_ms(w), n = 0;

    if (ms == 0)
        return epoll_wait(w->epoll, events, EVENTS, 0);
    if (w->spin_us > 0 && w->gap_us <= w->spin_us)
        n = spin(w, events);
    if (n != 0)
        return n;
    int64_t before = w->spin_us > 0 ? ws__now_us() : 0;
    n = sleep_for(w, events, ms);
    if (w->spin_us > 0)
        w->gap_us = ws__now_us() - before;
    return n;
}

static void deal_with(struct ws__worker *w)
{
    struct epoll_event events[EVENTS];
    int n = take_events(w, events);

    w->now = ws_now();
    for (int i = 0; i < n; i++) {
        if (i + AHEAD < n)
            ws__watch_fetch(events[i + AHEAD].data.ptr);
        if (events[i].data.ptr)
            ws__watch_happened(events[i].data.ptr, events[i].events);
    }
    ws__watch_bury(w);
}

static bool has_ended(struct ws__worker *w)
{
    if (w->fibers > 0)
        return false;
    pthread_mutex_lock(&w->lock);
    w->ended = w->holds == 0 && !w->posts;
    pthread_mutex_unlock(&w->lock);
    return w->ended;
}

void ws__worker_run(struct ws__worker *w)
{
    here = w;
    ws__overflow_watch(w);
    ws__watchdog_add(w);
    while (!has_ended(w)) {
        deal_with(w);
        ws__wheel_advance(&w->wheel, w->now);
        plan_sweep(w);
        take_mail(w);
        run_ready(w);
        run_slow(w);
    }
    ws__watch_bury(w);
    ws__watchdog_remove(w);
    ws__overflow_unwatch(w);
    ws__stack_cache_fini(&w->stacks);
    if (w->local_free)
        w->local_free(w->local);
    ws__local = NULL;
    here = NULL;
}

/* ---- Beginning and end -------------------------------------------------- */

static void worker_free(struct ws__worker *w)
{
    if (w->bell >= 0)
        close(w->bell);
    if (w->epoll >= 0)
        close(w->epoll);
    pthread_mutex_destroy(&w->lock);
    ws_free(w);
}

static bool make_bell(struct ws__worker *w)
{
    struct epoll_event e = { .events = EPOLLIN | EPOLLET };

    w->epoll = epoll_create1(EPOLL_CLOEXEC);
    w->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return w->epoll >= 0 && w->bell >= 0 &&
           epoll_ctl(w->epoll, EPOLL_CTL_ADD, w->bell, &e) == 0;
}

struct ws__worker *ws__worker_new(size_t stack_size)
{
    struct ws__worker *w = ws__zalloc(sizeof(*w));

    if (!w)
        return NULL;
    atomic_init(&w->holders, 1);
    pthread_mutex_init(&w->lock, NULL);
    w->now = ws_now();
    ws__wheel_init(&w->wheel, w->now);
    w->sweep_timer.fire = sweep;
    if (make_bell(w) && ws__stack_cache_init(&w->stacks, stack_size) == 0)
        return w;
    worker_free(w);
    return NULL;
}

void ws__worker_ref(struct ws__worker *w)
{
    atomic_fetch_add_explicit(&w->holders, 1, memory_order_relaxed);
}

void ws__worker_unref(struct ws__worker *w)
{
    if (atomic_fetch_sub(&w->holders, 1) == 1)
        worker_free(w);
}

void ws__worker_hold(struct ws__worker *w)
{
    pthread_mutex_lock(&w->lock);
    w->holds++;
    pthread_mutex_unlock(&w->lock);
}

/* The worker may end as soon as the lock is let go. */
void ws__worker_let_go(struct ws__worker *w)
{
    pthread_mutex_lock(&w->lock);
    w->holds--;
    ring(w);
    pthread_mutex_unlock(&w->lock);
}
