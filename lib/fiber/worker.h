/* SPDX-License-Identifier: MIT */

#ifndef WS_FIBER_WORKER_H
#define WS_FIBER_WORKER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "fiber/context.h"
#include "fiber/coroutine.h"
#include "fiber/run_queue.h"
#include "fiber/stack.h"
#include "fiber/wheel.h"

/* Something to be done in a worker's loop, handed in by another thread. */
struct ws__post {
    struct ws__post *next;
    void (*fn)(struct ws__post *p);
};

/* A thread that runs fibers.  What is not atomic, nor under the lock, is that
 * thread's. */
struct ws__worker {
    struct ws__context loop;
    struct ws__coroutine *current; /* NULL: the loop itself runs */
    struct ws__coroutine *started; /* by whom the loop called: the next one */
    struct ws__run_queue ready;
    struct ws__run_queue slow; /* each about to take longer than a turn */
    int ran;                   /* others, since one of those last did */
    struct ws__wheel wheel;
    struct ws__stack_cache stacks;
    void *signal_stack;
    struct ws__coroutine *newest;
    struct ws__coroutine *sweep; /* the next to be looked at for trimming */
    atomic_long fibers;          /* alive; others may look */
    int epoll;
    struct ws__watch *dead; /* whose last events may still come */
    int64_t now;            /* of ws_now, when events were last taken */
    struct ws__timer sweep_timer;
    struct ws__timer spare_timer;
    bool stirred; /* a fiber ran since the last sweep */
    int spin_us;
    int64_t gap_us; /* the last sleep */
    void *local;    /* of fiber/local */
    void (*local_free)(void *local);

    /* The watchdog's: */
    struct ws__worker *next; /* under its lock, as the next ones */
    struct ws__worker *prev;
    atomic_uint turns; /* odd while a fiber runs, whose these are: */
    _Atomic(const char *) label;
    void (*_Atomic fn)(void *arg);
    int tid;
    unsigned seen;       /* a turn, */
    int64_t seen_at;     /* and when, of ws__now_us, */
    int64_t seen_queued; /* and ws__queued_us then */
    int64_t looked_at;

    /* For other threads; under the lock, unless atomic. */
    pthread_mutex_t lock;
    struct ws__run_queue woken; /* fibers, by tokens of other threads */
    struct ws__post *posts;
    struct ws__post *last_post;
    struct ws__watch *_Atomic graves; /* watches that others have left to it, */
    struct ws__post graves_post;      /* on its way as long as there are any */
    size_t holds; /* of threads that were started in its name, and of others */
    atomic_bool has_mail; /* changed under the lock: woken, posts or holds are
                           * to be looked at */
    atomic_bool asleep;   /* who adds mail, and clears this, rings the bell */
    bool ended;           /* no more mail is taken */
    int bell;             /* an eventfd */
    atomic_size_t holders;
};

extern _Thread_local struct ws__worker *ws__here
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* The worker that the caller runs on, or NULL. */
static inline struct ws__worker *ws__worker_here(void)
{
    return ws__here;
}

/* A new one, to be run (fiber/worker_run) by the calling thread.  NULL when there
 * is no memory, or no descriptor. */
struct ws__worker *ws__worker_new(size_t stack_size);
void ws__worker_ref(struct ws__worker *w);
void ws__worker_unref(struct ws__worker *w);

/* Run f in its turn.  From any thread. */
void ws__worker_ready(struct ws__worker *w, struct ws__coroutine *f);

/* Run f, of w, which runs, after some others have: see ws__take_place. */
void ws__worker_queue(struct ws__worker *w, struct ws__coroutine *f);

/* Leave the fiber that runs, until it is woken. */
void ws__worker_switch(struct ws__worker *w);

/* Have p->fn called in w's loop.  From any thread.  Returns false if w has
 * ended. */
bool ws__worker_post(struct ws__worker *w, struct ws__post *p);

/* Have w's loop look for what is to run, though it sleeps.  From any thread. */
void ws__worker_wake(struct ws__worker *w);

/* Is there nothing that it does, and nobody who has woken it?  A guess. */
static inline bool ws__worker_is_asleep(const struct ws__worker *w)
{
    return atomic_load_explicit(&w->asleep, memory_order_relaxed);
}

/* Make ready what others have woken, and call what they have posted. */
void ws__worker_take_mail(struct ws__worker *w);

static inline bool ws__worker_has_mail(const struct ws__worker *w)
{
    return atomic_load_explicit(&w->has_mail, memory_order_relaxed);
}

/* It does not end before it is let go, from any thread. */
void ws__worker_hold(struct ws__worker *w);
void ws__worker_let_go(struct ws__worker *w);

#endif
