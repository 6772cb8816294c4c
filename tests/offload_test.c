/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <silverback/base.h>
#include <silverback/fiber.h>

#include "fiber/offload.h"
#include "fiber/sched.h"
#include "mode.h"

enum {
    HELPERS = 64,
    MORE = 16,
    LONG = 60000,
};

/* Helpers that come in, and stay until as many may leave. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int inside, most_inside, came, may_leave;
static int order[HELPERS + MORE];

static int stay(void *number)
{
    pthread_mutex_lock(&lock);
    order[came++] = *(int *)number;
    inside++;
    most_inside = inside > most_inside ? inside : most_inside;
    while (may_leave == 0)
        pthread_cond_wait(&changed, &lock);
    may_leave--;
    inside--;
    pthread_mutex_unlock(&lock);
    return 0;
}

static void stay_in_helper(void *number)
{
    ws_blocking(stay, number);
}

static void let_leave(int n)
{
    pthread_mutex_lock(&lock);
    may_leave += n;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static int how_many_came(void)
{
    pthread_mutex_lock(&lock);
    int n = came;
    pthread_mutex_unlock(&lock);
    return n;
}

/* The worker goes on meanwhile: it is this fiber that looks. */
static void wait_until_came(int n)
{
    int64_t deadline = ws_after(LONG);

    while (how_many_came() < n && ws_now() < deadline)
        ws_sleep(1);
    assert_int_equal(how_many_came(), n);
}

static void so_many_run_and_more_wait_for_their_turn(void **state)
{
    (void)state;
    int numbers[HELPERS + MORE];
    ws_fiber *f[HELPERS + MORE];

    for (int i = 0; i < HELPERS + MORE; i++) {
        numbers[i] = i;
        f[i] = ws_go(stay_in_helper, &numbers[i]);
        assert_non_null(f[i]);
    }
    wait_until_came(HELPERS);
    for (int i = HELPERS; i < HELPERS + MORE; i++) {
        let_leave(1);
        wait_until_came(i + 1);
        assert_int_equal(order[i], i);
    }
    let_leave(HELPERS);
    for (int i = 0; i < HELPERS + MORE; i++)
        ws_join(f[i]);
    assert_int_equal(most_inside, HELPERS);
    assert_int_equal(inside, 0);
}

static int note_thread(void *thread)
{
    *(pid_t *)thread = gettid();
    return 0;
}

static void clean_up_beside_a_busy_one(void)
{
    int number = 0;

    came = 0;
    ws_fiber *f = ws_go(stay_in_helper, &number);
    wait_until_came(1);
    ws__offload_cleanup();
    let_leave(1);
    ws_join(f);
}

/* A helper may be late to come back from its last job, but not each time. */
static void a_helper_that_is_done_is_used_again(void **state)
{
    (void)state;
    pid_t seen[HELPERS], t;
    int n = 0;

    clean_up_beside_a_busy_one(); /* and that is over */
    for (int i = 0; i < 4 * HELPERS; i++) {
        int k = 0;

        ws_blocking(note_thread, &t);
        while (k < n && seen[k] != t)
            k++;
        if (k == n && n < HELPERS)
            seen[n++] = t;
    }
    assert_in_range(n, 1, HELPERS / 2);
}

static int double_it(void *n)
{
    return 2 * *(int *)n;
}

struct meeting {
    atomic_int inside;
    ws_event both;
    atomic_int failed;
};

static int meet(void *arg)
{
    struct meeting *m = arg;

    if (atomic_fetch_add(&m->inside, 1) == 1)
        ws_event_set(&m->both);
    return ws_event_wait(&m->both, ws_after(LONG / 6));
}

static void meet_in_helper(void *arg)
{
    struct meeting *m = arg;

    if (ws_blocking(meet, m) != 0)
        atomic_fetch_add(&m->failed, 1);
}

/* Of two jobs that come at once only one can have the helper that is idle. */
static void a_helper_that_has_a_job_is_not_counted_on(void **state)
{
    (void)state;
    int n = 1;

    for (int i = 0; i < 10; i++) {
        struct meeting m = { .inside = 0 };
        ws_fiber *f[2];

        ws__offload_cleanup();
        ws_blocking(double_it, &n);
        ws_sleep(1); /* by then it mostly is */
        for (int k = 0; k < 2; k++)
            f[k] = ws_go(meet_in_helper, &m);
        for (int k = 0; k < 2; k++)
            ws_join(f[k]);
        assert_int_equal(atomic_load(&m.failed), 0);
    }
}

static void call_often(void *count)
{
    for (int i = 0; i < 10; i++)
        *(int *)count += ws_blocking(double_it, &i);
}

static void many_calls_all_come_back(void **state)
{
    (void)state;
    enum { CALLERS = 200 };
    int counts[CALLERS] = { 0 };
    ws_fiber *f[CALLERS];
    long live = 0;

    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < CALLERS; i++) {
            f[i] = ws_go(call_often, &counts[i]);
            assert_non_null(f[i]);
        }
        for (int i = 0; i < CALLERS; i++)
            ws_join(f[i]);
        live = round == 0 ? mode_live() : live; /* stacks are kept */
    }
    for (int i = 0; i < CALLERS; i++)
        assert_int_equal(counts[i], 2 * 2 * 45);
    assert_int_equal(mode_live(), live);
}

struct place {
    pthread_t thread;
    sigset_t mask;
    bool in_worker;
    int nested;
};

static int nested(void *thread)
{
    return pthread_equal(*(pthread_t *)thread, pthread_self());
}

static void run_nothing(struct ws__job *j)
{
    (void)j;
}

/* Threads want more room for their stacks than there is. */
static void without_a_helper_the_caller_does_it(void **state)
{
    (void)state;
    static struct ws__job job = { .fn = run_nothing, .done = run_nothing };
    pthread_attr_t before, huge;
    pthread_t self = pthread_self();

    ws__offload_cleanup();
    assert_int_equal(pthread_getattr_default_np(&before), 0);
    pthread_attr_init(&huge);
    pthread_attr_setstacksize(&huge, SIZE_MAX / 4 * 3);
    assert_int_equal(pthread_setattr_default_np(&huge), 0);
    int error = ws__offload(WS__FOR_FILES, &job);
    int here = ws_blocking(nested, &self);
    assert_int_equal(pthread_setattr_default_np(&before), 0);
    pthread_attr_destroy(&huge);
    pthread_attr_destroy(&before);
    assert_int_equal(error, -ENOMEM);
    assert_true(here);
}

static int look_around(void *arg)
{
    struct place *p = arg;
    ws_event e = { 0 };

    p->thread = pthread_self();
    p->in_worker = ws__worker_here() != NULL;
    pthread_sigmask(SIG_SETMASK, NULL, &p->mask);
    p->nested = ws_blocking(nested, &p->thread);
    return ws_event_wait(&e, ws_after(5));
}

static void a_helper_is_a_thread_that_may_wait(void **state)
{
    (void)state;
    struct place p;

    assert_int_equal(ws_blocking(look_around, &p), WS_ERR_TIMEOUT);
    assert_false(pthread_equal(p.thread, pthread_self()));
    assert_false(p.in_worker);
    assert_true(p.nested);
    assert_false(sigismember(&p.mask, SIGINT));
}

static void no_kind_of_helpers_waits_for_another(void **state)
{
    (void)state;
    ws_fiber *f[HELPERS];
    int number = 0, n = 21;

    came = 0;
    for (int i = 0; i < HELPERS; i++) {
        f[i] = ws_go(stay_in_helper, &number);
        assert_non_null(f[i]);
    }
    wait_until_came(HELPERS);
    assert_int_equal(ws__blocking(WS__FOR_FILES, double_it, &n), 42);
    assert_int_equal(ws__blocking(WS__FOR_NAMES, double_it, &n), 42);
    assert_int_equal(inside, HELPERS);
    let_leave(HELPERS);
    for (int i = 0; i < HELPERS; i++)
        ws_join(f[i]);
}

static void look_around_in_thread(void *arg)
{
    struct place *p = arg;
    pthread_t self = pthread_self();

    ws_blocking(look_around, p);
    p->nested = pthread_equal(self, p->thread);
}

static void in_a_thread_it_is_a_plain_call(void **state)
{
    (void)state;
    struct place p;

    assert_int_equal(ws__in_thread(look_around_in_thread, &p), 0);
    assert_true(p.nested);
}

static int wake(void *event)
{
    ws_event_set(event);
    return 0;
}

static void a_helper_may_wake_who_waits(void **state)
{
    (void)state;

    for (int i = 0; i < 100; i++) {
        ws_event e = { 0 };

        ws_blocking(wake, &e);
        assert_int_equal(ws_event_wait(&e, 1), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(so_many_run_and_more_wait_for_their_turn),
        cmocka_unit_test(a_helper_that_is_done_is_used_again),
        cmocka_unit_test(a_helper_that_has_a_job_is_not_counted_on),
        cmocka_unit_test(many_calls_all_come_back),
        cmocka_unit_test(no_kind_of_helpers_waits_for_another),
        cmocka_unit_test(a_helper_is_a_thread_that_may_wait),
        cmocka_unit_test(without_a_helper_the_caller_does_it),
        cmocka_unit_test(in_a_thread_it_is_a_plain_call),
        cmocka_unit_test(a_helper_may_wake_who_waits),
    };

    alloc_fail_install();
    return run_in_fiber("offload", tests, NULL, NULL);
}
