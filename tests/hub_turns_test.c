/* SPDX-License-Identifier: MIT */

/* While a worker sends publications others have their turn.  What a turn is a test
 * says, and how long others had. */

#include "pair.h"

#include <pthread.h>
#include <time.h>

#include <silverback.h>

#include "alloc_fail.h"
#include "fiber/budget.h"
#include "fiber/parker.h"
#include "fiber/stopwatch.h"
#include "hub/desk.h"
#include "hub/hub.h"
#include "mode.h"

enum {
    N = 40,
    ONE_STEP = 0, /* as a turn */
    A_UNIT = 2,   /* of a budget, in microseconds */
    A_MEMBER = 3, /* one small message to it, in units */
    LONG = 100 * 1000,
};

static _Atomic uint64_t now = LONG;

uint64_t ws__ticks(void)
{
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
    ws__desk_turn = WS__BUDGET;
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

static ws_hub_stats stats(void)
{
    ws_hub_stats s;

    ws_hub_stats_get(hub, &s);
    return s;
}

/* ---- Tests -------------------------------------------------------------- */

static void others_run_while_it_sends(void **state)
{
    (void)state;

    ws__desk_turn = ONE_STEP;
    publish("x", 1);
    for (int before = 0, n = 0; n < N; before = n) {
        ws_yield();
        n = have_it();
        assert_int_equal(n, before + 1);
    }
}

static void it_has_as_long_as_others_have(void **state)
{
    (void)state;
    char frame[3];

    publish("x", 1);
    while (have_it() < N)
        ws_yield();
    ws_yield();
    for (int i = 0; i < N; i++)
        assert_int_equal(recv(raws[i], frame, sizeof(frame), MSG_DONTWAIT), 3);

    ws__desk_turn = ONE_STEP;
    now += LONG; /* while there was nothing to send: that is not made up for */
    publish("x", 1);
    ws_yield();
    assert_int_equal(have_it(), 1);
    ws_yield();
    assert_int_equal(have_it(), 2);
    now += 5 * A_MEMBER * A_UNIT;
    ws_yield();
    assert_in_range(have_it(), 2 + 5, 2 + 6);
    now += LONG;
    ws_yield();
    assert_int_equal(have_it(), N);
}

/* As many as a turn by itself has units for. */
static void a_turn_is_of_so_many(void **state)
{
    (void)state;
    enum { SO_MANY = WS__BUDGET / A_MEMBER };

    publish("x", 1);
    ws_yield();
    assert_in_range(have_it(), SO_MANY, SO_MANY + 1);
}

static void what_comes_meanwhile_is_sent_behind_it(void **state)
{
    (void)state;
    struct heard h;

    ws__desk_turn = ONE_STEP;
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

    ws__desk_turn = ONE_STEP;
    publish("x", 1);
    while (have_it() < 4)
        ws_yield();
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

    ws__desk_turn = ONE_STEP;
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

    ws__desk_turn = ONE_STEP;
    publish("x", 1);
    ws_yield();
    assert_int_equal(have_it(), 1);
    for (int i = 0; i < N; i++)
        assert_int_equal(ws_hub_leave(hub, members[i], "t"), 0);
    for (int i = 0; i < N; i++)
        ws_yield();
    assert_int_equal(have_it(), 1);
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

    ws__desk_turn = ONE_STEP;
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

static void a_publisher_does_not_get_far_ahead_of_its_worker(void **state)
{
    (void)state;
    enum { MANY = 400, TOGETHER = 64 };

    ws__desk_turn = ONE_STEP;
    for (uint64_t n = 1; n <= MANY; n++) {
        publish("x", 1);
        assert_in_range(n - stats().delivered / N, 0, 2 * TOGETHER + 2);
    }
    while (stats().delivered < MANY * N)
        ws_yield();
    assert_int_equal(ready(raws[N - 1]), MANY * 3);
}

static void or_waits_until_its_deadline(void **state)
{
    (void)state;
    const ws_publication p = {
        .topic = "t", .type = WS_TEXT, .data = "x", .len = 1
    };
    struct ws__desk *d = hub->desks.first;

    atomic_store(&d->own, WS__TOGETHER); /* as if it stayed so */
    atomic_store(&hub->ahead, 1);
    assert_int_equal(ws_hub_publish_by(hub, &p, ws_after(20), NULL),
                     WS_ERR_TIMEOUT);
    atomic_store(&d->own, 0);
    atomic_store(&hub->ahead, 0);
    assert_int_equal(ws_hub_publish_by(hub, &p, ws_after(20), NULL), 0);
}

/* A frame is sent, and takes long. */
static void take_long(const ws_log_record *record, void *arg)
{
    (void)record;
    (void)arg;
    if (!ws__running)
        now += 100;
}

/* Each has but what one alone would have, and others wait so many times that. */
static void hubs_do_not_drive_each_other_up(void **state)
{
    (void)state;
    enum { HUBS = 4, TOPICS = 10, SO_MANY = WS__BUDGET / A_MEMBER };
    ws_hub *hubs[HUBS] = { hub };
    const uint64_t began = now;

    for (int k = 0; k < HUBS; k++) {
        if (k > 0)
            hubs[k] = ws_hub_new(&(ws_hub_options){ .history = -1 }, NULL);
        for (int t = 0; t < TOPICS * N; t++) {
            const char topic[] = { (char)('a' + t / N), '\0' };
            assert_int_equal(
                ws_hub_join(hubs[k], members[t % N], topic, NULL, NULL), 0);
        }
    }
    for (int i = 0; i < N; i++)
        ws_set_trace(members[i], true);
    ws_set_log_records(take_long, NULL);
    for (int k = 0; k < HUBS; k++)
        for (char t = 'a'; t < 'a' + TOPICS; t++)
            assert_int_equal(ws_hub_publish(hubs[k], (char[]){ t, '\0' },
                                            WS_TEXT, "x", 1, NULL),
                             0);
    for (uint64_t before = stats().delivered, n = 0; n < TOPICS * N;
         before = n) {
        ws_yield();
        n = stats().delivered;
        assert_in_range(n, before + 1, before + 2 * SO_MANY);
    }
    assert_true(now > began + LONG);
    ws_set_log_records(NULL, NULL);
    for (int k = 1; k < HUBS; k++)
        ws_hub_free(hubs[k]);
}

static void others_run_while_many_end(void **state)
{
    (void)state;

    for (int i = 0; i < N; i++)
        ws_shutdown(members[i]);
    ws__desk_turn = ONE_STEP;
    while (stats().subscriptions == N)
        ws_yield();
    assert_int_equal(stats().subscriptions, N - 1);
    while (stats().subscriptions > 0)
        ws_yield();
}

static void others_run_while_many_are_cut(void **state)
{
    (void)state;

    ws__desk_turn = ONE_STEP;
    publish("x", 1);
    alloc_fail_at(1); /* there is no memory to put it together */
    ws_yield();
    assert_true(alloc_fail_happened);
    assert_int_equal(stats().cut, 1);
    while (stats().cut < N)
        ws_yield();
}

static void a_hub_that_has_ended_sends_nothing_more(void **state)
{
    (void)state;

    ws__desk_turn = ONE_STEP;
    publish("x", 1);
    ws_yield();
    assert_int_equal(have_it(), 1);
    ws_hub_free(hub);
    hub = NULL;
    for (int i = 0; i < 2 * N; i++)
        ws_yield();
    assert_int_equal(have_it(), 1);
}

/* ---- Those that belong to no worker -------------------------------------- */

static ws_conn *threads[N];
static int threads_raws[N];

static pthread_t go(void *(*fn)(void *arg), void *arg)
{
    pthread_t t;

    assert_int_equal(pthread_create(&t, NULL, fn, arg), 0);
    return t;
}

static void join_as(int i, const char *topic)
{
    threads[i] = with_raw(&threads_raws[i], NULL);
    ws_set_trace(threads[i], true);
    assert_int_equal(ws_hub_join(hub, threads[i], topic, NULL, NULL), 0);
}

static void *join_one(void *topic)
{
    join_as(0, topic);
    return NULL;
}

static void *join_all(void *topic)
{
    for (int i = 0; i < N; i++)
        join_as(i, topic);
    return NULL;
}

/* Whoever still works at the threads' desk has it. */
static bool threads_have_a_desk(void)
{
    struct ws__desk *d = ws__desk_find(hub, NULL);

    if (d)
        ws__desk_let_go(d);
    return d != NULL;
}

static void close_those(int n)
{
    ws_set_log_records(NULL, NULL);
    for (int i = 0; i < n; i++) {
        close(threads_raws[i]);
        ws_close(threads[i]);
    }
    while (threads_have_a_desk())
        ws_yield();
}

static atomic_int by_fiber, by_others;

static void count_frame(const ws_log_record *record, void *arg)
{
    (void)record;
    (void)arg;
    atomic_fetch_add(ws__running ? &by_fiber : &by_others, 1);
}

static void a_fiber_leaves_them_to_a_helper(void **state)
{
    (void)state;

    pthread_join(go(join_all, "threads"), NULL);
    ws__desk_turn = A_MEMBER;
    ws_set_log_records(count_frame, NULL);
    assert_int_equal(ws_hub_publish(hub, "threads", WS_TEXT, "x", 1, NULL), 0);
    for (int i = 0; i < N; i++)
        assert_true(ws_wait_fd(threads_raws[i], POLLIN, patience()) > 0);
    assert_in_range(by_fiber, 1, 2);
    assert_int_equal(by_others, N - by_fiber);
    close_those(N);
}

static atomic_bool worker_was_rung, published;

/* Called before the worker's member can have anything but for that. */
static void await_worker(const ws_log_record *record, void *arg)
{
    struct pollfd fd = { .fd = raws[0], .events = POLLIN };

    (void)record;
    (void)arg;
    atomic_store(&worker_was_rung, poll(&fd, 1, PATIENCE_MS) > 0);
}

static void *publish_there(void *topic)
{
    int error = ws_hub_publish(hub, topic, WS_TEXT, "x", 1, NULL);

    atomic_store(&published, true);
    return error == 0 ? topic : NULL;
}

static void workers_are_rung_before(bool joins_first)
{
    void *topic = joins_first ? "worker, thread" : "thread, worker";
    char frame[3];

    if (joins_first)
        assert_int_equal(ws_hub_join(hub, members[0], topic, NULL, NULL), 0);
    pthread_join(go(join_one, topic), NULL);
    if (!joins_first)
        assert_int_equal(ws_hub_join(hub, members[0], topic, NULL, NULL), 0);
    ws_set_log_records(await_worker, NULL);
    atomic_store(&worker_was_rung, false);
    atomic_store(&published, false);
    pthread_t publisher = go(publish_there, topic);
    await(&published);
    void *done;
    pthread_join(publisher, &done);
    assert_non_null(done);
    assert_true(worker_was_rung);
    assert_int_equal(recv(raws[0], frame, sizeof(frame), MSG_DONTWAIT), 3);
    close_those(1);
}

static void workers_are_rung_before_a_thread_sends_to_them(void **state)
{
    (void)state;

    workers_are_rung_before(true);
    workers_are_rung_before(false);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(others_run_while_it_sends),
        TEST(it_has_as_long_as_others_have),
        TEST(a_turn_is_of_so_many),
        TEST(what_comes_meanwhile_is_sent_behind_it),
        TEST(whoever_leaves_meanwhile_nobody_else_misses_any),
        TEST(whoever_leaves_when_all_have_it_nobody_else_misses_the_next),
        TEST(all_may_leave_meanwhile),
        TEST(no_more_goes_together_than_a_turn_takes),
        TEST(a_publisher_does_not_get_far_ahead_of_its_worker),
        TEST(or_waits_until_its_deadline),
        TEST(hubs_do_not_drive_each_other_up),
        TEST(others_run_while_many_end),
        TEST(others_run_while_many_are_cut),
        TEST(a_hub_that_has_ended_sends_nothing_more),
        TEST(a_fiber_leaves_them_to_a_helper),
        TEST(workers_are_rung_before_a_thread_sends_to_them),
    };

    alloc_fail_install();
    return run_in_fiber("hub_turns", tests, NULL, NULL);
}
