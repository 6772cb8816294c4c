/* SPDX-License-Identifier: MIT */

#include "fiber/worker_run.h"

#include <limits.h>
#include <sys/epoll.h>

#include "fiber/budget.h"
#include "fiber/local.h"
#include "fiber/overflow.h"
#include "fiber/stopwatch.h"
#include "fiber/trim.h"
#include "fiber/watch.h"
#include "fiber/watchdog.h"

enum {
    EVENTS = 256,   /* taken at once */
    AHEAD = 2,      /* events whose fibers are fetched */
    SOON_MS = 1000, /* till then a deadline is taken exactly */
    PASSED = 1,     /* a deadline that has */
};

/* ---- Running fibers ----------------------------------------------------- */

static void bury_fiber(struct ws__coroutine *f)
{
    ws__coroutine_fini(f);
    if (atomic_load(&f->handle.holders) > 1)
        ws_event_set(&f->handle.ended);
    ws__fiber_release(&f->handle);
}

static void resume(struct ws__worker *w, struct ws__coroutine *f)
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
        bury_fiber(f);
}

static void run_started(struct ws__worker *w)
{
    struct ws__coroutine *f = w->started;

    w->started = NULL;
    if (f)
        resume(w, f);
}

static void run_ready(struct ws__worker *w)
{
    struct ws__run_queue q = w->ready;
    struct ws__coroutine *f;

    w->ready = (struct ws__run_queue){ NULL, NULL };
    while ((f = ws__run_queue_take(&q)) != NULL)
        resume(w, f);
}

/* One for each round of the loop, and more where a round is long. */
static void run_slow(struct ws__worker *w)
{
    int n = 1 + w->ran / WS__OTHERS;
    struct ws__coroutine *f;

    w->ran = 0;
    while (n-- > 0 && (f = ws__run_queue_take(&w->slow)) != NULL)
        resume(w, f);
}

/* ---- Events ------------------------------------------------------------- */

/* The timeout for epoll_wait.  w->now is from before the fibers ran: a deadline
 * that is near is compared with the clock itself. */
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

/* Once this has set asleep, whoever adds mail rings the bell, which ends even an
 * epoll_wait that is still to begin. */
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

    while (n == 0 && !ws__worker_has_mail(w) && ws__now_us() < until)
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

static void deal_with(struct ws__worker *w, struct epoll_event *events, int n)
{
    w->now = ws_now();
    for (int i = 0; i < n; i++) {
        if (i + AHEAD < n)
            ws__watch_fetch(events[i + AHEAD].data.ptr);
        if (!events[i].data.ptr)
            continue;
        struct ws__coroutine *f =
            ws__watch_happened(events[i].data.ptr, events[i].events);
        if (f)
            resume(w, f);
        run_started(w);
    }
    ws__watch_bury(w);
}

/* ---- The loop ----------------------------------------------------------- */

static bool has_ended(struct ws__worker *w)
{
    if (w->fibers > 0)
        return false;
    pthread_mutex_lock(&w->lock);
    w->ended = w->holds == 0 && !w->posts;
    pthread_mutex_unlock(&w->lock);
    return w->ended;
}

static void worker_round(struct ws__worker *w, bool waits)
{
    struct epoll_event events[EVENTS];
    int n = waits ? take_events(w, events)
                  : epoll_wait(w->epoll, events, EVENTS, 0);

    deal_with(w, events, n);
    ws__wheel_advance(&w->wheel, w->now);
    ws__trim_plan(w);
    if (ws__worker_has_mail(w))
        ws__worker_take_mail(w);
    run_started(w);
    run_ready(w);
    run_slow(w);
}

void ws__worker_begin(struct ws__worker *w)
{
    ws__overflow_watch(w);
    ws__watchdog_add(w);
}

/* When to come again.  From here on who adds mail rings the bell. */
static int64_t worker_again(struct ws__worker *w)
{
    if (w->ready.first || w->slow.first || !may_sleep(w))
        return PASSED;
    return ws__wheel_next(&w->wheel);
}

int64_t ws__worker_step(struct ws__worker *w)
{
    atomic_store(&w->asleep, false);
    ws__watchdog_wake();
    ws__here = w;
    ws__local_enter(w);
    worker_round(w, false);
    ws__local_leave();
    ws__here = NULL;
    return worker_again(w);
}

static void finish(struct ws__worker *w)
{
    ws__here = w;
    ws__watch_bury(w);
    ws__watchdog_remove(w);
    ws__overflow_unwatch(w);
    ws__stack_cache_fini(&w->stacks);
    ws__local_free(w);
    ws__here = NULL;
}

bool ws__worker_end(struct ws__worker *w)
{
    if (!has_ended(w))
        return false;
    finish(w);
    return true;
}

void ws__worker_run(struct ws__worker *w)
{
    ws__worker_begin(w);
    ws__here = w;
    while (!has_ended(w))
        worker_round(w, true);
    finish(w);
}
