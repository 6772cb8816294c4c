/* SPDX-License-Identifier: MIT */

#include "fiber/watchdog.h"

#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "fiber/cond.h"
#include "fiber/name.h"
#include "fiber/queued.h"
#include "fiber/stopwatch.h"
#include "fiber/thread.h"

enum {
    TICK_MS = 100,
    TICK_US = TICK_MS * 1000,
    REPORTS = 64, /* handlers that are told of */
    AT_ONCE = 8,  /* after one look; the rest after the next */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake; /* made when the thread is first started */
static struct ws__worker *workers;
static bool started;
static pthread_t thread; /* if started */
static unsigned life;    /* of the thread: one of another life ends */
static atomic_bool sleeps;

static const void *reported[REPORTS];
static size_t reports;

/* ---- Reports ------------------------------------------------------------ */

static bool is_new(const void *handler)
{
    for (size_t i = 0; i < reports; i++)
        if (reported[i] == handler)
            return false;
    if (reports == REPORTS)
        return false;
    reported[reports++] = handler;
    return true;
}

/* Who has held up a worker. */
struct culprits {
    size_t n;
    struct {
        char name[WS__NAME_LEN];
        bool is_ours;
    } who[AT_ONCE];
};

/* If it is still the same turn then label and fn are that fiber's; and the label
 * lives as long as the worker, which the lock keeps here. */
static void note(struct culprits *all, struct ws__worker *w, unsigned turn)
{
    const char *label = atomic_load_explicit(&w->label, memory_order_relaxed);
    void (*fn)(void *) = atomic_load_explicit(&w->fn, memory_order_relaxed);

    if (all->n == AT_ONCE || atomic_load(&w->turns) != turn ||
        !is_new(label ? (const void *)label : *(void **)&fn))
        return;
    all->who[all->n].is_ours = ws__fiber_is_ours(label);
    ws__fiber_name(label, fn, all->who[all->n++].name);
}

/* Called with the lock held, and lets go of it while it logs: the log function may
 * start a worker and end it, which takes the lock. */
static void report_culprits(const struct culprits *all)
{
    if (all->n == 0)
        return;
    pthread_mutex_unlock(&lock);
    for (size_t i = 0; i < all->n; i++)
        ws__log(WS__LOG(WS_LOG_WARNING, "worker_held_up"),
                "%s held up its worker for more than %d ms, and all other "
                "fibers there%s",
                all->who[i].name, TICK_MS,
                all->who[i].is_ours
                    ? ""
                    : ": call what blocks by ws_blocking, or set .thread in "
                      "its route");
    pthread_mutex_lock(&lock);
}

static void remember_turn(struct ws__worker *w, unsigned turn, int64_t now)
{
    w->seen = turn;
    w->seen_at = now;
    w->seen_queued = ws__queued_us(w->tid);
}

/* What a machine that is busy elsewhere takes does not count: the time that the
 * worker could have run, but waited for a processor; nor what this thread, too,
 * was kept from running.  What is not known may be that. */
static bool is_held_up(struct ws__worker *w, int64_t now)
{
    int64_t queued = ws__queued_us(w->tid);

    if (queued < 0 || w->seen_queued < 0 || now - w->looked_at > 2 * TICK_US) {
        remember_turn(w, w->seen, now);
        return false;
    }
    return now - w->seen_at - (queued - w->seen_queued) >= TICK_US;
}

/* Returns whether there is anything to look at soon. */
static bool look(struct ws__worker *w, struct culprits *all)
{
    unsigned turn = atomic_load(&w->turns);
    int64_t now = ws__now_us();

    if (turn % 2 == 1 && turn != w->seen)
        remember_turn(w, turn, now);
    else if (turn % 2 == 1 && is_held_up(w, now))
        note(all, w, turn);
    w->looked_at = now;
    return !atomic_load(&w->asleep);
}

static bool look_at_all(void)
{
    struct culprits all = { .n = 0 };
    bool any = false;

    for (struct ws__worker *w = workers; w; w = w->next)
        any = look(w, &all) || any;
    report_culprits(&all);
    return any || all.n > 0;
}

/* ---- The thread --------------------------------------------------------- */

static void wait_tick(unsigned mine)
{
    int64_t until = ws_after(TICK_MS);

    while (life == mine && ws__cond_wait(&wake, &lock, until) == 0)
        continue;
}

/* sleeps is set before the last look: a worker that wakes up after that look finds
 * it set, and ends the wait. */
static void *watchdog_run(void *arg)
{
    unsigned mine = (unsigned)(uintptr_t)arg;

    ws__thread_runs_handlers(); /* the log function */
    pthread_mutex_lock(&lock);
    while (life == mine) {
        if (look_at_all()) {
            wait_tick(mine);
            continue;
        }
        atomic_store(&sleeps, true);
        while (life == mine && atomic_load(&sleeps) && !look_at_all())
            ws__cond_wait(&wake, &lock, 0);
        atomic_store(&sleeps, false);
    }
    pthread_mutex_unlock(&lock);
    return NULL;
}

/* Order matters: the caller has cleared w->asleep before sleeps is read here, and
 * the watchdog sets sleeps before it reads w->asleep. */
void ws__watchdog_wake(void)
{
    if (!atomic_load(&sleeps))
        return;
    pthread_mutex_lock(&lock);
    atomic_store(&sleeps, false);
    pthread_cond_broadcast(&wake);
    pthread_mutex_unlock(&lock);
}

/* Without a thread nobody watches, and all else works. */
static void watchdog_start(void)
{
    static bool made;

    if (!made)
        ws__cond_init(&wake);
    made = true;
    if (!started)
        started = ws__thread_start(&thread, watchdog_run,
                                   (void *)(uintptr_t)life) == 0;
}

void ws__watchdog_add(struct ws__worker *w)
{
    w->tid = gettid();
    pthread_mutex_lock(&lock);
    watchdog_start();
    w->prev = NULL;
    w->next = workers;
    if (workers)
        workers->prev = w;
    workers = w;
    pthread_mutex_unlock(&lock);
    ws__watchdog_wake();
}

void ws__watchdog_remove(struct ws__worker *w)
{
    pthread_mutex_lock(&lock);
    if (w->prev)
        w->prev->next = w->next;
    else
        workers = w->next;
    if (w->next)
        w->next->prev = w->prev;
    pthread_mutex_unlock(&lock);
}

size_t ws__watchdog_fibers(void)
{
    long n = 0;

    pthread_mutex_lock(&lock);
    for (struct ws__worker *w = workers; w; w = w->next)
        n += atomic_load_explicit(&w->fibers, memory_order_relaxed);
    pthread_mutex_unlock(&lock);
    return (size_t)n;
}

/* Not by the log function, which would wait for itself. */
void ws__watchdog_cleanup(void)
{
    pthread_mutex_lock(&lock);
    bool end = started && !workers && !pthread_equal(thread, pthread_self());
    pthread_t ended = thread;
    if (end) {
        started = false;
        life++;
        pthread_cond_broadcast(&wake);
    }
    pthread_mutex_unlock(&lock);
    if (end)
        pthread_join(ended, NULL);
}
