/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <silverback/base.h>

#include "mode.h"

static void now_is_above_zero_and_never_goes_back(void **state)
{
    (void)state;
    int64_t last = ws_now();

    assert_true(last > 0);
    for (int i = 0; i < 1000; i++) {
        int64_t now = ws_now();

        assert_true(now >= last);
        last = now;
    }
}

static void after_adds_to_now(void **state)
{
    (void)state;
    int64_t before = ws_now();
    int64_t deadline = ws_after(1000);

    assert_true(deadline >= before + 1000);
    assert_true(deadline <= ws_now() + 1000);
    assert_true(ws_after(-1) <= ws_now());
}

static void after_saturates_and_is_never_zero(void **state)
{
    (void)state;

    assert_true(ws_after(INT64_MAX) == INT64_MAX);
    assert_true(ws_after(INT64_MAX - 1) == INT64_MAX);
    assert_true(ws_after(INT64_MIN) == 1);
    assert_true(ws_after(-INT64_MAX) == 1);

    /* Whichever millisecond it is, one of these would be 0. */
    int64_t now = ws_now();
    for (int64_t ms = now; ms < now + 1000; ms++)
        assert_true(ws_after(-ms) >= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(now_is_above_zero_and_never_goes_back),
        cmocka_unit_test(after_adds_to_now),
        cmocka_unit_test(after_saturates_and_is_never_zero),
    };

    return run_in_mode("timer", tests, NULL, NULL);
}
