/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <stdbool.h>
#include <stdlib.h>

#include "fiber/wheel.h"

/* A timer, and when it has to fire at the earliest: what a list without any
 * slots would know of it. */
struct item {
    struct ws__timer timer; /* first: a timer is cast to this */
    int64_t due;            /* 0: not */
    unsigned fired;
};

static struct ws__wheel wheel;

/* Of all that fired since the last advance: in their order. */
static int64_t last_fired;

/* One that is due already when it is set comes with the next millisecond. */
static void set(struct item *i, int64_t due)
{
    ws__timer_set(&wheel, &i->timer, due);
    i->due = due == 0 || due > wheel.now ? due : wheel.now + 1;
}

static void check_fire(struct ws__timer *t)
{
    struct item *i = (struct item *)t;

    assert_int_not_equal(i->due, 0);
    assert_true(wheel.now >= i->due);
    assert_true(i->due >= last_fired);
    assert_int_equal(t->due, 0);
    last_fired = i->due;
    i->due = 0;
    i->fired++;
}

static struct item item(void)
{
    return (struct item){ .timer = { .fire = check_fire } };
}

static void advance(int64_t now)
{
    last_fired = 0;
    ws__wheel_advance(&wheel, now);
    assert_true(wheel.now == now);
}

static void an_empty_wheel_has_nothing_to_look_at(void **state)
{
    (void)state;

    ws__wheel_init(&wheel, 1000);
    assert_true(ws__wheel_next(&wheel) == 0);
    advance(1000);
    advance(1000000000);
    assert_true(ws__wheel_next(&wheel) == 0);
}

/* Around each border between levels, from a beginning of any alignment. */
static void a_timer_fires_on_time_at_any_distance(void **state)
{
    (void)state;
    const int64_t starts[] = { 2, 63, 64, 4095, 4096, 123456789 };

    for (size_t s = 0; s < COUNT(starts); s++)
        for (int64_t distance = 1; distance < INT64_C(1) << 40; distance *= 2)
            for (int64_t near = -2; near <= 2; near++) {
                struct item i = item();
                int64_t due = starts[s] + distance + near;

                ws__wheel_init(&wheel, starts[s]);
                set(&i, due);
                due = i.due;
                if (due - 1 > starts[s])
                    advance(due - 1);
                assert_int_equal(i.fired, 0);
                advance(due);
                assert_int_equal(i.fired, 1);
                assert_true(ws__wheel_next(&wheel) == 0);
            }
}

static void who_looks_when_told_fires_on_time(void **state)
{
    (void)state;
    const int64_t dues[] = { 1001, 1064, 5000, 300000, 20000000, 1LL << 37 };

    for (size_t d = 0; d < COUNT(dues); d++) {
        struct item i = item();
        int looks = 0;

        ws__wheel_init(&wheel, 1000);
        set(&i, dues[d]);
        for (; !i.fired; looks++) {
            int64_t next = ws__wheel_next(&wheel);

            assert_true(next > wheel.now && next <= dues[d]);
            advance(next);
        }
        assert_true(wheel.now == dues[d]);
        assert_true(looks <= 2 * WS__WHEEL_LEVELS + 2);
    }
}

static void timers_fire_in_order(void **state)
{
    (void)state;
    struct item items[500];

    ws__wheel_init(&wheel, 77);
    for (size_t i = 0; i < COUNT(items); i++) {
        items[i] = item();
        set(&items[i], 78 + (int64_t)(i * 7919 % 100003));
    }
    advance(200000); /* check_fire looks at the order */
    for (size_t i = 0; i < COUNT(items); i++)
        assert_int_equal(items[i].fired, 1);
}

static void one_that_is_due_already_comes_next(void **state)
{
    (void)state;
    struct item past = item(), present = item();

    ws__wheel_init(&wheel, 1000);
    set(&past, 1);
    set(&present, 1000);
    assert_true(ws__wheel_next(&wheel) == 1001);
    advance(1000);
    assert_int_equal(past.fired + present.fired, 0);
    advance(1001);
    assert_int_equal(past.fired, 1);
    assert_int_equal(present.fired, 1);
}

static void a_deadline_that_moves_on_stays_where_it_lies(void **state)
{
    (void)state;
    struct item i = item();

    ws__wheel_init(&wheel, 1000);
    set(&i, 1010);
    uint64_t at = i.timer.alarm.at;
    for (int64_t now = 1001; now < 1010; now++) {
        advance(now);
        set(&i, now + 10);
        assert_true(i.timer.alarm.at == at);
    }
    advance(1018);
    assert_int_equal(i.fired, 0);
    advance(1019);
    assert_int_equal(i.fired, 1);
}

static void a_deadline_may_come_nearer(void **state)
{
    (void)state;
    struct item i = item();

    ws__wheel_init(&wheel, 1000);
    set(&i, 1000000);
    set(&i, 5000);
    set(&i, 1005);
    assert_true(ws__wheel_next(&wheel) <= 1005);
    advance(1004);
    assert_int_equal(i.fired, 0);
    advance(1005);
    assert_int_equal(i.fired, 1);
    advance(2000000);
    assert_int_equal(i.fired, 1);
}

static void without_a_deadline_it_does_not_fire(void **state)
{
    (void)state;
    struct item i = item();

    ws__wheel_init(&wheel, 1000);
    set(&i, 1010);
    set(&i, 0);
    advance(1020);
    assert_int_equal(i.fired, 0);
    assert_true(ws__wheel_next(&wheel) == 0);
    set(&i, 1030);
    advance(1030);
    assert_int_equal(i.fired, 1);
}

static void what_was_removed_is_not_looked_at(void **state)
{
    (void)state;
    struct item items[3] = { item(), item(), item() };

    for (size_t gone = 0; gone < COUNT(items); gone++) {
        ws__wheel_init(&wheel, 1000);
        for (size_t i = 0; i < COUNT(items); i++) {
            items[i] = item();
            set(&items[i], 1010); /* all in one slot */
        }
        ws__wheel_remove(&wheel, &items[gone].timer.alarm);
        ws__wheel_remove(&wheel, &items[gone].timer.alarm);
        memset(&items[gone].timer, 0xff, sizeof(items[gone].timer));
        advance(1010);
        for (size_t i = 0; i < COUNT(items); i++)
            assert_int_equal(items[i].fired, i != gone);
        assert_true(ws__wheel_next(&wheel) == 0);
    }
}

static struct item again;

static void fire_again(struct ws__timer *t)
{
    check_fire(t);
    if (again.fired < 100)
        set(&again, again.fired % 2 ? wheel.now : wheel.now + 64);
}

static void one_that_fires_may_be_set_again(void **state)
{
    (void)state;

    again = item();
    again.timer.fire = fire_again;
    ws__wheel_init(&wheel, 1000);
    set(&again, 1064);
    advance(1000 + 50 * 65 - 1);
    assert_int_equal(again.fired, 99);
    advance(1000 + 50 * 65);
    assert_int_equal(again.fired, 100);
    advance(1000000);
    assert_int_equal(again.fired, 100);
}

static struct item victim;

static void fire_and_remove(struct ws__timer *t)
{
    check_fire(t);
    ws__wheel_remove(&wheel, &victim.timer.alarm);
    victim.due = 0;
}

static void one_that_fires_may_remove_another(void **state)
{
    (void)state;
    struct item killer = item();

    killer.timer.fire = fire_and_remove;
    for (int first = 0; first < 2; first++) {
        ws__wheel_init(&wheel, 1000);
        victim = item();
        set(first ? &victim : &killer, 1010);
        set(first ? &killer : &victim, 1010);
        advance(1010);
        assert_true(ws__wheel_next(&wheel) == 0);
    }
    assert_int_equal(killer.fired, 2);
}

/* ---- Many --------------------------------------------------------------- */

enum { ITEMS = 300 };

static struct item items[ITEMS];

/* Mostly near, now and then very far, 0, or in the past. */
static int64_t random_due(void)
{
    int kind = rand() % 16;

    if (kind == 0)
        return 0;
    if (kind == 1)
        return wheel.now - rand() % 100;
    return wheel.now + rand() % (1 << (kind * 2 - 3));
}

static void check_next(void)
{
    int64_t next = ws__wheel_next(&wheel), first = 0;

    for (size_t i = 0; i < ITEMS; i++)
        if (items[i].due != 0 && (first == 0 || items[i].due < first))
            first = items[i].due;
    if (first != 0)
        assert_true(next != 0 && next <= first);
    assert_true(next == 0 || next > wheel.now);
}

static void nothing_is_overdue(void)
{
    for (size_t i = 0; i < ITEMS; i++)
        assert_true(items[i].due == 0 || items[i].due > wheel.now);
}

static void random_timers_behave_as_a_list_would(void **state)
{
    (void)state;
    enum { STEPS = 20000 };

    srand(1);
    ws__wheel_init(&wheel, 1000000007);
    for (size_t i = 0; i < ITEMS; i++)
        items[i] = item();
    for (int step = 0; step < STEPS; step++) {
        for (int changes = rand() % 4; changes > 0; changes--) {
            struct item *i = &items[rand() % ITEMS];

            set(i, random_due());
            if (rand() % 10 == 0) {
                ws__wheel_remove(&wheel, &i->timer.alarm);
                *i = item();
            }
        }
        check_next();
        if (rand() % 2)
            advance(wheel.now + rand() % (1 << rand() % 20));
        else if (ws__wheel_next(&wheel) != 0)
            advance(ws__wheel_next(&wheel));
        nothing_is_overdue();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_wheel_has_nothing_to_look_at),
        cmocka_unit_test(a_timer_fires_on_time_at_any_distance),
        cmocka_unit_test(who_looks_when_told_fires_on_time),
        cmocka_unit_test(timers_fire_in_order),
        cmocka_unit_test(one_that_is_due_already_comes_next),
        cmocka_unit_test(a_deadline_that_moves_on_stays_where_it_lies),
        cmocka_unit_test(a_deadline_may_come_nearer),
        cmocka_unit_test(without_a_deadline_it_does_not_fire),
        cmocka_unit_test(what_was_removed_is_not_looked_at),
        cmocka_unit_test(one_that_fires_may_be_set_again),
        cmocka_unit_test(one_that_fires_may_remove_another),
        cmocka_unit_test(random_timers_behave_as_a_list_would),
    };

    return cmocka_run_group_tests_name("wheel", tests, NULL, NULL);
}
