/* SPDX-License-Identifier: MIT */

#ifndef TESTS_PARK_WORLD_H
#define TESTS_PARK_WORLD_H

/*
 * Waiting and waking in a world of its own: fiber/park with all that it stands on
 * (fiber/lot, fiber/sync, fiber/parker, fiber/fiber_park, fiber/thread_park), and
 * the loop of a worker with its mail (fiber/worker, fiber/worker_run), as they
 * are.  The actors are the loop, its two fibers, of which one runs when the loop
 * lets it, and two threads; mutexes, conditions and descriptors of the system are
 * made of points (see explore.h).
 */

#include "fiber/parker.h"

struct ws__worker;
extern _Thread_local struct ws__worker *ws__here
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

#define EXPLORE_KEEP                                                           \
    struct ws__parker *park_running = ws__running;                             \
    struct ws__worker *park_here = ws__here
#define EXPLORE_RESTORE (void)(ws__running = park_running, ws__here = park_here)

#include "explore.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <silverback/fiber.h>

#undef atomic_exchange
#define atomic_exchange(p, v)                                                  \
    (explore_point(), atomic_exchange_explicit(p, v, memory_order_seq_cst))

/* The system's, by the first byte of each. */
static void park_lock(void *mutex);
static void park_unlock(void *mutex);
static void park_signal(void *cond);
static int park_poll(struct pollfd *fds, nfds_t n, int ms);
static int park_epoll(struct epoll_event *events, int ms);
static long park_bell(int fd);
#define pthread_mutex_lock(m) park_lock(m)
#define pthread_mutex_unlock(m) park_unlock(m)
#define pthread_mutex_init(m, a) ((void)(m))
#define pthread_mutex_destroy(m) ((void)(m))
#define pthread_cond_signal(c) park_signal(c)
#define pthread_cond_destroy(c) ((void)(c))
#define pthread_once(once, fn) ((void)(once), (void)(fn))
#define pthread_setspecific(key, p) ((void)(key), (void)(p))
#define pthread_key_create(key, fn) ((void)(key), (void)(fn), 1)
#define poll(fds, n, ms) park_poll(fds, n, ms)
#define epoll_wait(fd, events, n, ms) park_epoll(events, ms)
#define eventfd(n, flags) (explore.current)
#define eventfd_write(fd, n) park_bell(fd)
#define eventfd_read(fd, n) park_rung(fd, n)
static int park_rung(int fd, eventfd_t *n);

/* The thread that calls is an actor. */
static struct thread *park_thread_here(void);
static struct thread *park_here_real(void) __attribute__((unused));
#define here(arguments) PARK_HERE_##arguments
#define PARK_HERE_void park_here_real(void)
#define PARK_HERE_ park_thread_here()
#define LOOK_MS THREAD_LOOK_MS
#define self thread_self
#include "fiber/thread_park.c"
#undef here
#undef LOOK_MS
#undef self

static void park_switch(const struct ws__context *to);
#define ws__context_switch(from, to, last) ((void)(from), park_switch(to))
#define write(fd, p, n) ((void)(p), park_bell(PARK_LOOP))

enum { PARK_LOOP, PARK_FIBERS, PARK_THREADS = PARK_FIBERS + 2, PARK_ALL = 5 };

#define LOOK_MS PARK_LOOK_MS
#include "fiber/park.c"
#undef LOOK_MS
#include "fiber/fiber_park.c"
#include "fiber/lot.c"
#include "fiber/parker.c"
#include "fiber/sync.c"
#include "fiber/worker.c"
#include "fiber/worker_run.c"

#undef poll
#undef write

enum { NOW_MS = 1000, SOON = 2000 /* a deadline */, DEAD_TOKEN = 99 };

static struct {
    struct ws__worker worker;
    struct ws__coroutine fibers[2];
    struct thread threads[PARK_ALL];
    int baton; /* which of the loop and its fibers runs */
    int bells[PARK_ALL];
    bool ready; /* the descriptor that threads wait for */
    int times;  /* so often a deadline may still pass */
    bool fires; /* one has, in the loop */
    const char *wrong;
} park;

static void park_is_wrong(const char *what)
{
    if (!park.wrong)
        park.wrong = what;
}

/* ---- The system --------------------------------------------------------- */

static bool byte_is_zero(void *p)
{
    return *(char *)p == 0;
}

static void park_lock(void *mutex)
{
    explore_point();
    while (*(char *)mutex != 0)
        explore_await(byte_is_zero, mutex);
    *(char *)mutex = 1;
}

static void park_unlock(void *mutex)
{
    explore_point();
    *(char *)mutex = 0;
}

/* A condition: nobody waits, somebody does, and was told to go on. */
enum { QUIET, WAITED_FOR, SIGNALED };

static void park_signal(void *cond)
{
    if (*(char *)cond == WAITED_FOR)
        *(char *)cond = SIGNALED;
}

void ws__cond_init(pthread_cond_t *c)
{
    memset(c, 0, sizeof(*c));
}

/* What is waited for; a deadline ends it, if there are any left to pass. */
struct park_wait {
    const char *cond;
    const int *bell;
    const bool *ready;
    bool timed;
};

static bool wait_has_come(const struct park_wait *w)
{
    return (w->cond && *w->cond == SIGNALED) || (w->bell && *w->bell > 0) ||
           (w->ready && *w->ready);
}

static bool wait_ends(void *wait)
{
    const struct park_wait *w = wait;

    return wait_has_come(w) || (w->timed && park.times > 0);
}

/* Returns whether it came. */
static bool park_await(struct park_wait w)
{
    explore_await(wait_ends, &w);
    bool came = wait_has_come(&w);
    park.times -= !came;
    return came;
}

int ws__cond_wait(pthread_cond_t *c, pthread_mutex_t *lock, int64_t deadline)
{
    char *state = (char *)c;

    *state = WAITED_FOR;
    park_unlock(lock);
    bool came =
        park_await((struct park_wait){ .cond = state, .timed = deadline != 0 });
    park_lock(lock);
    *state = QUIET;
    return came ? 0 : WS_ERR_TIMEOUT;
}

static bool park_is_deaf; /* a fault: no bell is heard */

static long park_bell(int fd)
{
    explore_point();
    park.bells[fd] += !park_is_deaf;
    return 1;
}

static int park_rung(int fd, eventfd_t *n)
{
    explore_point();
    *n = (eventfd_t)park.bells[fd];
    park.bells[fd] = 0;
    return 0;
}

/* Of one descriptor of the program's, and a bell. */
static int park_poll(struct pollfd *fds, nfds_t n, int ms)
{
    const struct pollfd *bell = n > 2 ? &fds[2] : NULL;

    park_await((struct park_wait){ .bell = bell ? &park.bells[bell->fd] : NULL,
                                   .ready = &park.ready,
                                   .timed = ms >= 0 });
    fds[0].revents = park.ready ? POLLIN : 0;
    bool rings = bell && park.bells[bell->fd] > 0;
    return (fds[0].revents != 0) + rings;
}

/* The worker's bell alone. */
static int park_epoll(struct epoll_event *events, int ms)
{
    int *bell = &park.bells[PARK_LOOP];

    explore_point();
    if (ms != 0)
        park.fires =
            !park_await((struct park_wait){ .bell = bell, .timed = ms > 0 });
    int n = *bell > 0;
    *bell = 0;
    events[0] = (struct epoll_event){ .events = EPOLLIN };
    return n;
}

int64_t ws_now(void)
{
    return NOW_MS;
}

int64_t ws_after(int64_t ms)
{
    return NOW_MS + ms;
}

/* ---- The loop and its fibers -------------------------------------------- */

static bool has_baton(void *actor)
{
    return park.baton == *(int *)actor;
}

static void park_switch(const struct ws__context *to)
{
    int me = explore.current;

    park.baton = PARK_LOOP;
    for (int i = 0; i < 2; i++)
        if (to == &park.fibers[i].context)
            park.baton = PARK_FIBERS + i;
    explore_await(has_baton, &me);
}

void ws__coroutine_fini(struct ws__coroutine *f)
{
    f->worker->fibers--;
    f->token = DEAD_TOKEN;
}

void ws__fiber_release(ws_fiber *h)
{
    (void)h;
}

void ws__timer_place(struct ws__wheel *w, struct ws__timer *t)
{
    (void)w, (void)t;
}

int64_t ws__wheel_next(const struct ws__wheel *w)
{
    int64_t next = 0;

    (void)w;
    for (int i = 0; i < 2; i++)
        next = park.fibers[i].timer.due ? park.fibers[i].timer.due : next;
    return next;
}

void ws__wheel_advance(struct ws__wheel *w, int64_t now)
{
    (void)w, (void)now;
    for (int i = 0; park.fires && i < 2; i++) {
        struct ws__coroutine *f = &park.fibers[i];
        bool due = f->timer.due != 0;

        f->timer.due = 0;
        if (due && ws__coroutine_claim(f)) {
            f->timed_out = true;
            ws__worker_ready(f->worker, f);
        }
    }
    park.fires = false;
}

static void the_loop(void)
{
    ws__running = NULL;
    ws__worker_run(&park.worker);
}

/* What a scene has its actors do. */
static void (*park_parts[4])(void);

static void a_fiber(void)
{
    int me = explore.current;
    struct ws__coroutine *f = &park.fibers[me - PARK_FIBERS];

    ws__here = &park.worker;
    ws__running = &f->parker;
    explore_await(has_baton, &me);
    park_parts[me - PARK_FIBERS]();
    f->ended = true;
    park.baton = PARK_LOOP;
}

static void a_thread(void)
{
    ws__here = NULL;
    ws__running = NULL;
    park_parts[explore.current - PARK_FIBERS]();
}

static struct thread *park_thread_here(void)
{
    struct thread *p = &park.threads[(unsigned)explore.current % PARK_ALL];

    p->made = true;
    return p;
}

static void park_begin(void)
{
    memset(&park, 0, sizeof(park));
    for (size_t i = 0; i < BUCKETS; i++)
        lot[i].first = lot[i].last = NULL, *(char *)&lot[i].lock = 0;
    for (int i = 0; i < 2; i++) {
        struct ws__coroutine *f = &park.fibers[i];

        *f = (struct ws__coroutine){ .parker = { .is_fiber = true },
                                     .worker = &park.worker };
        f->handle.holders = 1;
        ws__run_queue_append(&park.worker.ready, f);
    }
    park.worker.fibers = 2;
}

/* Who has ended has no token: a waker that gave it one was too late. */
static const char *park_end(void)
{
    if (explore.endless)
        return "somebody goes on for ever, and gets nowhere";
    if (explore.stuck)
        return "somebody waits for ever";
    for (int i = 0; i < 2; i++)
        if (park.fibers[i].token != DEAD_TOKEN)
            return "a fiber was woken that has ended";
    for (size_t i = 0; i < BUCKETS; i++)
        if (lot[i].first)
            return "somebody is left in the lot";
    return park.wrong;
}

/* ---- What nobody needs here --------------------------------------------- */

_Thread_local int64_t ws__budget;
_Thread_local struct ws__driven *ws__driven;

int ws__driven_park_fd(struct ws__driven *d, int fd, int events,
                       int64_t deadline, bool alone)
{
    (void)d, (void)fd, (void)events, (void)deadline, (void)alone;
    return 0;
}

void ws__watchdog_add(struct ws__worker *w)
{
    (void)w;
}

void ws__watchdog_remove(struct ws__worker *w)
{
    (void)w;
}

void ws__watchdog_wake(void)
{
}

void ws__overflow_watch(struct ws__worker *w)
{
    (void)w;
}

void ws__overflow_unwatch(struct ws__worker *w)
{
    (void)w;
}

void ws__overflow_abort(const struct ws__coroutine *f)
{
    (void)f;
}

void ws__trim_plan(struct ws__worker *w)
{
    (void)w;
}

void ws__local_enter(struct ws__worker *w)
{
    (void)w;
}

void ws__local_leave(void)
{
}

void ws__local_free(struct ws__worker *w)
{
    (void)w;
}

void ws__stack_cache_fini(struct ws__stack_cache *c)
{
    (void)c;
}

int ws__stack_cache_init(struct ws__stack_cache *c, size_t size)
{
    (void)c, (void)size;
    return 0;
}

bool ws__stack_intact(const struct ws__stack *s)
{
    (void)s;
    return true;
}

void ws__wheel_init(struct ws__wheel *w, int64_t now)
{
    (void)w, (void)now;
}

int64_t ws__now_us(void)
{
    return 0;
}

void ws__watch_bury(struct ws__worker *w)
{
    (void)w;
}

void ws__watch_fetch(const struct ws__watch *w)
{
    (void)w;
}

struct ws__coroutine *ws__watch_happened(struct ws__watch *w, uint32_t events)
{
    (void)w, (void)events;
    return NULL;
}

int ws__watch_once(struct ws__worker *w, int fd, int events,
                   struct ws__watch **watch)
{
    (void)w, (void)fd, (void)events, (void)watch;
    return -EPERM;
}

bool ws__watch_is_of(const struct ws__watch *watch, const struct ws__worker *w)
{
    (void)watch, (void)w;
    return false;
}

int ws__watch_enter(struct ws__watch *watch, struct ws__coroutine *f,
                    int events)
{
    (void)watch, (void)f, (void)events;
    return 0;
}

int ws__watch_leave(struct ws__watch *watch, struct ws__coroutine *f)
{
    (void)watch, (void)f;
    return 0;
}

void ws__watch_free(struct ws__watch *w)
{
    (void)w;
}

#endif
