/* SPDX-License-Identifier: MIT */

#include "test.h"

#include "base/backoff.h"

#define ALL UINT64_MAX

static const struct ws__backoff standard = { .base = 1000,
                                             .max = 60000,
                                             .stable = 30000 };

static void fail_times(struct ws__backoff *b, int n)
{
    while (n-- > 0)
        ws__backoff_failed(b, 1);
}

static void the_first_dial_does_not_wait(void **state)
{
    (void)state;
    assert_int_equal(ws__backoff_delay(&standard, ALL), 0);
    assert_int_equal(ws__backoff_delay(&standard, 12345), 0);
}

/* Full jitter: each delay up to the limit is as good as any other. */
static void the_limit_doubles_up_to_the_most(void **state)
{
    (void)state;
    static const int64_t limits[] = { 1000,  2000,  4000,  8000,
                                      16000, 32000, 60000, 60000 };
    struct ws__backoff b = standard;

    for (size_t i = 0; i < COUNT(limits); i++) {
        fail_times(&b, 1);
        assert_int_equal(ws__backoff_delay(&b, 0), 0);
        assert_int_equal(ws__backoff_delay(&b, 1), 1);
        assert_int_equal(ws__backoff_delay(&b, (uint64_t)limits[i]), limits[i]);
        assert_int_equal(ws__backoff_delay(&b, (uint64_t)limits[i] + 1), 0);
    }
}

static void any_bits_are_within_the_limit(void **state)
{
    (void)state;
    struct ws__backoff b = standard;

    fail_times(&b, 3);
    for (uint64_t bits = ALL; bits > 0; bits /= 3) {
        assert_true(ws__backoff_delay(&b, bits) >= 0);
        assert_true(ws__backoff_delay(&b, bits) <= 4000);
    }
}

static void for_ever_is_no_longer_than_the_most(void **state)
{
    (void)state;
    struct ws__backoff b = standard;

    b.failures = UINT32_MAX;
    fail_times(&b, 2);
    assert_int_equal(b.failures, UINT32_MAX);
    assert_int_equal(ws__backoff_delay(&b, 60000), 60000);
    assert_int_equal(ws__backoff_delay(&b, 60001), 0);
}

static void a_stable_connection_makes_up_for_all(void **state)
{
    (void)state;
    struct ws__backoff b = standard;

    fail_times(&b, 5);
    ws__backoff_connected(&b, 100);
    ws__backoff_failed(&b, 100 + 30000);
    assert_int_equal(b.failures, 1);
    assert_int_equal(ws__backoff_delay(&b, 1000), 1000);
    assert_int_equal(ws__backoff_delay(&b, 1001), 0);
}

/* A server that takes everybody and drops them at once is no better. */
static void a_short_connection_is_one_failure_more(void **state)
{
    (void)state;
    struct ws__backoff b = standard;

    fail_times(&b, 5);
    ws__backoff_connected(&b, 100);
    ws__backoff_failed(&b, 100 + 29999);
    assert_int_equal(b.failures, 6);
    ws__backoff_failed(&b, 100 + 40000); /* a dial: there was no connection */
    assert_int_equal(b.failures, 7);
}

static void without_a_base_there_is_no_delay(void **state)
{
    (void)state;
    struct ws__backoff b = { .max = 60000 };

    fail_times(&b, 9);
    assert_int_equal(ws__backoff_delay(&b, ALL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_dial_does_not_wait),
        cmocka_unit_test(the_limit_doubles_up_to_the_most),
        cmocka_unit_test(any_bits_are_within_the_limit),
        cmocka_unit_test(for_ever_is_no_longer_than_the_most),
        cmocka_unit_test(a_stable_connection_makes_up_for_all),
        cmocka_unit_test(a_short_connection_is_one_failure_more),
        cmocka_unit_test(without_a_base_there_is_no_delay),
    };

    return cmocka_run_group_tests_name("backoff", tests, NULL, NULL);
}
