/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include <silverback/fiber.h>

#include "alloc_fail.h"
#include "fiber/park.h"
#include "fiber/sched.h"
#include "mode.h"

static void add_one(void *count)
{
    atomic_fetch_add((atomic_int *)count, 1);
}

static void join_waits_for_the_end(void **state)
{
    (void)state;
    atomic_int count = 0;
    ws_fiber *f[16];

    for (size_t i = 0; i < COUNT(f); i++) {
        f[i] = ws_go(add_one, &count);
        assert_non_null(f[i]);
    }
    for (size_t i = 0; i < COUNT(f); i++)
        ws_join(f[i]);
    assert_int_equal(atomic_load(&count), COUNT(f));
}

static void wait_for(void *e)
{
    ws_event_wait(e, 0);
}

static void join_finds_one_that_has_ended(void **state)
{
    (void)state;
    atomic_int count = 0;
    ws_fiber *f = ws_go(add_one, &count);

    assert_non_null(f);
    while (atomic_load(&count) == 0)
        ws_yield();
    ws_join(f);
}

static void join_and_detach_take_null(void **state)
{
    (void)state;

    ws_join(NULL);
    ws_detach(NULL);
}

struct hand_over {
    ws_event go;
    ws_event done;
};

static void answer(void *arg)
{
    struct hand_over *h = arg;

    ws_event_wait(&h->go, 0);
    ws_event_set(&h->done);
}

static void a_detached_one_goes_on(void **state)
{
    (void)state;

    for (int i = 0; i < 50; i++) {
        struct hand_over h = { 0 };
        ws_fiber *f = ws_go(answer, &h);

        assert_non_null(f);
        if (i % 2)
            ws_event_set(&h.go);
        ws_detach(f);
        ws_event_set(&h.go);
        assert_int_equal(ws_event_wait(&h.done, 0), 0);
    }
}

struct run {
    void (*fn)(void *arg);
    void *arg;
    int result;
};

static void run_it(void *arg)
{
    struct run *r = arg;

    r->result = ws_run(r->fn, r->arg);
}

/* ws_run in a thread of its own: a fiber may not call it. */
static int run(void (*fn)(void *arg), void *arg)
{
    struct run r = { fn, arg, -1 };

    assert_int_equal(ws__in_thread(run_it, &r), 0);
    return r.result;
}

struct tree {
    atomic_int count;
    int nested; /* what ws_run inside returned */
    int failed;
};

static void nothing(void *arg)
{
    (void)arg;
}

static void leaf(void *arg)
{
    struct tree *t = arg;

    ws_sleep(1);
    atomic_fetch_add(&t->count, 1);
    if (ws_run(nothing, NULL) != WS_ERR_INVALID)
        t->failed = 1;
}

static void branch(void *arg)
{
    ws_detach(ws_go(leaf, arg));
    leaf(arg);
}

static void root(void *arg)
{
    struct tree *t = arg;

    t->nested = ws_run(nothing, NULL);
    ws_detach(ws_go(branch, t));
    ws_join(ws_go(branch, t));
}

static void run_returns_when_all_have_ended(void **state)
{
    (void)state;

    assert_int_equal(run(nothing, NULL), 0); /* stacks are kept */
    for (int i = 0; i < 20; i++) {
        long live = mode_live();
        struct tree t = { .count = 0 };

        assert_int_equal(run(root, &t), 0);
        assert_int_equal(atomic_load(&t.count), 4);
        assert_int_equal(t.nested, WS_ERR_INVALID);
        assert_false(t.failed);
        assert_int_equal(mode_live(), live);
    }
}

static void run_in_thread(void *result)
{
    *(int *)result = ws_run(nothing, NULL);
}

static void a_thread_may_run_fibers_too(void **state)
{
    (void)state;
    int result = -1;
    assert_int_equal(ws__in_thread(run_in_thread, &result), 0);
    assert_int_equal(result, 0);
}

/* There may be stacks left, which need no memory. */
static void go_without_memory(void *result)
{
    ws_fiber *f;

    alloc_fail_from(1);
    do
        ws_detach(f = ws_go(nothing, NULL));
    while (f);
    *(bool *)result = alloc_failed();
    alloc_fail_at(0);
}

static void go_returns_null_without_memory(void **state)
{
    (void)state;
    bool null = false;

    go_without_memory(&null);
    assert_true(null);
    null = false;
    assert_int_equal(run(go_without_memory, &null), 0);
    assert_true(null);
}

static void read_mask(void *mask)
{
    pthread_sigmask(SIG_SETMASK, NULL, mask);
}

static void a_thread_has_the_signal_mask_of_who_starts_it(void **state)
{
    (void)state;
    sigset_t one, before, mask;

    sigemptyset(&one);
    sigaddset(&one, SIGUSR1);
    pthread_sigmask(SIG_SETMASK, &one, &before);
    assert_int_equal(ws__in_thread(read_mask, &mask), 0);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    assert_true(sigismember(&mask, SIGUSR1));
    assert_false(sigismember(&mask, SIGTERM));
}

/* An event to set before the next wait. */
struct due {
    struct ws__before before;
    ws_event event;
};

static void set_event(struct ws__before *b)
{
    ws_event_set(&((struct due *)b)->event);
}

static void leave_something_due(void *due)
{
    ws__before_park(due);
}

static void what_is_due_is_done_at_the_end(void **state)
{
    (void)state;
    struct due due = { .before = { .fn = set_event } };
    ws_fiber *f = ws_go(leave_something_due, &due);

    assert_non_null(f);
    assert_int_equal(ws_event_wait(&due.event, 0), 0);
    ws_join(f);

    ws_event_clear(&due.event);
    assert_int_equal(run(leave_something_due, &due), 0);
    assert_int_equal(ws_event_wait(&due.event, 1), 0);
}

/* What is due at the end of a fiber, or a thread, that somebody joins. */
struct promise {
    struct ws__before before;
    ws_event begun; /* the handle is known */
    ws_fiber *by;
    bool too_late;
    ws_event kept;
};

static void keep(struct ws__before *b)
{
    struct promise *p = (struct promise *)b;

    p->too_late = ws_event_is_set(&p->by->ended);
    ws_event_set(&p->kept);
}

static void promise(void *arg)
{
    struct promise *p = arg;

    ws_event_wait(&p->begun, 0);
    ws__before_park(&p->before);
}

static void who_joins_finds_done_what_was_due(void **state)
{
    (void)state;
    struct promise p = { .before = { .fn = keep } };

    p.by = ws_go(promise, &p);
    assert_non_null(p.by);
    ws_event_set(&p.begun);
    assert_int_equal(ws_event_wait(&p.kept, 0), 0);
    assert_false(p.too_late);
    ws_join(p.by);
}

static int is_set(void *e)
{
    return ws_event_wait(e, 1);
}

static void what_is_due_is_done_before_others_have_their_turn(void **state)
{
    (void)state;
    struct due due = { .before = { .fn = set_event } };

    ws__before_park(&due.before);
    assert_int_equal(ws_blocking(is_set, &due.event), 0);

    ws_event_clear(&due.event);
    ws__before_park(&due.before);
    ws_yield();
    assert_int_equal(ws_event_wait(&due.event, 1), 0);

    ws_event_clear(&due.event);
    ws__before_park(&due.before);
    ws_sleep(0);
    assert_int_equal(ws_event_wait(&due.event, 1), 0);

    ws_event_clear(&due.event);
    ws_fiber *f = ws_go(wait_for, &due.event);
    assert_non_null(f);
    ws__before_park(&due.before);
    ws_join(f);
}

static void sleep_lasts_as_long_as_it_says(void **state)
{
    (void)state;
    int64_t before = ws_now();

    ws__unpark(ws__parker_self()); /* a wake-up that was not meant for it */
    ws_sleep(20);
    assert_true(ws_now() >= before + 20);
    ws_sleep(0);
    ws_sleep(-1);
}

static int double_it(void *n)
{
    return 2 * *(int *)n;
}

static void blocking_returns_what_the_function_does(void **state)
{
    (void)state;
    int n = 21;

    assert_int_equal(ws_blocking(double_it, &n), 42);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(join_waits_for_the_end),
        cmocka_unit_test(join_finds_one_that_has_ended),
        cmocka_unit_test(join_and_detach_take_null),
        cmocka_unit_test(run_returns_when_all_have_ended),
        cmocka_unit_test(a_detached_one_goes_on),
        cmocka_unit_test(a_thread_may_run_fibers_too),
        cmocka_unit_test(go_returns_null_without_memory),
        cmocka_unit_test(a_thread_has_the_signal_mask_of_who_starts_it),
        cmocka_unit_test(what_is_due_is_done_at_the_end),
        cmocka_unit_test(who_joins_finds_done_what_was_due),
        cmocka_unit_test(what_is_due_is_done_before_others_have_their_turn),
        cmocka_unit_test(sleep_lasts_as_long_as_it_says),
        cmocka_unit_test(blocking_returns_what_the_function_does),
    };

    alloc_fail_install();
    return run_in_mode("sched", tests, NULL, NULL);
}
