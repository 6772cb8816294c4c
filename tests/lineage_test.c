/* SPDX-License-Identifier: MIT */

#include "test.h"

#include "hub/lineage.h"

static struct ws__lineage read_lineage(const char *text, uint64_t last)
{
    struct ws__lineage l;

    assert_true(ws__lineage_parse(&l, ws__str(text), last));
    return l;
}

static bool holds(const struct ws__lineage *l, uint64_t epoch, uint64_t offset)
{
    return ws__lineage_reaches(l, &(ws_place){ epoch, offset }, 1);
}

static void a_log_holds_the_places_of_its_epoch(void **state)
{
    struct ws__lineage l = read_lineage("7:0", 3);

    (void)state;
    assert_true(holds(&l, 7, 0));
    assert_true(holds(&l, 7, 3));
    assert_false(holds(&l, 7, 4));
    assert_false(holds(&l, 8, 3));
    assert_false(holds(&l, 0, 0));
    assert_true(ws__lineage_reaches(&l, &(ws_place){ 7, 1 }, 2));
    assert_false(ws__lineage_reaches(&l, &(ws_place){ 7, 1 }, 3));
    assert_true(ws__lineage_reaches(&l, &(ws_place){ 7, 3 }, 0));
    assert_false(ws__lineage_reaches(&l, &(ws_place){ 7, 2 }, 0));
    assert_false(ws__lineage_reaches(&l, &(ws_place){ 8, 3 }, 1));
}

/* The second server had 900 of the first one's publications. */
static void an_epoch_ends_where_the_next_one_begins(void **state)
{
    struct ws__lineage l = read_lineage("7:0 9:900", 905);

    (void)state;
    assert_true(holds(&l, 7, 900));
    assert_false(holds(&l, 7, 901));
    assert_true(holds(&l, 9, 900));
    assert_true(holds(&l, 9, 905));
    assert_false(holds(&l, 9, 899));
    assert_false(holds(&l, 9, 906));
}

static void what_has_an_offset_is_of_the_epoch_before_its_end(void **state)
{
    struct ws__lineage l = read_lineage("7:0 9:900 4:900 5:902", 905);

    (void)state;
    assert_int_equal(ws__lineage_place(&l, 1).epoch, 7);
    assert_int_equal(ws__lineage_place(&l, 900).epoch, 7);
    assert_int_equal(ws__lineage_place(&l, 901).epoch, 4);
    assert_int_equal(ws__lineage_place(&l, 902).epoch, 4);
    assert_int_equal(ws__lineage_place(&l, 903).epoch, 5);
    assert_int_equal(ws__lineage_place(&l, 903).offset, 903);
    assert_int_equal(ws__lineage_end(&l).epoch, 5);
    assert_int_equal(ws__lineage_end(&l).offset, 905);
}

static void an_epoch_in_which_nothing_was_published_is_one(void **state)
{
    struct ws__lineage l = read_lineage("7:0 9:3", 3);

    (void)state;
    assert_true(holds(&l, 7, 3));
    assert_true(holds(&l, 9, 3));
    assert_int_equal(ws__lineage_end(&l).epoch, 9);
    assert_int_equal(ws__lineage_place(&l, 3).epoch, 7);
}

static void anything_else_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        ":",
        "7",
        "7:",
        "x:0",
        "7:x",
        "0:0",
        "7:0  9:1",
        "7:5 9:4",
        "7:11",
        "7:0 9:1:2",
        "-7:0",
        "7:0\n",
        "99999999999999999999:0",
        "1:0 2:0 3:0 4:0 5:0 6:0 7:0 8:0 9:0",
    };
    struct ws__lineage l;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        if (ws__lineage_parse(&l, ws__str(wrong[i]), 10))
            fail_msg("\"%s\" was read", wrong[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_log_holds_the_places_of_its_epoch),
        cmocka_unit_test(an_epoch_ends_where_the_next_one_begins),
        cmocka_unit_test(what_has_an_offset_is_of_the_epoch_before_its_end),
        cmocka_unit_test(an_epoch_in_which_nothing_was_published_is_one),
        cmocka_unit_test(anything_else_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
