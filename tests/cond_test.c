/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <silverback/base.h>

#include "fiber/cond.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond;

/* By the wall clock, which is far ahead of it, it would not wait. */
static void a_deadline_is_one_of_the_clock_that_nobody_sets(void **state)
{
    (void)state;
    int64_t deadline = ws_after(20);
    int r = 0;

    pthread_mutex_lock(&lock);
    while (r == 0)
        r = ws__cond_wait(&cond, &lock, deadline);
    pthread_mutex_unlock(&lock);
    assert_int_equal(r, WS_ERR_TIMEOUT);
    assert_true(ws_now() >= deadline);
}

static void a_deadline_that_has_passed_is_not_waited_for(void **state)
{
    (void)state;
    static const int64_t passed[] = { 1, -1, INT64_MIN };

    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < COUNT(passed); i++)
        assert_int_equal(ws__cond_wait(&cond, &lock, passed[i]),
                         WS_ERR_TIMEOUT);
    pthread_mutex_unlock(&lock);
}

static bool came; /* under lock */

static void *come(void *arg)
{
    pthread_mutex_lock(&lock);
    came = true;
    pthread_cond_signal(&cond);
    pthread_mutex_unlock(&lock);
    return arg;
}

static void without_a_deadline_only_a_signal_ends_it(void **state)
{
    (void)state;
    pthread_t other;
    int r = 0;

    pthread_mutex_lock(&lock);
    assert_int_equal(pthread_create(&other, NULL, come, NULL), 0);
    while (r == 0 && !came)
        r = ws__cond_wait(&cond, &lock, 0);
    pthread_mutex_unlock(&lock);
    pthread_join(other, NULL);
    assert_int_equal(r, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deadline_is_one_of_the_clock_that_nobody_sets),
        cmocka_unit_test(a_deadline_that_has_passed_is_not_waited_for),
        cmocka_unit_test(without_a_deadline_only_a_signal_ends_it),
    };

    ws__cond_init(&cond);
    return cmocka_run_group_tests_name("cond", tests, NULL, NULL);
}
