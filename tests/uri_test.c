/* SPDX-License-Identifier: MIT */

#include "test.h"

#include "page_end.h"
#include "proto/uri.h"

static void characters_are_of_one_kind_at_most(void **state)
{
    (void)state;
    /* RFC 3986, sections 2.2 and 2.3. */
    static const char unreserved[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    static const char sub_delims[] = "!$&'()*+,;=";

    for (int c = 0; c < 256; c++) {
        assert_int_equal(ws__uri_is_unreserved((char)c),
                         c && strchr(unreserved, c) != NULL);
        assert_int_equal(ws__uri_is_sub_delim((char)c),
                         c && strchr(sub_delims, c) != NULL);
    }
}

static void an_escape_is_a_percent_sign_and_two_digits(void **state)
{
    (void)state;
    /* RFC 3986, section 2.1. */
    static const struct {
        const char *s;
        int byte;
    } rows[] = {
        { "%41", 'A' }, { "%fF", 0xff }, { "%00", 0 },  { "%20x", ' ' },
        { "", -1 },     { "%", -1 },     { "%4", -1 },  { "%4g", -1 },
        { "%g4", -1 },  { "41", -1 },    { "a41", -1 }, { "%%41", -1 },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        size_t n = strlen(rows[i].s);
        struct ws__str s = { at_page_end(rows[i].s, n), n };

        assert_int_equal(ws__uri_escaped(s), rows[i].byte);
    }
}

static void what_is_not_kept_is_escaped(void **state)
{
    (void)state;
    char out[3 * 300];

    for (int c = 1; c < 256; c++) {
        const char s[] = { (char)c, 'a', '\0' };
        bool kept = ws__uri_is_unreserved((char)c) || strchr("/%", c);
        char *end = ws__uri_escape(out, s, "/%");

        assert_int_equal(end - out, kept ? 2 : 4);
        assert_string_equal(end, "");
        assert_int_equal(end[-1], 'a');
        if (kept)
            assert_int_equal(out[0], (char)c);
        else
            assert_int_equal(ws__uri_escaped(ws__str(out)), c);
    }
    assert_ptr_equal(ws__uri_escape(out, "", ""), out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(characters_are_of_one_kind_at_most),
        cmocka_unit_test(an_escape_is_a_percent_sign_and_two_digits),
        cmocka_unit_test(what_is_not_kept_is_escaped),
    };

    return cmocka_run_group_tests_name("uri", tests, NULL, NULL);
}
