/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <errno.h>
#include <stdio.h>

#include "alloc_fail.h"
#include "proto/http_write.h"

static void assert_written(struct ws__http_out *o, const char *text)
{
    assert_int_equal(ws__http_end(o), 0);
    assert_int_equal(o->len, strlen(text));
    assert_memory_equal(o->p, text, o->len);
    ws__http_out_fini(o);
}

static void heads_are_written(void **state)
{
    (void)state;
    struct ws__http_out o;

    ws__http_out_init(&o);
    ws__http_request_line(&o, "GET", "/a?b");
    ws__http_field(&o, "Host", "h");
    ws__http_fieldf(&o, "N", "%d-%s", 7, "x");
    ws__http_field(&o, "C", "");
    ws__http_field(&o, "L", "a");
    ws__http_field_more(&o, "b\r\nc");
    ws__http_field_more(&o, "d");
    assert_written(&o, "GET /a?b HTTP/1.1\r\nHost: h\r\nN: 7-x\r\n"
                       "C: \r\nL: a, b  c, d\r\n\r\n");

    ws__http_out_init(&o);
    ws__http_status_line(&o, 404);
    assert_written(&o, "HTTP/1.1 404 Not Found\r\n\r\n");
    ws__http_out_init(&o);
    ws__http_status_line(&o, 299);
    assert_written(&o, "HTTP/1.1 299 \r\n\r\n");
}

static void credentials_are_written_in_base64(void **state)
{
    (void)state;
    /* RFC 7617, section 2. */
    static const char *const rows[][2] = {
        { ":", "Og==" },
        { "a:", "YTo=" },
        { "a:b", "YTpi" },
        { "Aladdin:open sesame", "QWxhZGRpbjpvcGVuIHNlc2FtZQ==" },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        char want[128];
        struct ws__http_out o;

        ws__http_out_init(&o);
        ws__http_basic(&o, "Authorization", rows[i][0]);
        snprintf(want, sizeof(want), "Authorization: Basic %s\r\n\r\n",
                 rows[i][1]);
        assert_written(&o, want);
    }
}

static void control_bytes_in_a_value_become_blanks(void **state)
{
    (void)state;
    struct ws__http_out o;

    /* RFC 9110, section 5.5. */
    ws__http_out_init(&o);
    ws__http_field(&o, "A", "b\r\nSet-Cookie: c\n\t\x7f\x01z\xff");
    assert_written(&o, "A: b  Set-Cookie: c    z\xff\r\n\r\n");
}

static void what_would_split_a_line_is_refused(void **state)
{
    (void)state;
    static const char *const names[] = { "",    "a b",  "a:", "a\r\nb",
                                         "a\n", "\xe4", "a(" };
    static const char *const targets[] = { "", "/ HTTP/1.1\r\nX: y", "/a b",
                                           "/\n", "/\x7f" };
    struct ws__http_out o;

    for (size_t i = 0; i < COUNT(names); i++) {
        ws__http_out_init(&o);
        ws__http_field(&o, names[i], "x");
        assert_int_equal(ws__http_end(&o), WS_ERR_INVALID);
        ws__http_out_fini(&o);
        ws__http_out_init(&o);
        ws__http_request_line(&o, names[i], "/");
        assert_int_equal(ws__http_end(&o), WS_ERR_INVALID);
        ws__http_out_fini(&o);
    }
    for (size_t i = 0; i < COUNT(targets); i++) {
        ws__http_out_init(&o);
        ws__http_request_line(&o, "GET", targets[i]);
        assert_int_equal(ws__http_end(&o), WS_ERR_INVALID);
        ws__http_out_fini(&o);
    }
}

static void reasons_are_those_of_the_registry(void **state)
{
    (void)state;
    /* RFC 9110, section 15; RFC 8297, RFC 6585 and RFC 7725. */
    static const struct {
        int status;
        const char *reason;
    } rows[] = {
        { 100, "Continue" },
        { 101, "Switching Protocols" },
        { 103, "Early Hints" },
        { 200, "OK" },
        { 305, "Use Proxy" },
        { 404, "Not Found" },
        { 426, "Upgrade Required" },
        { 428, "Precondition Required" },
        { 429, "Too Many Requests" },
        { 431, "Request Header Fields Too Large" },
        { 451, "Unavailable For Legal Reasons" },
        { 505, "HTTP Version Not Supported" },
        { 511, "Network Authentication Required" },
        { 0, "" },
        { 299, "" },
        { -1, "" },
    };
    static const struct {
        int first, last;
    } ranges[] = { { 200, 206 }, { 300, 305 }, { 307, 308 },
                   { 400, 417 }, { 421, 422 }, { 500, 505 } };

    for (size_t i = 0; i < COUNT(rows); i++)
        assert_string_equal(ws__http_reason(rows[i].status), rows[i].reason);
    for (size_t i = 0; i < COUNT(ranges); i++)
        for (int s = ranges[i].first; s <= ranges[i].last; s++)
            if (*ws__http_reason(s) == '\0')
                fail_msg("%d has no reason", s);
}

static void an_error_sticks(void **state)
{
    (void)state;
    struct ws__http_out o;

    ws__http_out_init(&o);
    ws__http_field(&o, "a b", "x");
    ws__http_field(&o, "A", "x");
    assert_int_equal(o.error, WS_ERR_INVALID);
    ws__http_out_fini(&o);
    assert_int_equal(o.error, 0);

    alloc_fail_at(1);
    ws__http_field(&o, "A", "x");
    ws__http_field(&o, "a b", "x");
    alloc_fail_at(0);
    assert_int_equal(ws__http_end(&o), -ENOMEM);
    ws__http_out_fini(&o);
}

static void a_value_of_parts_is_whole_or_refused(void **state)
{
    (void)state;
    struct ws__http_out o;

    for (int n = 511; n <= 512; n++) {
        ws__http_out_init(&o);
        ws__http_fieldf(&o, "A", "%0*d", n, 7);
        assert_int_equal(ws__http_end(&o), n < 512 ? 0 : WS_ERR_INVALID);
        if (n < 512)
            assert_int_equal(o.len, 3 + n + 4);
        ws__http_out_fini(&o);
    }
}

static int write_much(struct ws__http_out *o)
{
    char credentials[3001] = "";

    ws__http_out_init(o);
    ws__http_status_line(o, 200);
    for (int i = 0; i < 200; i++)
        ws__http_field(o, "Name", "a value of some length");
    ws__http_field_more(o, "and more");
    memset(credentials, 'x', 3000);
    ws__http_basic(o, "Name", credentials);
    return ws__http_end(o);
}

static void every_allocation_failure_is_survived(void **state)
{
    (void)state;
    struct ws__http_out o;
    bool failed = true;

    for (long n = 1; failed; n++) {
        alloc_fail_at(n);
        int error = write_much(&o);
        failed = alloc_failed();
        alloc_fail_at(0);
        assert_int_equal(error, failed ? -ENOMEM : 0);
        if (!failed)
            assert_int_equal(o.len, 17 + 200 * 30 + 10 + 12 + 4000 + 2 + 2);
        ws__http_out_fini(&o);
        assert_int_equal(alloc_live(), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_are_written),
        cmocka_unit_test(credentials_are_written_in_base64),
        cmocka_unit_test(control_bytes_in_a_value_become_blanks),
        cmocka_unit_test(what_would_split_a_line_is_refused),
        cmocka_unit_test(reasons_are_those_of_the_registry),
        cmocka_unit_test(an_error_sticks),
        cmocka_unit_test(a_value_of_parts_is_whole_or_refused),
        cmocka_unit_test(every_allocation_failure_is_survived),
    };

    alloc_fail_install();
    return cmocka_run_group_tests_name("http_write", tests, NULL, NULL);
}
