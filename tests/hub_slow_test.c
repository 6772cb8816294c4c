/* SPDX-License-Identifier: MIT */

/* Subscribers that take less than is published, and workers that are behind. */

#include "pair.h"

#include "alloc_fail.h"
#include "hub/desk.h"
#include "hub/hub.h"
#include "mode.h"

enum {
    N = 400,
    SIZE = 4096, /* so that no kernel takes all of them */
    WAITING = 100,
};

/* A hub with one who reads and one who does not. */
struct scene {
    ws_hub *hub;
    ws_conn *fast, *slow;
    int fast_raw, slow_raw;
    bool in_order;
};

static void scene_begin(struct scene *s, ws_slow policy,
                        const ws_join_options *how)
{
    ws_error err;

    s->hub = ws_hub_new(&(ws_hub_options){ .queue = { .max_messages = WAITING,
                                                      .slow = policy } },
                        &err);
    assert_non_null(s->hub);
    s->fast = with_raw(&s->fast_raw, NULL);
    s->slow = with_raw(&s->slow_raw, NULL);
    assert_int_equal(ws_hub_join(s->hub, s->fast, "t", NULL, NULL), 0);
    assert_int_equal(ws_hub_join(s->hub, s->slow, "t", how, NULL), 0);
}

static void scene_end(struct scene *s)
{
    close(s->fast_raw);
    close(s->slow_raw);
    ws_close(s->fast);
    ws_close(s->slow);
    ws_hub_free(s->hub);
}

/* The number that a publication begins with; 0: a close frame. */
static int hear_number(int raw)
{
    struct heard h;

    assert_true(hear_frame(raw, &h));
    int n = h.first == (FIN | WS_TEXT) ? atoi(h.payload) : 0;
    free(h.payload);
    return n;
}

static void read_all(void *arg)
{
    struct scene *s = arg;

    s->in_order = true;
    for (int i = 1; i <= N; i++)
        s->in_order = s->in_order && hear_number(s->fast_raw) == i;
}

/* No faster than the one who reads takes them, so that it is not slow. */
static void publish_all(struct scene *s, const char *(*key)(int i))
{
    char *text = make_text(SIZE);
    ws_queue_stats q;

    for (int i = 1; i <= N; i++) {
        const ws_publication p = { .topic = "t",
                                   .type = WS_TEXT,
                                   .data = text,
                                   .len = SIZE,
                                   .key = key ? key(i) : NULL };
        text[snprintf(text, SIZE, "%d", i)] = ' ';
        assert_int_equal(ws_hub_publish_by(s->hub, &p, 0, NULL), 0);
        do {
            ws_yield();
            ws_queue_stats_get(s->fast, &q);
        } while (q.messages > WAITING / 2);
    }
    free(text);
}

/* Once the slow one, too, has been sent all, or was cut. */
static ws_hub_stats play(struct scene *s, const char *(*key)(int i))
{
    const int64_t until = patience();
    ws_hub_stats stats;

    ws_fiber *f = mode_go(read_all, s);
    publish_all(s, key);
    ws_join(f);
    assert_true(s->in_order);
    do {
        ws_yield();
        ws_hub_stats_get(s->hub, &stats);
    } while (stats.delivered < 2 * N && stats.cut == 0 && ws_now() < until);
    assert_int_equal(stats.published, N);
    return stats;
}

static void who_is_too_slow_is_cut(void **state)
{
    (void)state;
    struct scene s;
    ws_message m;
    int n, last = 0;

    scene_begin(&s, WS_SLOW_CLOSE, NULL);
    ws_hub_stats stats = play(&s, NULL);
    assert_int_equal(stats.cut, 1);
    assert_int_equal(ws_read_message(s.slow, &m), WS_ERR_SLOW);
    while ((n = hear_number(s.slow_raw)) != 0) {
        assert_int_equal(n, last + 1); /* no gap before the close frame */
        last = n;
    }
    assert_true(last < N);
    scene_end(&s);
}

static void or_loses_the_oldest(void **state)
{
    (void)state;
    struct scene s;
    int n, heard = 0, last = 0;

    scene_begin(&s, WS_SLOW_DROP_OLDEST, NULL);
    ws_hub_stats stats = play(&s, NULL);
    assert_int_equal(stats.cut, 0);
    assert_true(stats.dropped > 0);
    do {
        n = hear_number(s.slow_raw);
        assert_true(n > last);
        last = n;
        heard++;
    } while (n != N);
    assert_int_equal(heard, N - (int)stats.dropped);
    scene_end(&s);
}

static void or_the_newest(void **state)
{
    (void)state;
    struct scene s;

    scene_begin(&s, WS_SLOW_DROP_NEWEST, NULL);
    ws_hub_stats stats = play(&s, NULL);
    assert_int_equal(stats.cut, 0);
    assert_true(stats.dropped > 0);
    for (int i = 1; i <= N - (int)stats.dropped; i++)
        assert_int_equal(hear_number(s.slow_raw), i);
    scene_end(&s);
}

static const char *odd_or_even(int i)
{
    return i % 2 ? "odd" : "even";
}

static void or_has_the_latest_of_each_key(void **state)
{
    (void)state;
    struct scene s;
    int before = 0, n = 0;

    scene_begin(&s, WS_SLOW_CLOSE, &(ws_join_options){ .latest = true });
    ws_hub_stats stats = play(&s, odd_or_even);
    assert_int_equal(stats.cut, 0);
    assert_int_equal(stats.dropped, 0);
    assert_true(stats.conflated > 0);
    for (int heard = N - (int)stats.conflated; heard > 0; heard--) {
        before = n;
        n = hear_number(s.slow_raw);
    }
    assert_int_equal(before + n, N + N - 1);
    scene_end(&s);
}

/* ---- Workers that are behind -------------------------------------------- */

static void a_publisher_waits_for_workers_that_are_behind(void **state)
{
    (void)state;
    const ws_publication p = {
        .topic = "t", .type = WS_TEXT, .data = "x", .len = 1
    };
    const size_t limit = ws__desk_limit;
    struct heard h;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);
    ws_hub *hub = ws_hub_new(NULL, NULL);
    ws_place one = { 0 }, two = { 0 };

    ws__desk_limit = 1;
    assert_int_equal(ws_hub_join(hub, c, "t", NULL, NULL), 0);
    assert_int_equal(ws_hub_publish_by(hub, &p, 0, &one), 0);
    atomic_fetch_add(&hub->behind, 1); /* as if one went on to be */
    assert_int_equal(ws_hub_publish_by(hub, &p, ws_after(20), NULL),
                     WS_ERR_TIMEOUT);
    atomic_fetch_sub(&hub->behind, 1);
    assert_int_equal(ws_hub_publish_by(hub, &p, 0, &two), 0);
    assert_int_equal(atomic_load(&hub->behind), mode_is("threads") ? 0 : 1);
    assert_int_equal(two.offset, one.offset + 1);
    assert_int_equal(ws_hub_publish_by(hub, &p, 0, NULL), 0);
    for (int i = 0; i < 3; i++) {
        assert_true(hear_frame(raw, &h));
        free(h.payload);
    }
    ws__desk_limit = limit;
    close(raw);
    ws_close(c);
    ws_hub_free(hub);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_too_slow_is_cut),
        cmocka_unit_test(or_loses_the_oldest),
        cmocka_unit_test(or_the_newest),
        cmocka_unit_test(or_has_the_latest_of_each_key),
        cmocka_unit_test(a_publisher_waits_for_workers_that_are_behind),
    };

    alloc_fail_install();
    return run_in_mode("hub_slow", tests, NULL, NULL);
}
