/* SPDX-License-Identifier: MIT */

/* While a worker sends publications others have their turn.  Each look of its loop
 * at the clock for short times takes as long as a test says. */

#include "pair.h"

#include <time.h>

#include <silverback.h>

#include "fiber/parker.h"
#include "fiber/stopwatch.h"
#include "mode.h"

enum {
    N = 40,
    FEW = 4,      /* in a turn; one, if the loop looks at the clock for no other
                   * reason */
    A_TURN = 100, /* microseconds */
    LONG = 100 * 1000,
};

static _Atomic uint64_t now, each_look;

uint64_t ws__ticks(void)
{
    if (!ws__running)
        now += each_look;
    return now;
}

uint64_t ws__ticks_per_us(void)
{
    return 1;
}

int64_t ws__now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* ---- A hub of this worker ----------------------------------------------- */

static ws_hub *hub;
static ws_conn *members[N];
static int raws[N];

static int begin(void **state)
{
    (void)state;
    each_look = 0;
    hub = ws_hub_new(&(ws_hub_options){ .history = -1 }, NULL);
    assert_non_null(hub);
    for (int i = 0; i < N; i++) {
        members[i] = with_raw(&raws[i], NULL);
        assert_int_equal(ws_hub_join(hub, members[i], "t", NULL, NULL), 0);
    }
    return 0;
}

static int end(void **state)
{
    (void)state;
    for (int i = 0; i < N; i++) {
        close(raws[i]);
        ws_close(members[i]);
    }
    ws_hub_free(hub);
    return 0;
}

static void publish(const char *data, size_t len)
{
    assert_int_equal(ws_hub_publish(hub, "t", WS_BINARY, data, len, NULL), 0);
}

/* Who has something to read. */
static int have_it(void)
{
    int n = 0;

    for (int i = 0; i < N; i++)
        n += ready(raws[i]) > 0;
    return n;
}

/* ---- Tests -------------------------------------------------------------- */

static void others_run_while_it_sends(void **state)
{
    (void)state;

    each_look = A_TURN + 1;
    publish("x", 1);
    for (int before = 0, n = 0; n < N; before = n) {
        ws_yield();
        n = have_it();
        assert_in_range(n, before + 1, before + FEW);
    }
}

static void it_has_as_long_as_others_have(void **state)
{
    (void)state;
    char frame[3];

    publish("x", 1);
    ws_yield();
    for (int i = 0; i < N; i++)
        assert_int_equal(recv(raws[i], frame, sizeof(frame), MSG_DONTWAIT), 3);

    each_look = A_TURN / 10;
    now += LONG; /* while there was nothing to send: that is not made up for */
    publish("x", 1);
    ws_yield();
    int first = have_it();
    assert_in_range(first, 2, 10);
    ws_yield();
    assert_in_range(have_it(), first + 2, first + 10);
    now += LONG;
    ws_yield();
    assert_int_equal(have_it(), N);
}

static void what_comes_meanwhile_is_sent_behind_it(void **state)
{
    (void)state;
    struct heard h;

    each_look = A_TURN + 1;
    publish("1", 1);
    ws_yield();
    publish("2", 1);
    while (ready(raws[0]) < 2 * 3 || ready(raws[N - 1]) < 2 * 3)
        ws_yield();
    for (int i = 0; i < N; i++)
        for (char text = '1'; text <= '2'; text++) {
            assert_true(hear_frame(raws[i], &h));
            assert_int_equal(h.payload[0], text);
            free(h.payload);
        }
}

static void whoever_leaves_meanwhile_nobody_else_misses_any(void **state)
{
    (void)state;
    const int leave[] = { 0, 2, N / 2, N - 1 }; /* two that have it, two not */

    each_look = A_TURN + 1;
    publish("x", 1);
    while (have_it() < 4)
        ws_yield();
    assert_in_range(have_it(), 4, N / 2);
    for (size_t i = 0; i < COUNT(leave); i++)
        assert_int_equal(ws_hub_leave(hub, members[leave[i]], "t"), 0);
    for (int i = 0; i < N; i++)
        ws_yield();
    for (int i = 0; i < N; i++)
        assert_int_equal(ready(raws[i]), i == N / 2 || i == N - 1 ? 0 : 3);
}

/* The last of those who have it, and all do, takes the place of who leaves. */
static void whoever_leaves_when_all_have_it_nobody_else_misses_the_next(
    void **state)
{
    (void)state;

    each_look = A_TURN + 1;
    publish("x", 1);
    while (have_it() < N)
        ws_yield();
    assert_int_equal(ws_hub_leave(hub, members[0], "t"), 0);
    assert_int_equal(ws_hub_leave(hub, members[N - 1], "t"), 0);
    publish("y", 1);
    for (int i = 0; i <= N; i++)
        ws_yield();
    for (int i = 0; i < N; i++)
        assert_int_equal(ready(raws[i]), i == 0 || i == N - 1 ? 3 : 6);
}

static void all_may_leave_meanwhile(void **state)
{
    (void)state;

    each_look = A_TURN + 1;
    publish("x", 1);
    ws_yield();
    int n = have_it();
    assert_in_range(n, 1, FEW);
    for (int i = 0; i < N; i++)
        assert_int_equal(ws_hub_leave(hub, members[i], "t"), 0);
    for (int i = 0; i < N; i++)
        ws_yield();
    assert_int_equal(have_it(), n);
    assert_int_equal(ws_hub_join(hub, members[N - 1], "t", NULL, NULL), 0);
    publish("x", 1);
    ws_yield();
    assert_int_equal(ready(raws[N - 1]), 3);
}

static void no_more_goes_together_than_a_turn_takes(void **state)
{
    (void)state;
    enum { SIZE = 8192, TOGETHER = 16, FIRST = 3, FRAME = 4 + SIZE };
    static char data[SIZE];

    each_look = A_TURN + 1;
    publish("x", 1);
    ws_yield();
    assert_int_equal(ready(raws[0]), FIRST);
    for (int i = 0; i < 2 * TOGETHER; i++) /* while the others get the first */
        publish(data, sizeof(data));
    assert_true(have_it() < N);
    while (ready(raws[0]) == FIRST)
        ws_yield();
    assert_int_equal(ready(raws[0]), FIRST + TOGETHER * FRAME);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(others_run_while_it_sends),
        TEST(it_has_as_long_as_others_have),
        TEST(what_comes_meanwhile_is_sent_behind_it),
        TEST(whoever_leaves_meanwhile_nobody_else_misses_any),
        TEST(whoever_leaves_when_all_have_it_nobody_else_misses_the_next),
        TEST(all_may_leave_meanwhile),
        TEST(no_more_goes_together_than_a_turn_takes),
    };

    return run_in_fiber("hub_turns", tests, NULL, NULL);
}
