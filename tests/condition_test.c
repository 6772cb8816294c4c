/* SPDX-License-Identifier: MIT */

#include "test.h"

#include "proto/condition.h"

#define SAME "Sun, 06 Nov 1994 08:49:37 GMT"
#define BEFORE "Sun, 06 Nov 1994 08:49:36 GMT"
#define AFTER "Sun, 06 Nov 1994 08:49:38 GMT"

static const struct ws__validators then = {
    .etag = "\"x\"", .modified = 784111777, .dated = true, .settled = true
};

/* RFC 9110, section 13.2.2, step by step. */
static void conditions_have_an_order(void **state)
{
    (void)state;
    static const struct {
        ws_header headers[5];
        int status;
    } rows[] = {
        { { { 0 } }, 0 },
        /* 1 */
        { { { "If-Match", "\"x\"" } }, 0 },
        { { { "If-Match", "*" } }, 0 },
        { { { "If-Match", "\"y\"" } }, 412 },
        { { { "If-Match", "W/\"x\"" } }, 412 },
        { { { "If-Match", "x" } }, 412 },
        { { { "If-Match", "\"y\"" }, { "If-Match", "\"x\"" } }, 0 },
        { { { "If-Match", "\"x\"" }, { "If-Unmodified-Since", BEFORE } }, 0 },
        { { { "If-Match", "\"y\"" }, { "If-Unmodified-Since", SAME } }, 412 },
        /* 2 */
        { { { "If-Unmodified-Since", SAME } }, 0 },
        { { { "If-Unmodified-Since", AFTER } }, 0 },
        { { { "If-Unmodified-Since", BEFORE } }, 412 },
        { { { "If-Unmodified-Since", "yesterday" } }, 0 },
        { { { "If-Unmodified-Since", BEFORE }, { "If-None-Match", "\"x\"" } },
          412 },
        /* 3 */
        { { { "If-None-Match", "\"x\"" } }, 304 },
        { { { "If-None-Match", "W/\"x\"" } }, 304 },
        { { { "If-None-Match", "*" } }, 304 },
        { { { "If-None-Match", "\"y\"" } }, 0 },
        { { { "If-None-Match", "\"y\"" }, { "If-Modified-Since", SAME } }, 0 },
        { { { "If-None-Match", "x" }, { "If-Modified-Since", SAME } }, 0 },
        { { { "If-None-Match", "\"x\"" }, { "If-Modified-Since", BEFORE } },
          304 },
        { { { "If-Match", "\"x\"" }, { "If-None-Match", "\"x\"" } }, 304 },
        { { { "If-Match", "\"y\"" }, { "If-None-Match", "\"x\"" } }, 412 },
        /* 4 */
        { { { "If-Modified-Since", SAME } }, 304 },
        { { { "If-Modified-Since", AFTER } }, 304 },
        { { { "If-Modified-Since", BEFORE } }, 0 },
        { { { "If-Modified-Since", "yesterday" } }, 0 },
    };

    for (size_t i = 0; i < COUNT(rows); i++)
        if (ws__condition(rows[i].headers, &then) != rows[i].status)
            fail_msg("row %zu", i);
}

static void what_has_no_date_is_not_compared_by_one(void **state)
{
    (void)state;
    static const ws_header rows[][2] = {
        { { "If-Modified-Since", AFTER } },
        { { "If-Unmodified-Since", BEFORE } },
    };
    struct ws__validators v = then;

    v.dated = false;
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(ws__condition(rows[i], &v), 0);
}

/* Section 13.1.5. */
static void a_range_counts_if_what_it_is_of_is_the_same(void **state)
{
    (void)state;
    static const struct {
        const char *if_range;
        bool settled, counts;
    } rows[] = {
        { "\"x\"", 1, 1 },
        { "\"y\"", 1, 0 },
        { "W/\"x\"", 1, 0 },
        { SAME, 1, 1 },
        { SAME, 0, 0 },
        { BEFORE, 1, 0 },
        { AFTER, 1, 0 },
        { "*", 1, 0 },
        { "", 1, 0 },
        { "yesterday", 1, 0 },
        { "\"x\", \"x\"", 1, 0 },
    };
    static const ws_header none[] = { { 0 } };

    assert_true(ws__condition_of_range(none, &then));
    for (size_t i = 0; i < COUNT(rows); i++) {
        const ws_header h[] = { { "if-range", rows[i].if_range }, { 0 } };
        struct ws__validators v = then;

        v.settled = rows[i].settled;
        if (ws__condition_of_range(h, &v) != rows[i].counts)
            fail_msg("%s", rows[i].if_range);
    }
}

static void a_weak_tag_of_ours_is_good_for_no_part(void **state)
{
    (void)state;
    static const ws_header range[] = { { "If-Range", "W/\"x\"" }, { 0 } };
    static const ws_header match[] = { { "If-Match", "W/\"x\"" }, { 0 } };
    static const ws_header none[] = { { "If-None-Match", "\"x\"" }, { 0 } };
    struct ws__validators v = then;

    v.etag = "W/\"x\"";
    assert_false(ws__condition_of_range(range, &v));
    assert_int_equal(ws__condition(match, &v), 412);
    assert_int_equal(ws__condition(none, &v), 304);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conditions_have_an_order),
        cmocka_unit_test(what_has_no_date_is_not_compared_by_one),
        cmocka_unit_test(a_range_counts_if_what_it_is_of_is_the_same),
        cmocka_unit_test(a_weak_tag_of_ours_is_good_for_no_part),
    };

    return cmocka_run_group_tests_name("condition", tests, NULL, NULL);
}
