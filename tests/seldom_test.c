/* SPDX-License-Identifier: MIT */

#include "test.h"

#include "fiber/seldom.h"

static void it_is_said_once_in_ten_seconds(void **state)
{
    (void)state;
    _Atomic int64_t said = 0;

    assert_true(ws__seldom(&said));
    assert_false(ws__seldom(&said));
    said -= 10 * 1000;
    assert_true(ws__seldom(&said));
    assert_false(ws__seldom(&said));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_said_once_in_ten_seconds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
