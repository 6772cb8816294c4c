/* SPDX-License-Identifier: MIT */

#ifndef TESTS_MODE_H
#define TESTS_MODE_H

/*
 * The same tests in each of the ways in which the library waits.  The
 * environment's SILVERBACK_TEST says which:
 *
 *   threads  (or unset) the tests run in the program's own thread, what they
 *            start in threads, and servers give each connection a thread
 *   fibers   all in fibers of one worker; servers have a worker of their own
 *   workers  the tests in fibers of one worker, what they start in fibers of
 *            others; servers have two workers
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <silverback/fiber.h>
#include <silverback/http.h>

#include "alloc_fail.h"
#include "fiber/sched.h"
#include "fiber/worker.h"
#include "test.h"

static inline bool mode_is(const char *mode)
{
    const char *is = getenv("SILVERBACK_TEST");

    return strcmp(is ? is : "threads", mode) == 0;
}

/* A server as the mode wants it. */
static inline void mode_set(ws_server *s)
{
    if (mode_is("threads"))
        s->threads = true;
    else
        s->workers = mode_is("workers") ? 2 : 1;
}

/* Blocks that are not freed, when the loop has had its turn. */
static inline long mode_live(void)
{
    ws_yield();
    return alloc_live();
}

struct mode_start {
    void (*fn)(void *arg);
    void *arg;
};

static inline void mode_run(void *arg)
{
    struct mode_start start = *(struct mode_start *)arg;

    free(arg);
    ws_run(start.fn, start.arg);
}

/* In a fiber of a worker of its own. */
static inline ws_fiber *mode_go_elsewhere(void (*fn)(void *arg), void *arg)
{
    struct mode_start *start = malloc(sizeof(*start));

    assert_non_null(start);
    *start = (struct mode_start){ fn, arg };
    return ws__go_thread(mode_run, start);
}

/* ws_go, or in a worker of its own. */
static inline ws_fiber *mode_go(void (*fn)(void *arg), void *arg)
{
    return mode_is("workers") ? mode_go_elsewhere(fn, arg) : ws_go(fn, arg);
}

/* In a fiber: the caller's, or one of a worker of its own. */
static inline void mode_in_fiber(void (*fn)(void *arg), void *arg)
{
    if (mode_is("threads"))
        assert_int_equal(ws_run(fn, arg), 0);
    else
        fn(arg);
}

struct mode_tests {
    const char *name;
    const struct CMUnitTest *tests;
    size_t n;
    CMFixtureFunction set_up;
    CMFixtureFunction tear_down;
    int failed;
};

static inline void mode_run_tests(void *arg)
{
    struct mode_tests *t = arg;

    t->failed = _cmocka_run_group_tests(t->name, t->tests, t->n, t->set_up,
                                        t->tear_down);
}

/* Tests keep more on their stack than handlers do. */
static inline int mode_group_in_fiber(struct mode_tests t)
{
    enum { STACK = 2 * 1024 * 1024 };

    struct ws__worker *w = ws__worker_new(STACK);
    if (!w || ws__run_worker(w, mode_run_tests, &t) != 0)
        abort();
    ws__worker_unref(w);
    return t.failed;
}

static inline int mode_main(struct mode_tests t)
{
    if (!mode_is("threads"))
        return mode_group_in_fiber(t);
    mode_run_tests(&t);
    return t.failed;
}

/* In main: what cmocka_run_group_tests_name does, in the mode. */
#define run_in_mode(name, tests, set_up, tear_down)                            \
    mode_main((struct mode_tests){ name, tests, COUNT(tests), set_up,          \
                                   tear_down, 0 })

/* The same in a fiber, in every mode. */
#define run_in_fiber(name, tests, set_up, tear_down)                           \
    mode_group_in_fiber((struct mode_tests){ name, tests, COUNT(tests),        \
                                             set_up, tear_down, 0 })

#endif
