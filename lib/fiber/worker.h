/* SPDX-License-Identifier: MIT */

#ifndef WS_FIBER_WORKER_H
#define WS_FIBER_WORKER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <silverback/fiber.h>

#include "fiber/context.h"
#include "fiber/park.h"
#include "fiber/stack.h"
#include "fiber/watch.h"
#include "fiber/wheel.h"

struct ws__worker;

/* What ws_go starts: the part that fibers and threads share. */
struct ws_fiber {
    void (*fn)(void *arg);
    void *arg;
    struct ws__worker *worker; /* NULL: a thread that was started outside */
    bool is_thread;
    atomic_int holders; /* itself, and who is to join or detach it */
    ws_event ended;
};

/* Does a fiber that is parked take a token? */
enum ws__token {
    WS__NO_TOKEN,
    WS__TOKEN,
    WS__WANTED, /* parked, and one wakes it */
};

/* Lies at the top of its stack. */
struct ws__fiber {
    struct ws__parker parker; /* first: a parker is cast to this */
    struct ws__worker *worker;
    struct ws__context context;
    struct ws__fiber *next; /* among those that are to run */
    struct ws__stack *stack;

    /* What it waits for. */
    struct ws__watch *watch;
    struct ws__fiber *next_waiter;
    uint32_t wanted;
    uint32_t got;
    bool timed_out;
    bool takes_token;
    bool parked; /* and was not claimed */
    bool ended;
    bool active; /* it ran since it was last looked at, */
    bool trimmed;
    bool has_canary;
    atomic_int token; /* enum ws__token */
    struct ws__timer timer;

    struct ws__fiber *newer; /* among all of the worker */
    struct ws__fiber *older;
    const char *label;
    struct ws_fiber handle;
};

struct ws__run_queue {
    struct ws__fiber *first;
    struct ws__fiber *last;
};

/* Something to be done in a worker's loop, handed in by another thread. */
struct ws__post {
    struct ws__post *next;
    void (*fn)(struct ws__post *p);
};

/* A thread that runs fibers. */
struct ws__worker {
    struct ws__context loop;
    struct ws__fiber *current;
    struct ws__run_queue ready;
    struct ws__run_queue slow; /* each about to take longer than a turn */
    int ran;                   /* others, meanwhile */
    struct ws__wheel wheel;
    struct ws__stack_cache stacks;
    void *signal_stack;
    struct ws__fiber *newest;
    struct ws__fiber *sweep; /* the next one to be looked at for trimming */
    size_t fibers;           /* alive */
    int epoll;
    struct ws__post *dead; /* watches whose last events may still come */
    int64_t now;           /* of ws_now, when events were last taken */
    struct ws__timer sweep_timer;
    bool stirred; /* a fiber ran since the last sweep */
    int spin_us;
    int64_t gap_us; /* the last sleep */
    void *local;    /* what the layers above keep for each worker */
    void (*local_free)(void *local);

    /* For the watchdog. */
    struct ws__worker *next;
    struct ws__worker *prev;
    atomic_uint turns; /* odd while a fiber runs: */
    _Atomic(const char *) label;
    void (*_Atomic fn)(void *arg);
    int tid;
    unsigned seen;       /* a turn, */
    int64_t seen_at;     /* and when, of ws__now_us, */
    int64_t seen_queued; /* and ws__queued_us then */
    int64_t looked_at;

    /* For other threads. */
    pthread_mutex_t lock;
    struct ws__run_queue woken; /* fibers, by tokens of other threads */
    struct ws__post *posts;
    struct ws__post *last_post;
    size_t holds; /* of threads that were started in its name, and of others */
    atomic_bool has_mail;
    atomic_bool asleep;
    bool ended;
    int bell; /* an eventfd */
    atomic_size_t holders;
};

/* The worker that the caller runs on, or NULL. */
struct ws__worker *ws__worker_here(void);

/* A new one, for the calling thread, to be run there: until all its fibers, and
 * the threads that were started in its name, have ended. */
struct ws__worker *ws__worker_new(size_t stack_size);
void ws__worker_run(struct ws__worker *w);
void ws__worker_ref(struct ws__worker *w);
void ws__worker_unref(struct ws__worker *w);

/* A new fiber, ready to run.  For the worker's own thread.  NULL when there is
 * no memory. */
struct ws__fiber *ws__fiber_new(struct ws__worker *w, void (*fn)(void *arg),
                                void *arg);

/* Run f in its turn. */
void ws__worker_ready(struct ws__worker *w, struct ws__fiber *f);

/* Run f, of w, which runs, after some others have: see ws__take_place. */
void ws__worker_queue(struct ws__worker *w, struct ws__fiber *f);

/* Leave the fiber that runs, until it is woken. */
void ws__worker_switch(struct ws__worker *w);

/* From any thread.  Returns false if w has ended. */
bool ws__worker_post(struct ws__worker *w, struct ws__post *p);

/* It does not end before it is let go, from any thread. */
void ws__worker_hold(struct ws__worker *w);
void ws__worker_let_go(struct ws__worker *w);

/* The last holder of a handle lets go of it. */
void ws__fiber_release(struct ws_fiber *f);

/* Something else than a token wakes f.  Returns false if it was woken already:
 * it will run anyway. */
bool ws__fiber_claim(struct ws__fiber *f);

/* Run f, which was claimed, at once.  In the loop only. */
void ws__worker_resume(struct ws__worker *w, struct ws__fiber *f);

#endif
