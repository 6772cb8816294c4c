/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <stdio.h>

#include "page_end.h"
#include "proto/range.h"

enum { SIZE = 10000 };

static enum ws__range parse(const char *value, uint64_t *first, uint64_t *len)
{
    return ws__range_parse(at_page_end(value, strlen(value) + 1), SIZE, first,
                           len);
}

/* RFC 9110, section 14.1.2, and its examples. */
static void one_range_is_a_part(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        uint64_t first, len;
    } rows[] = {
        { "bytes=0-499", 0, 500 },
        { "bytes=500-999", 500, 500 },
        { "bytes=-500", 9500, 500 },
        { "bytes=9500-", 9500, 500 },
        { "bytes=0-0", 0, 1 },
        { "bytes=-1", 9999, 1 },
        { "bytes=0-", 0, SIZE },
        { "bytes=0-9999", 0, SIZE },
        { "bytes=0-10000", 0, SIZE },
        { "bytes=9999-9999", 9999, 1 },
        { "bytes=9999-20000", 9999, 1 },
        { "bytes=-10000", 0, SIZE },
        { "bytes=-10001", 0, SIZE },
        { "bytes=1-99999999999999999999999999", 1, SIZE - 1 },
        { "bytes=1-18446744073709551615", 1, SIZE - 1 },
        { "bytes=0-18446744073709551617", 0, SIZE }, /* 2^64 + 1 */
        { "bytes=-99999999999999999999999999", 0, SIZE },
        { "BYTES=0-4", 0, 5 },
        { "bytes= 0-4", 0, 5 },
        { "bytes=, 0-4 ,", 0, 5 },
        { "bytes=007-009", 7, 3 },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        uint64_t first, len;

        if (parse(rows[i].value, &first, &len) != WS__RANGE_PART)
            fail_msg("%s", rows[i].value);
        assert_int_equal(first, rows[i].first);
        assert_int_equal(len, rows[i].len);
    }
}

static void one_beyond_the_end_is_void(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "bytes=10000-",
        "bytes=10000-10001",
        "bytes=99999999999999999999-",
        "bytes=18446744073709551617-",
        "bytes=99999999999999999998-99999999999999999999",
        "bytes=-0",
    };
    uint64_t first, len;

    for (size_t i = 0; i < COUNT(rows); i++)
        if (parse(rows[i], &first, &len) != WS__RANGE_VOID)
            fail_msg("%s", rows[i]);
}

static void all_else_is_everything(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "bytes",
        "bytes=",
        "bytes=,",
        "bytes=-",
        "bytes=a-b",
        "bytes=1-a",
        "bytes=5-4", /* 14.1.1: a last position below the first */
        "bytes=1",
        "bytes=--1",
        "bytes=+1-2",
        "bytes=1--2",
        "bytes=1 -2",
        "bytes=1- 2",
        "bytes=0x1-2",
        "bytes =0-1",
        "bytes:0-1",
        " bytes=0-1",
        "bit=0-1",
        "items=0-1",
        /* several */
        "bytes=0-1,2-3",
        "bytes=0-0,-1",
        "bytes=1-2-3",
    };
    uint64_t first, len;

    for (size_t i = 0; i < COUNT(rows); i++)
        if (parse(rows[i], &first, &len) != WS__RANGE_ALL)
            fail_msg("%s", rows[i]);
    assert_int_equal(ws__range_parse("bytes=0-", 0, &first, &len),
                     WS__RANGE_ALL);
    assert_int_equal(ws__range_parse("bytes=-5", 0, &first, &len),
                     WS__RANGE_ALL);
}

static void a_part_lies_within_the_whole_whatever_was_asked(void **state)
{
    (void)state;
    char value[64];

    for (uint64_t size = 0; size < 6; size++)
        for (int at = 0; at < 8 * 8; at++) {
            uint64_t first = 0, len = 0;

            /* where 0 is no number */
            snprintf(value, sizeof(value), "bytes=%.0d-%.0d", at / 8, at % 8);
            if (ws__range_parse(value, size, &first, &len) != WS__RANGE_PART)
                continue;
            assert_true(len > 0);
            assert_true(first < size && len <= size - first);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_range_is_a_part),
        cmocka_unit_test(one_beyond_the_end_is_void),
        cmocka_unit_test(all_else_is_everything),
        cmocka_unit_test(a_part_lies_within_the_whole_whatever_was_asked),
    };

    return cmocka_run_group_tests_name("range", tests, NULL, NULL);
}
