/* SPDX-License-Identifier: MIT */

#include "test.h"

#include "page_end.h"
#include "proto/etag.h"

static struct ws__str end_of_page(const char *text)
{
    size_t n = strlen(text);

    return (struct ws__str){ at_page_end(text, n), n };
}

/* RFC 9110, section 8.8.3. */
static void a_tag_has_quotes_and_perhaps_a_w(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is;
    } rows[] = {
        { "\"xyzzy\"", 1 },   { "W/\"xyzzy\"", 1 },
        { "\"\"", 1 },        { "W/\"\"", 1 },
        { "\"a,b\"", 1 },     { "\"\xc3\xb6\"", 1 },
        { "\"a\\\"", 1 },     { "", 0 },
        { "xyzzy", 0 },       { "\"", 0 },
        { "\"xyzzy", 0 },     { "xyzzy\"", 0 },
        { "w/\"xyzzy\"", 0 }, { "W/", 0 },
        { "W", 0 },           { "W/xyzzy", 0 },
        { "W/\"", 0 },        { "\"a b\"", 0 },
        { "\"a\"b", 0 },      { "\"a\" ", 0 },
        { "*", 0 },           { "\"a\x7f\"", 0 },
    };

    for (size_t i = 0; i < COUNT(rows); i++)
        if (ws__etag_is(end_of_page(rows[i].text)) != rows[i].is)
            fail_msg("%s", rows[i].text);
}

/* Section 8.8.3.2, its table. */
static void a_weak_one_is_only_weakly_equal(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool strong, weak;
    } rows[] = {
        { "W/\"1\"", "W/\"1\"", 0, 1 }, { "W/\"1\"", "W/\"2\"", 0, 0 },
        { "W/\"1\"", "\"1\"", 0, 1 },   { "\"1\"", "\"1\"", 1, 1 },
        { "\"1\"", "\"12\"", 0, 0 },    { "\"a\"", "\"A\"", 0, 0 },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ws__str a = ws__str(rows[i].a), b = ws__str(rows[i].b);

        assert_int_equal(ws__etag_equal(a, b, true), rows[i].strong);
        assert_int_equal(ws__etag_equal(b, a, true), rows[i].strong);
        assert_int_equal(ws__etag_equal(a, b, false), rows[i].weak);
        assert_int_equal(ws__etag_equal(b, a, false), rows[i].weak);
    }
}

static void a_tag_is_found_in_a_list(void **state)
{
    (void)state;
    static const struct {
        const char *list;
        bool found;
    } rows[] = {
        { "\"x\"", 1 },
        { "*", 1 },
        { " * ", 1 },
        { "\"a\", \"x\"", 1 },
        { "\"a\",\"x\",\"b\"", 1 },
        { ",, \"x\" ,", 1 },
        { "\"a,\", \"x\"", 1 },
        { "W/\"x\"", 1 },
        { "\"a\"", 0 },
        { "", 0 },
        { ",", 0 },
        { "x", 0 },
        { "\"a\", *", 0 },
        { "*, \"x\"", 0 },
        { "\"a, \"x\"", 0 },
        { "\"a\"\"x\"", 0 },
        { "a, \"x\"", 0 },
        { "\"x", 0 },
        { "\"a, x\"", 0 },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *list = rows[i].list;
        const ws_header h[] = {
            { "if-match", "\"none\"" },
            { "If-None-Match", at_page_end(list, strlen(list) + 1) },
            { 0 },
        };

        if (ws__etag_listed(h, "If-None-Match", ws__str("\"x\""), false) !=
            rows[i].found)
            fail_msg("%s", list);
        assert_false(ws__etag_listed(h, "If-Match", ws__str("\"x\""), false));
    }
    assert_false(ws__etag_listed(NULL, "If-Match", ws__str("\"x\""), false));
}

static void every_field_of_the_name_counts(void **state)
{
    (void)state;
    static const ws_header h[] = { { "If-Match", "bad" },
                                   { "IF-MATCH", "W/\"x\", \"y\"" },
                                   { 0 } };

    assert_true(ws__etag_listed(h, "if-match", ws__str("\"y\""), true));
    assert_false(ws__etag_listed(h, "if-match", ws__str("\"x\""), true));
    assert_true(ws__etag_listed(h, "if-match", ws__str("\"x\""), false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tag_has_quotes_and_perhaps_a_w),
        cmocka_unit_test(a_weak_one_is_only_weakly_equal),
        cmocka_unit_test(a_tag_is_found_in_a_list),
        cmocka_unit_test(every_field_of_the_name_counts),
    };

    return cmocka_run_group_tests_name("etag", tests, NULL, NULL);
}
