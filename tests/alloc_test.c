/* SPDX-License-Identifier: MIT */

#include "test.h"

#include "alloc_fail.h"
#include "base/alloc.h"

static void all_memory_comes_from_the_function_that_was_set(void **state)
{
    (void)state;
    char *s = ws__strdup("text");

    assert_string_equal(s, "text");
    assert_int_equal(alloc_live(), 1);
    s = ws__realloc(s, 100);
    assert_string_equal(s, "text");
    ws_free(s);
    ws_free(NULL);
    assert_int_equal(alloc_live(), 0);
}

static void size_0_is_memory_too(void **state)
{
    (void)state;
    void *p = ws__alloc(0);

    assert_non_null(p);
    p = ws__realloc(p, 0);
    assert_non_null(p);
    ws_free(p);
    assert_int_equal(alloc_live(), 0);
}

static void zeroed_memory_is_zero(void **state)
{
    (void)state;
    static const char zero[64];
    char *p = ws__alloc(64);

    memset(p, 1, 64);
    ws_free(p);
    p = ws__zalloc(64);
    assert_memory_equal(p, zero, 64);
    ws_free(p);
}

static void an_allocation_failure_is_null(void **state)
{
    (void)state;
    void *p = ws__alloc(8);

    alloc_fail_from(1);
    assert_null(ws__alloc(8));
    assert_null(ws__zalloc(8));
    assert_null(ws__strdup("text"));
    assert_null(ws__realloc(p, 1000));
    assert_true(alloc_failed());
    alloc_fail_at(0);
    ws_free(p);
    assert_int_equal(alloc_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_memory_comes_from_the_function_that_was_set),
        cmocka_unit_test(size_0_is_memory_too),
        cmocka_unit_test(zeroed_memory_is_zero),
        cmocka_unit_test(an_allocation_failure_is_null),
    };

    alloc_fail_install();
    return cmocka_run_group_tests_name("alloc", tests, NULL, NULL);
}
