/* SPDX-License-Identifier: MIT */

#ifndef TESTS_EXPLORE_H
#define TESTS_EXPLORE_H

/*
 * A scheduler that tries interleavings.  Actors are coroutines; each operation
 * that others might see begins with explore_point, where another one may go on.
 * A scenario is run again and again, every time by another order, depth first:
 * all orders with at most so many preemptions, an actor that waits not counted.
 * It is sequentially consistent, so weaker orders of memory are not tried.
 *
 * Include <stdatomic.h> and this before what is to be explored: the operations
 * of atomics are points from here on.  What each actor has of its own (variables
 * of a thread) is to be kept by EXPLORE_KEEP, a declaration, while others go on,
 * and restored by EXPLORE_RESTORE.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/poison.h"
#include "fiber/context.h"
#include "fiber/sanitizers.h"
#include "test.h"

#ifndef EXPLORE_KEEP
#define EXPLORE_KEEP (void)0
#define EXPLORE_RESTORE (void)0
#endif

enum {
    EXPLORE_ACTORS = 6,
    EXPLORE_STACK = 64 * 1024,
    EXPLORE_DEPTH = 4096,
    EXPLORE_STEPS = 20000, /* of one schedule that comes to its end */
};

struct explore_actor {
    const char *name;
    void (*fn)(void);
    bool (*until)(void *arg); /* it waits for; NULL: for nothing */
    void *arg;
    bool done;
    bool made;
    struct ws__context context;
};

struct explore_choice {
    uint8_t chosen;
    uint8_t of;
};

static struct {
    struct explore_actor actors[EXPLORE_ACTORS];
    int n;
    int current;
    int preemptions; /* left */
    struct ws__context scheduler;
    struct explore_choice path[EXPLORE_DEPTH];
    int depth;
    int known; /* choices of path that are to be made again */
    int steps;
    bool runs;    /* a schedule: before and after it no point is one */
    bool stuck;   /* somebody waits for ever */
    bool endless; /* or goes on for ever */
    unsigned long schedules;
    unsigned long points;
} explore;

static _Alignas(64) char explore_stacks[EXPLORE_ACTORS][EXPLORE_STACK];

static bool explore_runnable(int i)
{
    struct explore_actor *a = &explore.actors[i];

    return !a->done && (!a->until || a->until(a->arg));
}

/* One of n, the first one first; -1 when it has gone on for too long. */
static int explore_choose(int n)
{
    if (explore.steps++ > EXPLORE_STEPS || explore.depth == EXPLORE_DEPTH)
        return -1;
    if (n == 1)
        return 0;
    struct explore_choice *c = &explore.path[explore.depth++];
    if (explore.depth > explore.known)
        *c = (struct explore_choice){ .chosen = 0, .of = (uint8_t)n };
    return c->chosen;
}

/* Who goes on?  -1: nobody can. */
static int explore_next(void)
{
    int options[EXPLORE_ACTORS], n = 0;
    bool free = !explore_runnable(explore.current);

    if (!free)
        options[n++] = explore.current;
    for (int i = 0; i < explore.n && (free || explore.preemptions > 0); i++)
        if (i != explore.current && explore_runnable(i))
            options[n++] = i;
    if (n == 0)
        return -1;
    int choice = explore_choose(n);
    explore.endless = choice < 0;
    if (choice < 0)
        return -1;
    int next = options[choice];
    if (!free && next != explore.current)
        explore.preemptions--;
    return next;
}

static void explore_switch(void)
{
    struct explore_actor *me = &explore.actors[explore.current];

    if (!explore.runs)
        return;
    int next = explore_next();
    explore.points++;
    if (next == explore.current)
        return;
    for (int i = 0; next < 0 && i < explore.n; i++)
        explore.stuck = explore.stuck || !explore.actors[i].done;
    struct ws__context *to =
        next < 0 ? &explore.scheduler : &explore.actors[next].context;
    if (next >= 0)
        explore.current = next;
    EXPLORE_KEEP;
    ws__context_switch(&me->context, to, false);
    EXPLORE_RESTORE;
}

/* Another one may go on here. */
static void explore_point(void)
{
    explore_switch();
}

/* The caller goes on once it is true, whenever others let it. */
static void explore_await(bool (*until)(void *arg), void *arg)
{
    struct explore_actor *me = &explore.actors[explore.current];

    me->until = until;
    me->arg = arg;
    explore_switch();
    me->until = NULL;
}

static void explore_body(void *actor)
{
    struct explore_actor *me = actor;

    ws__context_entered(&me->context, &explore.scheduler);
    for (;;) { /* once for each schedule */
        me->fn();
        me->done = true;
        explore_switch();
    }
}

static void explore_make(int i)
{
    struct explore_actor *a = &explore.actors[i];

    /* An actor of the last scene may have been left within its functions. */
    ws__unpoison(explore_stacks[i], EXPLORE_STACK);
    if (a->made)
        ws__context_fini(&a->context);
    else
        ws__valgrind_stack(explore_stacks[i], EXPLORE_STACK, 0);
    a->context = (struct ws__context){ 0 };
    ws__context_init(&a->context, explore_stacks[i], EXPLORE_STACK,
                     explore_body, a);
    a->made = true;
}

/* Those that did not come to their end begin anew, and leave what they had. */
static void explore_run(int preemptions)
{
    for (int i = 0; i < explore.n; i++) {
        if (!explore.actors[i].done)
            explore_make(i);
        explore.actors[i].done = false;
        explore.actors[i].until = NULL;
    }
    explore.preemptions = preemptions;
    explore.depth = explore.steps = 0;
    explore.stuck = explore.endless = false;
    explore.current = explore_choose(explore.n);
    explore.runs = true;
    ws__context_switch(&explore.scheduler,
                       &explore.actors[explore.current].context, false);
    explore.runs = false;
    explore.schedules++;
}

/* Turn to the next order.  Returns false when there is none. */
static bool explore_turn(void)
{
    explore.known = explore.depth;
    while (explore.known > 0) {
        struct explore_choice *c = &explore.path[explore.known - 1];

        if (++c->chosen < c->of)
            return true;
        explore.known--;
    }
    return false;
}

struct explore_scenario {
    void (*begin)(void);        /* the world as it is at first */
    const char *(*wrong)(void); /* what is wrong with how it ended, or NULL */
    struct {
        const char *name;
        void (*fn)(void);
    } actors[EXPLORE_ACTORS + 1];
};

/* Try orders of it, at most limit of them (0: all).  Returns what was wrong in
 * the first that went wrong, or NULL. */
static const char *explore_all(const struct explore_scenario *s,
                               int preemptions, unsigned long limit)
{
    const char *wrong;

    explore.n = 0;
    explore.known = 0;
    explore.schedules = explore.points = 0;
    for (int i = 0; s->actors[i].fn; i++) {
        explore.actors[i].name = s->actors[i].name;
        explore.actors[i].fn = s->actors[i].fn;
        explore.actors[i].done = false;
        explore.n++;
    }
    do {
        s->begin();
        explore_run(preemptions);
        wrong = s->wrong();
    } while (!wrong && (limit == 0 || explore.schedules < limit) &&
             explore_turn());
    return wrong;
}

/* ---- Scenes ------------------------------------------------------------- */

struct explore_scene {
    const char *name;
    struct explore_scenario of;
};

/* What a test has the time for: so many orders of each of n scenes, with at most
 * one preemption.  Returns what goes wrong in the first in which something does,
 * or NULL. */
static inline const char *explore_some(const struct explore_scene *scenes,
                                       size_t n, int schedules)
{
    unsigned long limit = (unsigned long)rounds(schedules);
    const char *wrong = NULL;

    for (size_t i = 0; i < n && !wrong; i++) {
        wrong = explore_all(&scenes[i].of, 1, limit);
        if (wrong)
            print_message("# %s, after %lu orders: %s\n", scenes[i].name,
                          explore.schedules, wrong);
    }
    return wrong;
}

/* explore_all of one, with a line about it.  Returns whether all goes well. */
static inline bool explore_shown(const struct explore_scene *scene,
                                 int preemptions, unsigned long limit)
{
    const char *wrong = explore_all(&scene->of, preemptions, limit);

    printf("%-52s %10lu schedules, %12lu points%s\n", scene->name,
           explore.schedules, explore.points,
           limit > 0 && explore.schedules >= limit ? ", of more" : "");
    if (wrong)
        printf("    WRONG: %s\n", wrong);
    fflush(stdout);
    return !wrong;
}

/* The same of n, as the arguments say: preemptions, else these, and a limit (0:
 * none).  Returns 0 if all goes well in all. */
static inline int explore_every(const struct explore_scene *scenes, size_t n,
                                int preemptions, int argc, char **argv)
{
    unsigned long limit = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
    unsigned long total = 0;
    int failed = 0;

    if (argc > 1)
        preemptions = atoi(argv[1]);
    for (size_t i = 0; i < n; i++) {
        failed += !explore_shown(&scenes[i], preemptions, limit);
        total += explore.schedules;
    }
    printf("%lu schedules with at most %d preemptions: %d of %zu scenes went "
           "wrong\n",
           total, preemptions, failed, n);
    return failed > 0;
}

/* ---- Atomics ------------------------------------------------------------ */

/* One coroutine runs at a time, so what they do needs no atomicity. */
#undef atomic_load
#undef atomic_store
#undef atomic_load_explicit
#undef atomic_store_explicit
#undef atomic_compare_exchange_weak
#undef atomic_compare_exchange_strong
#define atomic_load(p) (explore_point(), *(p))
#define atomic_store(p, v) (explore_point(), (void)(*(p) = (v)))
#define atomic_load_explicit(p, order) atomic_load(p)
#define atomic_store_explicit(p, v, order) atomic_store(p, v)
#undef atomic_fetch_or
#undef atomic_fetch_and
#define atomic_fetch_or(p, v) (explore_point(), (void)(*(p) |= (v)))
#define atomic_fetch_and(p, v) (explore_point(), (void)(*(p) &= (v)))
#define atomic_compare_exchange_strong(p, e, v)                                \
    (explore_point(),                                                          \
     *(p) == *(e) ? ((void)(*(p) = (v)), true) : ((void)(*(e) = *(p)), false))
#define atomic_compare_exchange_weak(p, e, v)                                  \
    atomic_compare_exchange_strong(p, e, v)

#endif
