/* SPDX-License-Identifier: MIT */

/* Some of the points of tests/long/torture.c, and what they have found. */

#include "test.h"

#include <errno.h>
#include <stdio.h>

#include <silverback.h>

#include "torture/points.h"

/* Of each scene; under valgrind of the first of them alone. */
enum { POINTS = 6, UNDER_VALGRIND = 3 };

static void any_request_of_the_system_may_fail(void **state)
{
    (void)state;
    size_t n = RUNNING_ON_VALGRIND ? UNDER_VALGRIND : scenes_n;
    struct tally t = { 0 };

    for (size_t i = 0; i < n; i++)
        points_try(&scenes[i], rounds(POINTS), &t);
    printf("# %ld points found, %ld tried\n", t.found, t.tried);
    assert_int_equal(t.wrong, 0);
    assert_int_equal(t.tried, t.found);
}

/* There is no memory for poll(2). */
static const struct fault none_for_poll = {
    .place = FAULT_POLL, .at = 1, .for_good = true, .how = ENOMEM
};

static void turn_and_end(void *ended)
{
    ws_sleep(1);
    *(bool *)ended = true;
}

static void who_waits_for_a_fiber_does_so_when_poll_fails(void **state)
{
    (void)state;
    ws_loop *loop = ws_loop_new(0);
    bool ended = false;

    assert_non_null(loop);
    ws_fiber *f = ws_go(turn_and_end, &ended);
    faults_begin(&none_for_poll);
    ws_join(f);
    faults_end();
    assert_true(faults_fired());
    assert_true(ended);
    assert_int_equal(ws_loop_free(loop), 0);
    ws_cleanup();
}

static void a_wait_ends_at_its_deadline_when_poll_fails(void **state)
{
    (void)state;
    ws_loop *loop = ws_loop_new(0);
    ws_event never = { 0 };

    assert_non_null(loop);
    faults_begin(&none_for_poll);
    assert_int_equal(ws_event_wait(&never, ws_after(50)), WS_ERR_TIMEOUT);
    faults_end();
    assert_true(faults_fired());
    assert_int_equal(ws_loop_free(loop), 0);
    ws_cleanup();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_request_of_the_system_may_fail),
        cmocka_unit_test(who_waits_for_a_fiber_does_so_when_poll_fails),
        cmocka_unit_test(a_wait_ends_at_its_deadline_when_poll_fails),
    };

    points_begin();
    return cmocka_run_group_tests_name("torture", tests, NULL, NULL);
}
