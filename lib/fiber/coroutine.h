/* SPDX-License-Identifier: MIT */

#ifndef WS_FIBER_COROUTINE_H
#define WS_FIBER_COROUTINE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <silverback/fiber.h>

#include "fiber/context.h"
#include "fiber/parker.h"
#include "fiber/wheel.h"

struct ws__stack;
struct ws__watch;
struct ws__worker;

/* What ws_go returns: the part that fibers and threads share. */
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

/* A fiber that runs, or can.  It lies at the top of its stack, and is its
 * worker's thread's, but for what is atomic. */
struct ws__coroutine {
    struct ws__parker parker; /* first: a parker is cast to this */
    struct ws__worker *worker;
    struct ws__context context;
    struct ws__coroutine *next; /* among those that are to run */
    struct ws__stack *stack;

    /* What it waits for. */
    struct ws__watch *watch;
    struct ws__coroutine *next_waiter;
    uint32_t wanted;
    uint32_t got;
    bool timed_out;
    bool takes_token;
    bool parked; /* and was not claimed */
    bool ended;
    bool active;  /* it ran since it was last looked at for trimming, */
    bool trimmed; /* or did not, and its stack was trimmed */
    bool has_canary;
    atomic_int token; /* enum ws__token */
    struct ws__timer timer;

    struct ws__coroutine *newer; /* among all of the worker */
    struct ws__coroutine *older;
    const char *label;
    struct ws_fiber handle;
};

/* A new one, which runs once it is made ready (fiber/worker).  For the worker's own
 * thread.  NULL when there is no memory. */
struct ws__coroutine *ws__coroutine_new(struct ws__worker *w,
                                        void (*fn)(void *arg), void *arg);

/* It has ended, and the caller is not on its stack.  Its memory goes with the
 * last holder of the handle. */
void ws__coroutine_fini(struct ws__coroutine *f);

/* Something else than a token wakes f.  Returns false if it was woken already:
 * it will run anyway. */
static inline bool ws__coroutine_claim(struct ws__coroutine *f)
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

/* A holder of a handle lets go of it; the last one frees what it is of. */
void ws__fiber_release(ws_fiber *h);

#endif
