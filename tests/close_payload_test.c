/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <silverback/conn.h>

#include "page_end.h"
#include "proto/close.h"

/* RFC 6455, section 7.4, and the IANA registry. */
static bool registered(int code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

static void every_code_is_judged(void **state)
{
    (void)state;
    for (int code = -1; code <= 70000; code++) {
        assert_int_equal(ws__close_sendable(code), registered(code));
        if (code < 0 || code > 65535)
            continue;
        const uint8_t p[] = { (uint8_t)(code >> 8), (uint8_t)code };
        int got;
        const char *fault = ws__close_decode(at_page_end(p, 2), 2, &got);
        assert_int_equal(!fault, registered(code));
        assert_int_equal(got, code);
    }
}

static void malformed_payloads_are_refused(void **state)
{
    (void)state;
    int code;

    /* RFC 6455, section 5.5.1. */
    assert_null(ws__close_decode(NULL, 0, &code));
    assert_int_equal(code, WS_CLOSE_NO_STATUS);
    assert_non_null(ws__close_decode(at_page_end("\3", 1), 1, &code));
    assert_null(ws__close_decode(at_page_end("\3\xe8ok", 4), 4, &code));
    /* Section 8.1. */
    assert_non_null(ws__close_decode(at_page_end("\3\xe8\xff", 3), 3, &code));
    assert_non_null(ws__close_decode(at_page_end("\3\xe8\xc3", 3), 3, &code));
}

static void a_reason_is_cut_between_characters(void **state)
{
    (void)state;
    char reason[200];
    uint8_t out[125];

    for (size_t lead = 118; lead <= 125; lead++) {
        memset(reason, 'a', lead);
        strcpy(reason + lead, "\xe2\x82\xac");
        size_t n = ws__close_encode(out, 1000, reason);
        int code;
        assert_int_equal(n, 2 + (lead <= 120   ? lead + 3
                                 : lead <= 123 ? lead
                                               : 123));
        assert_null(ws__close_decode(out, n, &code));
        assert_int_equal(code, 1000);
        assert_memory_equal(out + 2, reason, n - 2);
    }
    assert_int_equal(ws__close_encode(out, 1001, NULL), 2);
    assert_int_equal(ws__close_encode(out, WS_CLOSE_NO_STATUS, "x"), 0);
}

static void codes_have_names(void **state)
{
    (void)state;
    assert_string_equal(ws__close_name(1000), "normal");
    assert_string_equal(ws__close_name(1014), "bad gateway");
    assert_string_equal(ws__close_name(1004), "");
    assert_string_equal(ws__close_name(4000), "");
    assert_string_equal(ws__close_name(-1), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_is_judged),
        cmocka_unit_test(malformed_payloads_are_refused),
        cmocka_unit_test(a_reason_is_cut_between_characters),
        cmocka_unit_test(codes_have_names),
    };

    return cmocka_run_group_tests_name("close_payload", tests, NULL, NULL);
}
