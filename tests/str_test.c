/* SPDX-License-Identifier: MIT */

#include "test.h"

#include "base/str.h"

static void only_ascii_letters_match_in_either_case(void **state)
{
    (void)state;
    assert_true(ws__equal_nocase("WebSocket", "websocket"));
    assert_true(ws__equal_nocase("", ""));
    assert_false(ws__equal_nocase("a", ""));
    assert_false(ws__equal_nocase("", "a"));
    assert_false(ws__equal_nocase("ab", "abc"));
    assert_false(ws__equal_nocase("@", "`"));
    assert_false(ws__equal_nocase("[", "{"));
    assert_false(ws__equal_nocase("\xd6yster", "\xf6yster"));
    assert_true(ws__str_is_nocase((struct ws__str){ "ABX", 2 }, "ab"));
    assert_true(ws__str_equal_nocase((struct ws__str){ "ABX", 2 },
                                     (struct ws__str){ "aby", 2 }));
    assert_false(ws__str_equal_nocase(ws__str("ab"), ws__str("abc")));
    assert_false(ws__str_equal_nocase(ws__str("ab"), ws__str("ac")));
    assert_true(ws__str_equal_nocase(ws__str(""), ws__str("")));
    assert_true(ws__str_is((struct ws__str){ "abx", 2 }, "ab"));
    assert_false(ws__str_is(ws__str("AB"), "ab"));
}

static void hexadecimal_digits_have_values(void **state)
{
    (void)state;
    static const char digits[] = "0123456789abcdefABCDEF";

    for (int c = -128; c < 128; c++) {
        const char *at = c > 0 ? strchr(digits, c) : NULL;
        int value = at ? (int)(at - digits) : -1;
        assert_int_equal(ws__hex_value((char)c),
                         value > 15 ? value - 6 : value);
    }
}

static void blanks_are_spaces_and_tabs(void **state)
{
    (void)state;
    static const struct {
        const char *s, *trimmed;
    } rows[] = { { " \ta b\t ", "a b" },
                 { "", "" },
                 { " \t", "" },
                 { "a", "a" },
                 { "\na\n", "\na\n" } };

    for (size_t i = 0; i < COUNT(rows); i++)
        assert_true(
            ws__str_is(ws__str_trim(ws__str(rows[i].s)), rows[i].trimmed));
}

static void numbers_are_digits_up_to_a_maximum(void **state)
{
    (void)state;
    static const struct {
        const char *s;
        unsigned long long max;
        long long value; /* -1: refused */
    } rows[] = {
        { "0", 0, 0 },
        { "007", 9, 7 },
        { "65535", 65535, 65535 },
        { "65536", 65535, -1 },
        { "", 9, -1 },
        { "+1", 9, -1 },
        { "-1", 9, -1 },
        { " 1", 9, -1 },
        { "1x", 99, -1 },
        { "5", 4, -1 },
        { "9223372036854775807", INT64_MAX, INT64_MAX },
        { "9223372036854775808", INT64_MAX, -1 },
        { "99999999999999999999999", UINT64_MAX, -1 },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        unsigned long long v = 0;
        bool ok = ws__str_number(ws__str(rows[i].s), rows[i].max, &v);

        if (ok != (rows[i].value >= 0) ||
            (ok && v != (unsigned long long)rows[i].value))
            fail_msg("%s", rows[i].s);
    }
}

static void numbers_become_digits(void **state)
{
    (void)state;
    static const struct {
        unsigned long long n;
        const char *s;
    } rows[] = {
        { 0, "0" },
        { 7, "7" },
        { 10, "10" },
        { 65535, "65535" },
        { UINT64_MAX, "18446744073709551615" },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        char out[21] = "";

        assert_ptr_equal(ws__decimal(out, rows[i].n), out + strlen(rows[i].s));
        assert_string_equal(out, rows[i].s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_ascii_letters_match_in_either_case),
        cmocka_unit_test(hexadecimal_digits_have_values),
        cmocka_unit_test(blanks_are_spaces_and_tabs),
        cmocka_unit_test(numbers_are_digits_up_to_a_maximum),
        cmocka_unit_test(numbers_become_digits),
    };

    return cmocka_run_group_tests_name("str", tests, NULL, NULL);
}
