/* SPDX-License-Identifier: MIT */

/* Join, publish, leave, trim and end in some of the orders in which they may meet:
 * no gap, no duplicate, nobody left; in all of them by tests/long/hub_order. */

#include "hub_scenes.h"

enum { SCHEDULES = 1000 }; /* of each scene */

static void there_is_no_gap_and_no_duplicate(void **state)
{
    (void)state;
    assert_null(explore_some(scenes, COUNT(scenes), SCHEDULES));
}

static void one_that_was_sent_twice_would_be_found(void **state)
{
    (void)state;
    const char *wrong = NULL;

    fault_replays_twice = true;
    for (size_t i = 0; i < COUNT(scenes) && !wrong; i++)
        if (strcmp(scenes[i].name, "join where one is, and publish") == 0)
            wrong = explore_all(&scenes[i].of, 1, SCHEDULES);
    fault_replays_twice = false;
    assert_non_null(wrong);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_is_no_gap_and_no_duplicate),
        cmocka_unit_test(one_that_was_sent_twice_would_be_found),
    };

    alloc_fail_install();
    return cmocka_run_group_tests_name("hub_order", tests, NULL, NULL);
}
