/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <errno.h>

#include "base/error.h"

static void every_code_has_a_text_of_its_own(void **state)
{
    (void)state;
#define CODE(name, code, text) code,
    static const int codes[] = { WS_ERROR_MAP(CODE) };
#undef CODE

    for (size_t i = 0; i < COUNT(codes); i++)
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(ws_strerror(codes[i]),
                                    ws_strerror(codes[k]));
    assert_string_equal(ws_strerror(WS_ERR_TIMEOUT), "the deadline passed");
    assert_string_equal(ws_strerror(0), "no error");
}

static void any_number_has_a_text(void **state)
{
    (void)state;
    static const int codes[] = { 1, INT32_MAX, INT32_MIN, -4999, -6000 };

    assert_string_equal(ws_strerror(-ENOENT), "No such file or directory");
    for (size_t i = 0; i < COUNT(codes); i++)
        assert_true(strlen(ws_strerror(codes[i])) > 0);
}

static void the_first_error_wins(void **state)
{
    (void)state;
    ws_error err = { 0 };

    assert_int_equal(ws__fail(&err, -EIO, "%s %d", "first", 1), -EIO);
    assert_int_equal(ws__fail(&err, -EPIPE, "second"), -EPIPE);
    assert_int_equal(err.code, -EIO);
    assert_string_equal(err.text, "first 1");
    assert_int_equal(ws__fail(NULL, -EIO, "nowhere"), -EIO);
}

static void a_long_text_is_cut(void **state)
{
    (void)state;
    ws_error err = { 0 };

    ws__fail(&err, -EIO, "%0500d", 1);
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_a_text_of_its_own),
        cmocka_unit_test(any_number_has_a_text),
        cmocka_unit_test(the_first_error_wins),
        cmocka_unit_test(a_long_text_is_cut),
    };

    return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
