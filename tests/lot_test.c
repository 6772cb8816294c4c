/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <pthread.h>
#include <stdatomic.h>

#include <silverback/base.h>

#include "fiber/lot.h"
#include "mode.h"

enum { THREADS = 4 };

static bool yes(const void *key)
{
    (void)key;
    return true;
}

static bool no(const void *key)
{
    (void)key;
    return false;
}

static bool is_zero(const void *key)
{
    return atomic_load((const atomic_int *)key) == 0;
}

static void set_one(void *key)
{
    atomic_store((atomic_int *)key, 1);
}

static void enter_asks_before_it_queues(void **state)
{
    (void)state;
    struct ws__waiter w;
    int key = 0;

    assert_false(ws__lot_enter(&w, &key, no));
    assert_true(ws__lot_enter(&w, &key, yes));
    assert_true(ws__lot_leave(&w));
    assert_false(ws__lot_leave(&w));
}

static void wake_unparks_those_of_its_key_only(void **state)
{
    (void)state;
    struct ws__waiter w;
    int keys[256] = { 0 }; /* more than there are buckets */

    assert_true(ws__lot_enter(&w, &keys[0], yes));
    for (size_t i = 1; i < COUNT(keys); i++)
        ws__lot_wake(&keys[i], NULL, true);
    assert_int_equal(ws__park(1), WS_ERR_TIMEOUT);
    ws__lot_wake(&keys[0], NULL, false);
    assert_int_equal(ws__park(0), 0);
    assert_false(ws__lot_leave(&w));
}

/* Several waiters of one thread will do to see the order. */
static void wake_takes_the_first_or_all(void **state)
{
    (void)state;
    struct ws__waiter w[5];
    int key = 0, other = 0;

    for (size_t i = 0; i < COUNT(w); i++)
        assert_true(ws__lot_enter(&w[i], i == 2 ? &other : &key, yes));
    ws__lot_wake(&key, NULL, false);
    assert_false(w[0].queued);
    assert_true(w[1].queued);

    assert_true(ws__lot_leave(&w[3])); /* out of the middle */
    ws__lot_wake(&key, NULL, true);
    assert_false(w[1].queued);
    assert_true(w[2].queued);
    assert_false(w[4].queued);
    assert_true(ws__lot_leave(&w[2]));
    assert_int_equal(ws__park(1), 0);
}

/* The first, one in the middle, and the last. */
static void who_comes_behind_one_that_left_is_found(void **state)
{
    (void)state;
    struct ws__waiter w[4];
    int key = 0;

    for (size_t gone = 0; gone < 3; gone++) {
        for (size_t i = 0; i < 3; i++)
            assert_true(ws__lot_enter(&w[i], &key, yes));
        assert_true(ws__lot_leave(&w[gone]));
        assert_true(ws__lot_enter(&w[3], &key, yes));
        ws__lot_wake(&key, NULL, true);
        for (size_t i = 0; i < 4; i++)
            assert_false(ws__lot_leave(&w[i]));
        assert_int_equal(ws__park(1), 0);
    }
}

static void *wait_for_one(void *key)
{
    struct ws__waiter w;

    while (ws__lot_enter(&w, key, is_zero)) {
        ws__park(0);
        ws__lot_leave(&w);
    }
    return NULL;
}

static void no_wake_is_missed(void **state)
{
    (void)state;

    for (int i = 0; i < 200; i++) {
        pthread_t t[THREADS];
        atomic_int key = 0;

        for (int n = 0; n < THREADS; n++)
            assert_int_equal(pthread_create(&t[n], NULL, wait_for_one, &key),
                             0);
        ws__lot_wake(&key, set_one, true);
        for (int n = 0; n < THREADS; n++)
            pthread_join(t[n], NULL);
        assert_int_equal(atomic_load(&key), 1);
    }
}

static void take_a_token(struct ws__before *b)
{
    (void)b;
    ws__park(1);
}

/* What is due before a wait may wait, and would take the waiter's token. */
static void enter_does_what_is_due_before_it_queues(void **state)
{
    (void)state;
    struct ws__before due = { .fn = take_a_token };
    struct ws__waiter w;
    int key = 0;

    ws__before_park(&due);
    assert_true(ws__lot_enter(&w, &key, yes));
    ws__lot_wake(&key, NULL, true);
    assert_int_equal(ws__park(1), 0);
    assert_false(ws__lot_leave(&w));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(enter_asks_before_it_queues),
        cmocka_unit_test(wake_unparks_those_of_its_key_only),
        cmocka_unit_test(wake_takes_the_first_or_all),
        cmocka_unit_test(who_comes_behind_one_that_left_is_found),
        cmocka_unit_test(no_wake_is_missed),
        cmocka_unit_test(enter_does_what_is_due_before_it_queues),
    };

    return run_in_mode("lot", tests, NULL, NULL);
}
