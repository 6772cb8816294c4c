/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <silverback/version.h>

static void the_macros_are_the_version_of_the_build(void **state)
{
    (void)state;
    assert_string_equal(WS_VERSION, TESTS_VERSION);
}

static void the_library_says_which_it_is(void **state)
{
    (void)state;
    assert_string_equal(ws_version(), TESTS_VERSION);
}

enum { MAJOR = WS_VERSION_MAJOR, MINOR = WS_VERSION_MINOR };

static void at_least_compares_the_numbers_in_turn(void **state)
{
    (void)state;
    assert_true(WS_VERSION_AT_LEAST(0, 0, 0));
    assert_true(WS_VERSION_AT_LEAST(MAJOR, MINOR, WS_VERSION_PATCH));
    assert_true(WS_VERSION_AT_LEAST(MAJOR, MINOR - 1, WS_VERSION_PATCH + 1));
    assert_true(WS_VERSION_AT_LEAST(MAJOR - 1, MINOR + 1, 0));
    assert_false(WS_VERSION_AT_LEAST(MAJOR, MINOR, WS_VERSION_PATCH + 1));
    assert_false(WS_VERSION_AT_LEAST(MAJOR, MINOR + 1, 0));
    assert_false(WS_VERSION_AT_LEAST(MAJOR + 1, 0, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_macros_are_the_version_of_the_build),
        cmocka_unit_test(the_library_says_which_it_is),
        cmocka_unit_test(at_least_compares_the_numbers_in_turn),
    };

    return cmocka_run_group_tests_name("version", tests, NULL, NULL);
}
