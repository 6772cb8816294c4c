/* SPDX-License-Identifier: MIT */

#include "test.h"

#include "client/retry.h"

enum { NOW = 784111777, HOUR_MS = 3600 * 1000, DAY_MS = 24 * HOUR_MS };

static bool is_hopeless(int code, int status)
{
    return ws__retry_is_hopeless(
        &(ws_error){ .code = code, .http_status = status });
}

static void a_status_that_will_not_change_is_hopeless(void **state)
{
    (void)state;
    static const int hopeless[] = { 400, 401, 403, 404, 405, 407, 410, 421,
                                    426, 451, 499, 301, 308, 501, 505 };
    static const int others[] = { 200, 204, 302, 303, 307, 408, 425,
                                  429, 500, 502, 503, 504, 599, 999 };

    for (size_t i = 0; i < COUNT(hopeless); i++) {
        assert_true(is_hopeless(WS_ERR_HANDSHAKE, hopeless[i]));
        assert_true(is_hopeless(WS_ERR_PROXY, hopeless[i]));
    }
    for (size_t i = 0; i < COUNT(others); i++) {
        assert_false(is_hopeless(WS_ERR_HANDSHAKE, others[i]));
        assert_false(is_hopeless(WS_ERR_PROXY, others[i]));
    }
}

static void what_cannot_be_sent_is_hopeless(void **state)
{
    (void)state;
    static const int others[] = {
        WS_ERR_TIMEOUT, WS_ERR_RESOLVE, WS_ERR_TLS, WS_ERR_EOF,
        WS_ERR_HTTP,    WS_ERR_PROXY,   -12,        -111
    };

    assert_true(is_hopeless(WS_ERR_URL, 0));
    assert_true(is_hopeless(WS_ERR_INVALID, 0));
    for (size_t i = 0; i < COUNT(others); i++)
        assert_false(is_hopeless(others[i], 0));
}

static int64_t retry_after(const char *value, const char *date)
{
    const ws_header headers[] = {
        { "Server", "x" },
        { "retry-after", value },
        { date ? "date" : NULL, date },
        { 0 },
    };

    return ws__retry_after(&(ws_response){ .status = 503, .headers = headers },
                           NOW);
}

static void a_number_is_seconds(void **state)
{
    (void)state;
    assert_int_equal(retry_after("0", NULL), 0);
    assert_int_equal(retry_after("120", NULL), 120 * 1000);
    assert_int_equal(retry_after("86400", NULL), DAY_MS);
}

static void more_than_a_day_is_a_day(void **state)
{
    (void)state;
    assert_int_equal(retry_after("86401", NULL), DAY_MS);
    assert_int_equal(retry_after("999999999999999999999999", NULL), DAY_MS);
    assert_int_equal(retry_after("Fri, 31 Dec 9999 23:59:59 GMT", NULL),
                     DAY_MS);
}

static void a_date_is_a_point_in_time(void **state)
{
    (void)state;
    assert_int_equal(retry_after("Sun, 06 Nov 1994 09:49:37 GMT", NULL),
                     HOUR_MS);
    assert_int_equal(retry_after("Sun, 06 Nov 1994 08:49:37 GMT", NULL), 0);
    assert_int_equal(retry_after("Sun, 06 Nov 1994 07:00:00 GMT", NULL), 0);
}

/* A client's clock may be wrong by years. */
static void it_is_told_by_the_servers_clock(void **state)
{
    (void)state;
    assert_int_equal(retry_after("Tue, 01 Jan 2030 01:00:00 GMT",
                                 "Tue, 01 Jan 2030 00:00:00 GMT"),
                     HOUR_MS);
    assert_int_equal(retry_after("Sun, 06 Nov 1994 09:49:37 GMT", "gone"),
                     HOUR_MS);
}

static void anything_else_is_nothing(void **state)
{
    (void)state;
    static const char *const values[] = {
        "", "-5", "soon", "1.5", "1h", "0x1", "Sun, 06 Nov 1994"
    };
    static const ws_header none[] = { { 0 } };

    for (size_t i = 0; i < COUNT(values); i++)
        assert_int_equal(retry_after(values[i], NULL), 0);
    assert_int_equal(ws__retry_after(&(ws_response){ .headers = none }, NOW),
                     0);
    assert_int_equal(ws__retry_after(NULL, NOW), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_status_that_will_not_change_is_hopeless),
        cmocka_unit_test(what_cannot_be_sent_is_hopeless),
        cmocka_unit_test(a_number_is_seconds),
        cmocka_unit_test(more_than_a_day_is_a_day),
        cmocka_unit_test(a_date_is_a_point_in_time),
        cmocka_unit_test(it_is_told_by_the_servers_clock),
        cmocka_unit_test(anything_else_is_nothing),
    };

    return cmocka_run_group_tests_name("retry", tests, NULL, NULL);
}
