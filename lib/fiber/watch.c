/* SPDX-License-Identifier: MIT */

#include "fiber/watch.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/poison.h"
#include "fiber/callee.h"
#include "fiber/worker.h"

enum {
    /* These stay: no edge follows them.  An error does until it is reported to
     * somebody. */
    LASTING = EPOLLERR | EPOLLHUP | EPOLLRDHUP,
    PASSING = EPOLLIN | EPOLLOUT | EPOLLPRI,
};

enum { ROOM_MAX = (1 << 14) - 1 };

struct ws__watch {
    union {
        struct ws__worker *worker;
        struct ws__watch *next; /* it is to be freed: among the worker's such */
    };
    struct ws__coroutine *waiters;
    struct ws__callee *callee;
    int fd;
    uint16_t happened;    /* and nobody waited for it */
    uint16_t owns_fd : 1; /* a copy of one that is watched already */
    uint16_t dead : 1;
    uint16_t size : 14; /* of the room */
    _Alignas(16) char room[];
};

/* ---- Beginning and end -------------------------------------------------- */

static int add(struct ws__watch *watch, uint32_t events)
{
    struct epoll_event e = { .events = events, .data = { .ptr = watch } };

    if (epoll_ctl(watch->worker->epoll, EPOLL_CTL_ADD, watch->fd, &e) == 0)
        return 0;
    return -errno;
}

static struct ws__watch *watch_new(struct ws__worker *w, int fd, size_t room)
{
    struct ws__watch *watch = ws__alloc(sizeof(*watch) + room);

    if (!watch)
        return NULL;
    *watch =
        (struct ws__watch){ .worker = w, .fd = fd, .size = room & ROOM_MAX };
    ws__worker_ref(w);
    return watch;
}

static void watch_end(struct ws__watch *watch, struct ws__worker *w)
{
    ws__unpoison(watch->room, watch->size);
    ws_free(watch);
    ws__worker_unref(w);
}

int ws__watch_new(int fd, bool shared, size_t room, struct ws__watch **out)
{
    assert(room <= ROOM_MAX);

    const uint32_t edges = EPOLLIN | EPOLLET,
                   all = edges | EPOLLPRI | EPOLLOUT | EPOLLRDHUP;
    struct ws__worker *w = ws__worker_here();

    if (!w)
        return 0;
    struct ws__watch *watch = watch_new(w, fd, room);
    int r = watch ? add(watch, shared ? edges | EPOLLEXCLUSIVE : all) : -ENOMEM;
    if (r == 0)
        *out = watch;
    else if (watch)
        watch_end(watch, w);
    return r;
}

void *ws__watch_room(struct ws__watch *watch)
{
    return watch && watch->size > 0 ? watch->room : NULL;
}

static void close_copy(struct ws__watch *watch)
{
    if (watch->owns_fd)
        close(watch->fd);
}

/* Another fiber may wait for the same descriptor: epoll takes it once, and a
 * duplicate as another one. */
static int add_copy(struct ws__watch *watch, uint32_t events)
{
    int fd = fcntl(watch->fd, F_DUPFD_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    watch->fd = fd;
    watch->owns_fd = true;
    return add(watch, events);
}

int ws__watch_once(struct ws__worker *w, int fd, int events,
                   struct ws__watch **out)
{
    const uint32_t once = (uint32_t)events | EPOLLONESHOT;
    struct ws__watch *watch = watch_new(w, fd, 0);

    if (!watch)
        return -ENOMEM;
    int r = add(watch, once);
    if (r == -EEXIST)
        r = add_copy(watch, once);
    if (r == 0) {
        *out = watch;
        return 0;
    }
    close_copy(watch);
    watch_end(watch, w);
    return r;
}

static void remove_from(struct ws__worker *w, struct ws__watch *watch)
{
    epoll_ctl(w->epoll, EPOLL_CTL_DEL, watch->fd,
              &(struct epoll_event){ .events = 0 });
    close_copy(watch);
}

static void bury_all(struct ws__worker *w, struct ws__watch *watch)
{
    for (struct ws__watch *next; watch; watch = next) {
        next = watch->next;
        watch_end(watch, w);
    }
}

static void bury_from_elsewhere(struct ws__post *p)
{
    struct ws__worker *w =
        (struct ws__worker *)((char *)p -
                              offsetof(struct ws__worker, graves_post));

    bury_all(w, atomic_exchange(&w->graves, NULL));
}

/* In a thread that is not w's: w may be about to deal with its events.  Whoever
 * finds none there has the post to send; that is free again before they are taken,
 * so of the worker that has ended, too, none is left behind. */
static void leave_to_worker(struct ws__worker *w, struct ws__watch *watch)
{
    struct ws__watch *others = atomic_load(&w->graves);

    do
        watch->next = others;
    while (!atomic_compare_exchange_weak(&w->graves, &others, watch));
    if (others)
        return;
    w->graves_post.fn = bury_from_elsewhere;
    if (!ws__worker_post(w, &w->graves_post))
        bury_all(w, atomic_exchange(&w->graves, NULL));
}

/* Events that the loop has taken, and not yet dealt with, may name it: so it is
 * only marked, and freed by ws__watch_bury behind them. */
void ws__watch_free(struct ws__watch *watch)
{
    if (!watch)
        return;

    struct ws__worker *w = watch->worker;
    remove_from(w, watch);
    ws__poison(watch->room, watch->size);
    if (w == ws__worker_here()) {
        watch->dead = true;
        watch->next = w->dead;
        w->dead = watch;
    } else {
        leave_to_worker(w, watch);
    }
}

void ws__watch_bury(struct ws__worker *w)
{
    struct ws__watch *dead = w->dead;

    w->dead = NULL;
    bury_all(w, dead);
}

/* ---- Waiting ------------------------------------------------------------ */

bool ws__watch_is_of(const struct ws__watch *watch, const struct ws__worker *w)
{
    return watch->worker == w;
}

bool ws__watch_is_here(const struct ws__watch *watch)
{
    return ws__watch_is_of(watch, ws__worker_here());
}

/* An end of the peer's is something to read, as for poll. */
static int to_poll(uint32_t events)
{
    if (events & EPOLLRDHUP)
        events |= EPOLLIN;
    return (int)(events & ~(uint32_t)EPOLLRDHUP);
}

static uint32_t from_poll(int events)
{
    uint32_t wanted = (uint32_t)events | EPOLLERR | EPOLLHUP;

    return events & EPOLLIN ? wanted | EPOLLRDHUP : wanted;
}

/* A read ends at an urgent byte, and no edge tells of what lies behind it: so what
 * is readable is forgotten only when it is reported the second time. */
static void forget(struct ws__watch *watch, uint32_t events)
{
    if ((events & EPOLLIN) && (watch->happened & EPOLLPRI))
        events = (events & ~(uint32_t)EPOLLIN) | EPOLLPRI;
    watch->happened &= (uint16_t) ~(events & PASSING);
}

/* An error holds until a call has reported it; then the next one is an event
 * again. */
static void forget_error(struct ws__watch *watch)
{
    struct pollfd p = { .fd = watch->fd };

    if (poll(&p, 1, 0) == 0)
        watch->happened &= (uint16_t)~EPOLLERR;
}

int ws__watch_take(struct ws__watch *watch, int events)
{
    if (watch->happened & EPOLLERR)
        forget_error(watch);

    uint32_t got = watch->happened & from_poll(events);

    forget(watch, got);
    return to_poll(got);
}

int ws__watch_enter(struct ws__watch *watch, struct ws__coroutine *f,
                    int events)
{
    int got = ws__watch_take(watch, events);

    if (got != 0)
        return got;
    f->watch = watch;
    f->wanted = from_poll(events);
    f->got = 0;
    f->next_waiter = watch->waiters;
    watch->waiters = f;
    return 0;
}

int ws__watch_leave(struct ws__watch *watch, struct ws__coroutine *f)
{
    struct ws__coroutine **at = &watch->waiters;

    while (*at && *at != f)
        at = &(*at)->next_waiter;
    if (*at)
        *at = f->next_waiter;
    f->watch = NULL;
    return to_poll(f->got);
}

/* Take off the list whoever waits for it; they are to run.  One that was woken
 * by something else already leaves the events to others. */
static struct ws__coroutine *take_waiters(struct ws__watch *watch,
                                          uint32_t events)
{
    struct ws__coroutine **at = &watch->waiters, *taken = NULL, *f;

    while ((f = *at) != NULL) {
        if ((events & f->wanted) == 0 || !ws__coroutine_claim(f)) {
            at = &f->next_waiter;
            continue;
        }
        f->got = events & f->wanted;
        forget(watch, f->got);
        *at = f->next_waiter;
        f->next_waiter = taken;
        taken = f;
    }
    return taken;
}

/* The usual one goes on at once; of several, one may end what another needs to
 * know, so they take their turns. */
struct ws__coroutine *ws__watch_happened(struct ws__watch *watch,
                                         uint32_t events)
{
    if (watch->dead)
        return NULL;
    watch->happened |= (uint16_t)(events & (PASSING | LASTING));
    struct ws__coroutine *f = take_waiters(watch, events);
    if (watch->callee && (events & watch->happened) != 0)
        watch->callee->call(watch->callee, to_poll(events & watch->happened));
    if (f && !f->next_waiter)
        return f;
    while (f) {
        struct ws__coroutine *next = f->next_waiter;
        ws__worker_ready(watch->worker, f);
        f = next;
    }
    return NULL;
}

/* Into the cache: where there are many, each is cold. */
void ws__watch_fetch(const struct ws__watch *watch)
{
    const struct ws__coroutine *f = watch ? watch->waiters : NULL;

    if (f) {
        __builtin_prefetch(&f->context);
        __builtin_prefetch(&f->wanted);
        __builtin_prefetch(f->context.left);
        __builtin_prefetch((const char *)f->context.left + 64);
    } else if (watch) {
        for (size_t i = 64; i < sizeof(*watch) + watch->size; i += 64)
            __builtin_prefetch((const char *)watch + i);
    }
}

void ws__watch_call(struct ws__watch *watch, struct ws__callee *c)
{
    watch->callee = c;
}

bool ws__watch_calls(const struct ws__watch *watch)
{
    return watch->callee != NULL;
}

void ws__watch_stir(struct ws__watch *watch, int events)
{
    struct ws__coroutine *f = ws__watch_happened(watch, (uint32_t)events);

    if (f)
        ws__worker_ready(watch->worker, f);
}

struct ws__worker *ws__watch_worker(const struct ws__watch *watch)
{
    return watch ? watch->worker : NULL;
}
