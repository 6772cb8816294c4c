/* SPDX-License-Identifier: MIT */

#include "test.h"

#include "hub/redis_place.h"

/* At 5 of epoch 7, subscribed, with nothing due. */
static struct ws__redis_place place_at_five(void)
{
    return (struct ws__redis_place){ .at = { 7, 5 }, .on = true };
}

static enum ws__redis_next heard(struct ws__redis_place *p, uint64_t epoch,
                                 uint64_t offset)
{
    return ws__redis_place_heard(p, &(ws_place){ epoch, offset }, true);
}

static enum ws__redis_looked looked(struct ws__redis_place *p, const char *text,
                                    uint64_t last, uint64_t first)
{
    struct ws__lineage l;

    assert_true(ws__lineage_parse(&l, ws__str(text), last));
    return ws__redis_place_looked(p, &l, first);
}

static void the_next_one_is_delivered_and_one_that_was_had_is_not(void **state)
{
    struct ws__redis_place p = place_at_five();

    (void)state;
    assert_int_equal(heard(&p, 7, 6), WS__REDIS_DELIVER);
    assert_int_equal(p.at.offset, 6);
    assert_int_equal(heard(&p, 7, 6), WS__REDIS_DROP);
    assert_int_equal(heard(&p, 7, 1), WS__REDIS_DROP);
    assert_false(p.due);
}

static void a_gap_and_another_epoch_are_looked_at(void **state)
{
    struct ws__redis_place gap = place_at_five(), epoch = place_at_five();
    struct ws__redis_place notice = place_at_five();

    (void)state;
    assert_int_equal(heard(&gap, 7, 7), WS__REDIS_LOOK);
    assert_true(gap.due);
    assert_int_equal(heard(&gap, 7, 6), WS__REDIS_DROP);
    assert_int_equal(heard(&epoch, 8, 6), WS__REDIS_LOOK);
    assert_int_equal(ws__redis_place_heard(&notice, &(ws_place){ 7, 6 }, false),
                     WS__REDIS_LOOK);
    assert_int_equal(notice.at.offset, 5);
}

static void what_comes_while_one_looks_has_it_looked_at_again(void **state)
{
    struct ws__redis_place p = place_at_five();

    (void)state;
    ws__redis_place_on(&p);
    assert_true(p.due);
    ws__redis_place_look(&p);
    assert_int_equal(heard(&p, 7, 6), WS__REDIS_DROP);
    assert_int_equal(looked(&p, "7:0", 5, 1), WS__REDIS_MORE);
    ws__redis_place_done(&p, true);
    assert_true(p.due);

    ws__redis_place_look(&p);
    assert_int_equal(looked(&p, "7:0", 6, 1), WS__REDIS_MORE);
    ws__redis_place_done(&p, true);
    assert_false(p.due);
    ws__redis_place_look(&p);
    ws__redis_place_done(&p, false);
    assert_true(p.due);
}

static void who_knows_nothing_begins_where_the_log_ends(void **state)
{
    struct ws__redis_place p = { .on = true };

    (void)state;
    assert_int_equal(heard(&p, 7, 6), WS__REDIS_DROP);
    ws__redis_place_begin(&p);
    assert_true(p.due);
    ws__redis_place_look(&p);
    assert_int_equal(looked(&p, "7:0 8:4", 9, 6), WS__REDIS_SYNCED);
    assert_int_equal(p.at.epoch, 8);
    assert_int_equal(p.at.offset, 9);
}

/* All of a topic that is new. */
static void from_its_start_a_topic_is_wanted_whole(void **state)
{
    struct ws__redis_place p = { .on = true, .from_start = true };
    struct ws__redis_place empty = p, trimmed = p;

    (void)state;
    assert_int_equal(looked(&p, "7:0", 2, 1), WS__REDIS_MORE);
    assert_int_equal(p.at.epoch, 7);
    assert_int_equal(p.at.offset, 0);
    assert_int_equal(looked(&p, "7:0", 2, 1), WS__REDIS_MORE);
    assert_int_equal(looked(&empty, "7:0", 0, 0), WS__REDIS_MORE);
    assert_int_equal(empty.at.epoch, 7);
    assert_int_equal(looked(&trimmed, "7:0", 9, 4), WS__REDIS_LOST);
    assert_int_equal(trimmed.at.offset, 9);
}

static void what_the_log_does_not_hold_was_lost(void **state)
{
    struct ws__redis_place trimmed = place_at_five(), other = place_at_five();
    struct ws__redis_place back = place_at_five(), over = place_at_five();
    struct ws__redis_place empty = place_at_five(), near = place_at_five();

    (void)state;
    assert_int_equal(looked(&near, "7:0", 9, 6), WS__REDIS_MORE);
    assert_int_equal(near.at.offset, 5);
    assert_int_equal(looked(&trimmed, "7:0", 9, 7), WS__REDIS_LOST);
    assert_int_equal(trimmed.at.offset, 9);
    assert_int_equal(looked(&empty, "7:0", 9, 0), WS__REDIS_LOST);
    assert_int_equal(looked(&other, "8:0", 9, 1), WS__REDIS_LOST);
    assert_int_equal(looked(&back, "7:0", 4, 1), WS__REDIS_LOST);
    assert_int_equal(back.at.offset, 4);
    assert_int_equal(looked(&over, "7:0 8:4", 9, 1), WS__REDIS_LOST);
    assert_int_equal(over.at.epoch, 8);
}

static void nothing_is_lost_when_all_has_expired_that_was_had(void **state)
{
    struct ws__redis_place p = place_at_five();

    (void)state;
    assert_int_equal(looked(&p, "7:0 8:5", 5, 0), WS__REDIS_MORE);
    assert_int_equal(p.at.epoch, 7);
}

static void what_was_acknowledged_was_seen(void **state)
{
    struct ws__redis_place p = place_at_five();
    ws_place seen[WS__REDIS_SEEN];

    (void)state;
    ws__redis_place_acked(&p, &(ws_place){ 7, 8 });
    ws__redis_place_acked(&p, &(ws_place){ 7, 6 });
    assert_false(p.due);
    assert_int_equal(ws__redis_place_seen(&p, seen), 2);
    assert_int_equal(seen[1].offset, 8);
}

/* Nobody knows which of two epochs was lost: the log is asked about both. */
static void an_acknowledged_place_in_another_epoch_is_kept_beside(void **state)
{
    struct ws__redis_place p = place_at_five();
    ws_place seen[WS__REDIS_SEEN];

    (void)state;
    ws__redis_place_acked(&p, &(ws_place){ 7, 8 });
    ws__redis_place_acked(&p, &(ws_place){ 9, 7 });
    assert_true(p.due);
    assert_int_equal(ws__redis_place_seen(&p, seen), 3);
    assert_int_equal(seen[1].epoch, 7);
    assert_int_equal(seen[2].epoch, 9);

    ws__redis_place_look(&p);
    looked(&p, "9:6", 7, 1);
    assert_int_equal(p.acked.epoch, 9);
    assert_int_equal(p.another.epoch, 0);
    assert_int_equal(ws__redis_place_seen(&p, seen), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next_one_is_delivered_and_one_that_was_had_is_not),
        cmocka_unit_test(a_gap_and_another_epoch_are_looked_at),
        cmocka_unit_test(what_comes_while_one_looks_has_it_looked_at_again),
        cmocka_unit_test(who_knows_nothing_begins_where_the_log_ends),
        cmocka_unit_test(from_its_start_a_topic_is_wanted_whole),
        cmocka_unit_test(what_the_log_does_not_hold_was_lost),
        cmocka_unit_test(nothing_is_lost_when_all_has_expired_that_was_had),
        cmocka_unit_test(what_was_acknowledged_was_seen),
        cmocka_unit_test(an_acknowledged_place_in_another_epoch_is_kept_beside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
