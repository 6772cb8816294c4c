/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <time.h>

#include "proto/http_date.h"

static void date_writes_the_example_of_the_rfc(void **state)
{
    (void)state;
    char out[WS__HTTP_DATE_LEN + 1];

    assert_true(ws__http_date(out, 784111777)); /* RFC 9110, section 5.6.7 */
    assert_string_equal(out, "Sun, 06 Nov 1994 08:49:37 GMT");
}

/* Every 3 days and a bit, over all leap rules. */
static void date_agrees_with_the_c_library(void **state)
{
    (void)state;

    for (int64_t t = 0; t < INT64_C(253402300800); t += 1000003) {
        char out[WS__HTTP_DATE_LEN + 1], want[WS__HTTP_DATE_LEN + 1];
        time_t seconds = (time_t)t;
        struct tm tm;
        int64_t back;

        gmtime_r(&seconds, &tm);
        strftime(want, sizeof(want), "%a, %d %b %Y %H:%M:%S GMT", &tm);
        assert_true(ws__http_date(out, t));
        assert_string_equal(out, want);
        assert_true(ws__http_date_parse(out, &back));
        assert_true(back == t);
    }
}

static void date_refuses_what_has_no_four_digits_of_a_year(void **state)
{
    (void)state;
    char out[WS__HTTP_DATE_LEN + 1];

    assert_false(ws__http_date(out, -1));
    assert_string_equal(out, "");
    assert_false(ws__http_date(out, INT64_C(253402300800)));
    assert_false(ws__http_date(out, INT64_MAX));
    assert_true(ws__http_date(out, INT64_C(253402300799)));
    assert_string_equal(out, "Fri, 31 Dec 9999 23:59:59 GMT");
}

static void parse_refuses_all_else(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT",
        "Sun, 29 Feb 1900 08:49:37 GMT",
        "Sun, 29 Feb 2100 08:49:37 GMT",
        "Sun, 06 Nov 1969 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT", /* obsolete */
        "Sun Nov  6 08:49:37 1994",       /* obsolete */
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t seconds;
        assert_false(ws__http_date_parse(rows[i], &seconds));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(date_writes_the_example_of_the_rfc),
        cmocka_unit_test(date_agrees_with_the_c_library),
        cmocka_unit_test(date_refuses_what_has_no_four_digits_of_a_year),
        cmocka_unit_test(parse_refuses_all_else),
    };

    return cmocka_run_group_tests_name("http_date", tests, NULL, NULL);
}
