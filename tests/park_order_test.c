/* SPDX-License-Identifier: MIT */

/* Waiting and waking of two fibers, two threads and a loop in some of the orders
 * in which they may meet; in more of them by tests/long/park.py. */

#include "park_scenes.h"

enum { SCHEDULES = 600 }; /* of each scene */

static void nobody_waits_for_ever(void **state)
{
    (void)state;
    assert_null(explore_some(scenes, COUNT(scenes), SCHEDULES));
}

static void a_bell_that_is_not_heard_would_be_found(void **state)
{
    (void)state;
    park_is_deaf = true;
    assert_non_null(explore_some(scenes, COUNT(scenes), SCHEDULES));
    park_is_deaf = false;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_waits_for_ever),
        cmocka_unit_test(a_bell_that_is_not_heard_would_be_found),
    };

    return cmocka_run_group_tests_name("park_order", tests, NULL, NULL);
}
