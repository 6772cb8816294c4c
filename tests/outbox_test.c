/* SPDX-License-Identifier: MIT */

/* The rules of conn/outbox in some of the orders in which they may meet; in all of
 * them by tests/long/outbox.py. */

#include "outbox_scenes.h"

enum { SCHEDULES = 2000 }; /* of each scene */

static void nobody_waits_for_ever(void **state)
{
    (void)state;
    assert_null(explore_some(scenes, COUNT(scenes), SCHEDULES));
}

static void a_reader_that_is_not_woken_would_be_found(void **state)
{
    (void)state;
    faults.reader_sleeps = true;
    assert_non_null(explore_some(scenes, COUNT(scenes), SCHEDULES));
    faults.reader_sleeps = false;
}

static void so_would_one_that_waits_for_a_turn(void **state)
{
    (void)state;
    faults.turns_sleep = true;
    assert_non_null(explore_some(scenes, COUNT(scenes), SCHEDULES));
    faults.turns_sleep = false;
}

static int free_queue(void **state)
{
    (void)state;
    ws_free(world.conn.w.control_queue);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_waits_for_ever),
        cmocka_unit_test(a_reader_that_is_not_woken_would_be_found),
        cmocka_unit_test(so_would_one_that_waits_for_a_turn),
    };

    return cmocka_run_group_tests_name("outbox", tests, NULL, free_queue);
}
