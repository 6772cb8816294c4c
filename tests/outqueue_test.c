/* SPDX-License-Identifier: MIT */

/* Messages that are handed over: they go out together and in order, wait within
 * bounds for a peer that takes its time, and hold up nobody. */

#include <pthread.h>

#include "conn/batch.h"
#include "conn/extras.h"
#include "conn/outbox.h"
#include "conn/sendbuf.h"
#include "mode.h"
#include "pair.h"

enum { SIZE = 1000, LARGE = 1024 * 1024 };

/* ---- Messages with numbers ---------------------------------------------- */

/* Text of n bytes that begins with its number. */
static ws_prepared *numbered(int number, size_t n)
{
    char *text = malloc(n + 16);

    assert_non_null(text);
    memset(text, '.', n + 16);
    text[sprintf(text, "%d", number)] = '.';
    ws_prepared *p = ws_prepare(WS_TEXT, text, n);
    assert_non_null(p);
    free(text);
    return p;
}

static int enqueue_n(ws_conn *c, int number, size_t n)
{
    ws_prepared *p = numbered(number, n);
    int error = ws_enqueue(c, p);

    ws_prepared_free(p);
    return error;
}

static int enqueue(ws_conn *c, int number)
{
    return enqueue_n(c, number, SIZE);
}

static int enqueue_latest(ws_conn *c, int number, const char *key)
{
    ws_prepared *p = numbered(number, SIZE);
    int error = ws_enqueue_latest(c, p, key);

    ws_prepared_free(p);
    return error;
}

static int hear_number(int raw)
{
    struct heard h;

    assert_true(hear_frame(raw, &h));
    assert_int_equal(h.first, FIN | WS_TEXT);
    int number = atoi(h.payload);
    free(h.payload);
    return number;
}

/* From one up to before another. */
static void hear_all(int raw, int from, int to)
{
    for (int i = from; i < to; i++)
        assert_int_equal(hear_number(raw), i);
}

static ws_queue_stats stats_of(ws_conn *c)
{
    ws_queue_stats s;

    assert_int_equal(ws_queue_stats_get(c, &s), 0);
    return s;
}

/* Whoever sends them counts them later than they are seen. */
static void expect_empty(ws_conn *c)
{
    for (int64_t limit = patience(); stats_of(c).messages > 0; ws_sleep(1))
        assert_true(ws_now() < limit);
}

/* Until n wait.  Returns the next number. */
static int fill(ws_conn *c, int number, size_t n)
{
    while (stats_of(c).messages < n) {
        assert_int_equal(enqueue(c, number++), 0);
        ws_yield();
    }
    return number;
}

/* A connection that has n waiting: a peer that does not read takes some. */
static ws_conn *with_slow(int *raw, const ws_queue_options *o, size_t n,
                          int *next)
{
    ws_conn *c = with_raw(raw, NULL);

    assert_int_equal(ws_set_queue(c, o), 0);
    *next = fill(c, 0, n);
    return c;
}

static void end_pair(ws_conn *c, int raw)
{
    close(raw);
    ws_close(c);
}

/* ---- Going out ---------------------------------------------------------- */

static void what_is_handed_over_arrives_in_order(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    for (int i = 0; i < 100; i++)
        assert_int_equal(enqueue(c, i), 0);
    hear_all(raw, 0, 100);
    expect_empty(c);
    end_pair(c, raw);
}

/* More than may wait: but it need not. */
static void a_burst_for_a_peer_that_has_room_is_within_bounds(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    assert_int_equal(ws_set_queue(c, &(ws_queue_options){ .max_messages = 4 }),
                     0);
    for (int i = 0; i < 50; i++)
        assert_int_equal(enqueue(c, i), 0);
    hear_all(raw, 0, 50);
    assert_int_equal(stats_of(c).dropped, 0);
    end_pair(c, raw);
}

static void clients_mask_what_is_handed_over(void **state)
{
    (void)state;
    static const size_t sizes[] = { 10, SIZE, 20000, LARGE };
    int raw;
    ws_conn *c = with_raw(&raw, &(ws_adoption){ .client = true });

    assert_int_equal(
        ws_set_queue(c, &(ws_queue_options){ .max_bytes = 2 * LARGE }), 0);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct heard h;
        assert_int_equal(enqueue_n(c, (int)i, sizes[i]), 0);
        assert_true(hear_frame(raw, &h));
        assert_true(h.f.masked);
        assert_int_equal(h.f.len, sizes[i]);
        assert_int_equal(atoi(h.payload), i);
        assert_int_equal(h.payload[sizes[i] - 1], '.');
        free(h.payload);
    }
    end_pair(c, raw);
}

static void large_ones_arrive_between_small_ones(void **state)
{
    (void)state;
    static const size_t sizes[] = { 10, LARGE, 10, 16384, 17000, 100000, 126 };
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    assert_int_equal(
        ws_set_queue(c, &(ws_queue_options){ .max_bytes = 4 * LARGE }), 0);
    for (size_t i = 0; i < COUNT(sizes); i++)
        assert_int_equal(enqueue_n(c, (int)i, sizes[i]), 0);
    hear_all(raw, 0, COUNT(sizes));
    end_pair(c, raw);
}

static void reads_until_the_end(void *conn)
{
    ws_message m;

    while (ws_read_message(conn, &m) == 0)
        continue;
}

static void what_waits_goes_though_nobody_reads(void **state)
{
    (void)state;
    int raw, next;
    ws_conn *c = with_slow(&raw, NULL, 100, &next);

    hear_all(raw, 0, next);
    expect_empty(c);
    next = fill(c, 0, 50); /* and again */
    hear_all(raw, 0, next);
    end_pair(c, raw);
}

/* Its frames are larger by their masks' keys. */
static void so_does_what_waits_of_a_client(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, &(ws_adoption){ .client = true });
    int next = fill(c, 0, 100);

    hear_all(raw, 0, next);
    expect_empty(c);
    end_pair(c, raw);
}

static void what_waits_goes_while_another_reads(void **state)
{
    (void)state;
    int raw, next;
    ws_conn *c = with_raw(&raw, NULL);
    ws_fiber *f = ws_go(reads_until_the_end, c);

    next = fill(c, 0, 100);
    hear_all(raw, 0, next);
    next = fill(c, 0, 50);
    hear_all(raw, 0, next);
    close(raw);
    ws_join(f);
    ws_close(c);
}

struct flushing {
    ws_conn *c;
    atomic_int error;
};

static void flushes(void *flushing)
{
    struct flushing *f = flushing;

    f->error = ws_flush(f->c);
}

static void a_flush_waits_for_what_waits(void **state)
{
    (void)state;
    int raw, next;
    ws_conn *c = with_slow(&raw, NULL, 100, &next);
    struct flushing flushing = { c, 1 };
    ws_fiber *f = mode_go(flushes, &flushing);

    hear_all(raw, 0, next);
    ws_join(f);
    assert_int_equal(flushing.error, 0);
    end_pair(c, raw);
}

/* The queue is never empty, and yet what was there when it began is gone. */
static void a_flush_does_not_wait_for_what_comes(void **state)
{
    (void)state;
    const ws_queue_options o = { .max_messages = 8,
                                 .slow = WS_SLOW_DROP_OLDEST };
    int raw, next;
    ws_conn *c = with_slow(&raw, &o, 8, &next);
    struct flushing flushing = { c, 1 };
    ws_fiber *f = mode_go(flushes, &flushing);

    for (int64_t until = patience(); flushing.error == 1;) {
        assert_true(ws_now() < until);
        hear_number(raw);
        next = fill(c, next, 8);
        ws_yield();
    }
    ws_join(f);
    assert_int_equal(flushing.error, 0);
    end_pair(c, raw);
}

static void a_mark_is_passed_when_all_before_it_have_gone(void **state)
{
    (void)state;
    const ws_queue_options o = { .max_messages = 8,
                                 .slow = WS_SLOW_DROP_OLDEST };
    int raw, next;
    ws_conn *c = with_slow(&raw, &o, 8, &next);
    uint64_t mark = ws__outqueue_mark(c);

    for (int i = 0; i < 8; i++) {
        assert_false(ws__outqueue_is_past(c, mark));
        assert_int_equal(enqueue(c, next++), 0);
    }
    assert_true(ws__outqueue_is_past(c, mark));
    end_pair(c, raw);
}

static void says_goodbye(void *conn)
{
    assert_int_equal(ws_write_close(conn, WS_CLOSE_NORMAL, NULL), 0);
}

static void a_close_frame_of_the_owner_goes_behind_what_waits(void **state)
{
    (void)state;
    int raw, next;
    ws_conn *c = with_slow(&raw, NULL, 100, &next);
    ws_fiber *f = mode_go(says_goodbye, c);

    hear_all(raw, 0, next);
    hear_close(raw, WS_CLOSE_NORMAL);
    ws_join(f);
    assert_int_equal(enqueue(c, 0), WS_ERR_CLOSE_SENT);
    end_pair(c, raw);
}

/* Answers go ahead of messages, and nothing may follow this one (RFC 6455,
 * section 5.5.1). */
static void what_waits_is_dropped_behind_a_close_frame(void **state)
{
    (void)state;
    struct heard h;
    int raw, next, n = 0;
    ws_conn *c = with_slow(&raw, NULL, 100, &next);

    ws__outbox_close(c, WS_CLOSE_GOING_AWAY, NULL);
    assert_true(hear_frame(raw, &h));
    while (h.first == (FIN | WS_TEXT)) {
        assert_int_equal(atoi(h.payload), n++);
        free(h.payload);
        assert_true(hear_frame(raw, &h));
    }
    assert_int_equal(h.first, FIN | WS_CLOSE);
    free(h.payload);
    assert_true(n < next);
    expect_empty(c);
    assert_int_equal(ready(raw), 0);
    end_pair(c, raw);
}

static void a_peer_gets_what_waited_when_it_was_closed(void **state)
{
    (void)state;
    int raw, next;
    ws_conn *c = with_slow(&raw, NULL, 100, &next);

    ws_close(c);
    hear_all(raw, 0, next);
    hear_end(raw);
    close(raw);
}

struct waiter {
    ws_conn *c;
    int error;
};

static void wait_for_message(void *arg)
{
    struct waiter *w = arg;
    ws_message m;

    w->error = ws_read_message(w->c, &m);
}

/* The close wakes the reader, by breaking the transport. */
static void so_does_one_whose_reader_waits(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);
    struct waiter w = { .c = ws_ref(c) };
    ws_fiber *f = mode_go(wait_for_message, &w);

    await(&c->r.waiting);
    assert_int_equal(enqueue(c, 0), 0);
    ws_close(c);
    ws_join(f);
    assert_int_equal(w.error, WS_ERR_CANCELED);
    ws_unref(w.c);
    hear_all(raw, 0, 1);
    hear_end(raw);
    close(raw);
}

/* ---- Bounds ------------------------------------------------------------- */

static void the_oldest_are_dropped(void **state)
{
    (void)state;
    const ws_queue_options o = { .max_messages = 8,
                                 .slow = WS_SLOW_DROP_OLDEST };
    int raw, next, before = -1, heard = 0;
    ws_conn *c = with_slow(&raw, &o, 8, &next);

    for (int i = 0; i < 20; i++)
        assert_int_equal(enqueue(c, next++), 0);
    ws_queue_stats s = stats_of(c);
    assert_int_equal(s.dropped, 20);
    assert_in_range(s.messages, 8, 8);
    assert_in_range(s.bytes, 8 * SIZE, 9 * SIZE);
    while (before < next - 1) {
        int number = hear_number(raw);
        assert_true(number > before);
        if (number >= next - 8 && before < next - 9)
            assert_int_equal(number, next - 8);
        before = number;
        heard++;
    }
    assert_int_equal(heard, next - 20);
    end_pair(c, raw);
}

static void the_newest_are_dropped(void **state)
{
    (void)state;
    const ws_queue_options o = { .max_messages = 8,
                                 .slow = WS_SLOW_DROP_NEWEST };
    int raw, next;
    ws_conn *c = with_slow(&raw, &o, 8, &next);

    for (int i = 0; i < 20; i++)
        assert_int_equal(enqueue(c, next + i), 0);
    assert_int_equal(stats_of(c).dropped, 20);
    hear_all(raw, 0, next);
    assert_int_equal(enqueue(c, 12345), 0);
    assert_int_equal(hear_number(raw), 12345);
    end_pair(c, raw);
}

static void bytes_are_bounded_too(void **state)
{
    (void)state;
    const ws_queue_options o = { .max_bytes = 10 * SIZE,
                                 .slow = WS_SLOW_DROP_NEWEST };
    int raw, next;
    ws_conn *c = with_slow(&raw, &o, 9, &next);

    for (int i = 0; i < 20; i++)
        assert_int_equal(enqueue(c, next + i), 0);
    assert_int_equal(stats_of(c).messages, 9);
    assert_int_equal(stats_of(c).dropped, 20);
    hear_all(raw, 0, next);
    end_pair(c, raw);
}

static void what_is_larger_than_all_may_go_but_not_wait(void **state)
{
    (void)state;
    const ws_queue_options o = { .max_bytes = 10 * SIZE,
                                 .slow = WS_SLOW_DROP_NEWEST };
    int raw, next;
    ws_conn *c = with_raw(&raw, NULL);

    assert_int_equal(ws_set_queue(c, &o), 0);
    assert_int_equal(enqueue_n(c, 77, LARGE), 0);
    assert_int_equal(hear_number(raw), 77);
    next = fill(c, 0, 2);
    assert_int_equal(enqueue_n(c, next, LARGE), 0);
    assert_int_equal(stats_of(c).dropped, 1);
    hear_all(raw, 0, next);
    end_pair(c, raw);
}

/* Up to the close frame.  Returns how many messages came before. */
static int hear_until_close(int raw, int code, const char *reason)
{
    struct heard h;
    int n = 0;

    for (;; n++) {
        assert_true(hear_frame(raw, &h));
        if (h.first != (FIN | WS_TEXT))
            break;
        assert_int_equal(atoi(h.payload), n);
        free(h.payload);
    }
    assert_int_equal(h.first, FIN | WS_CLOSE);
    assert_int_equal(load_be((const uint8_t *)h.payload, 2), code);
    assert_string_equal(h.payload + 2, reason);
    free(h.payload);
    return n;
}

static void reads_of_one_too_slow(void *conn)
{
    ws_message m;

    assert_int_equal(ws_read_message(conn, &m), WS_ERR_SLOW);
    assert_int_equal(ws_read_message(conn, &m), WS_ERR_SLOW);
}

static int enqueue_until_cut(ws_conn *c, int next)
{
    int error;

    while ((error = enqueue(c, next)) == 0)
        next++;
    assert_int_equal(error, WS_ERR_SLOW);
    return next;
}

/* By one who has looked before it was cut. */
static void put_late(ws_conn *c)
{
    struct ws__outqueue_counts n = { 0 };
    ws_prepared *p = ws_prepare(WS_TEXT, "late", 4);

    assert_int_equal(ws__outqueue_put(c, p, NULL, &n), WS_ERR_SLOW);
    ws_prepared_free(p);
}

static void one_too_slow_is_cut_and_its_reader_wakes(void **state)
{
    (void)state;
    int raw, next;
    ws_conn *c = with_raw(&raw, NULL);
    ws_fiber *f = ws_go(reads_of_one_too_slow, c);

    ws_yield();
    next = enqueue_until_cut(c, fill(c, 0, 10));
    ws_join(f);
    assert_true(stats_of(c).cut);
    assert_int_equal(stats_of(c).messages, 0);
    assert_int_equal(stats_of(c).dropped, 257);
    assert_int_equal(ws_conn_error(c)->code, WS_ERR_SLOW);
    assert_int_equal(enqueue(c, next), WS_ERR_SLOW);
    assert_int_equal(ws_write_text(c, "late"), WS_ERR_SLOW);
    put_late(c);
    assert_int_equal(stats_of(c).messages, 0);
    ws_close(c);
    assert_int_equal(
        hear_until_close(raw, WS_CLOSE_TRY_AGAIN_LATER, "too slow"),
        next + 1 - 257);
    close(raw);
}

static void one_that_is_cut_is_told_the_code_of_its_queue(void **state)
{
    (void)state;
    const ws_queue_options o = { .max_messages = 3,
                                 .close_code = WS_CLOSE_POLICY };
    int raw, next;
    ws_message m;
    ws_conn *c = with_slow(&raw, &o, 1, &next);

    enqueue_until_cut(c, next);
    assert_int_equal(ws_read_message(c, &m), WS_ERR_SLOW);
    hear_until_close(raw, WS_CLOSE_POLICY, "too slow");
    end_pair(c, raw);
}

static void of_one_key_the_latest_goes_in_place_of_the_first(void **state)
{
    (void)state;
    int raw, next;
    ws_conn *c = with_slow(&raw, NULL, 1, &next);

    for (int i = 1; i < 10; i++) {
        assert_int_equal(enqueue_latest(c, 1000 * i, "a"), 0);
        assert_int_equal(enqueue_latest(c, 1000 * i + 1, "b"), 0);
    }
    assert_int_equal(enqueue(c, 7), 0);
    assert_int_equal(stats_of(c).conflated, 16);
    assert_int_equal(stats_of(c).messages, 4);
    hear_all(raw, 0, next);
    assert_int_equal(hear_number(raw), 9000);
    assert_int_equal(hear_number(raw), 9001);
    assert_int_equal(hear_number(raw), 7);
    end_pair(c, raw);
}

static void misuse_is_refused(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);
    ws_prepared *p = numbered(0, 1), *ping = ws_prepare(WS_PING, "", 0);
    ws_queue_stats s;

    assert_int_equal(ws_enqueue(NULL, p), WS_ERR_INVALID);
    assert_int_equal(ws_enqueue(c, NULL), WS_ERR_INVALID);
    assert_int_equal(ws_enqueue(c, ping), WS_ERR_INVALID);
    assert_int_equal(ws_enqueue_latest(c, p, NULL), WS_ERR_INVALID);
    assert_int_equal(ws_queue_stats_get(NULL, &s), WS_ERR_INVALID);
    assert_int_equal(ws_queue_stats_get(c, NULL), WS_ERR_INVALID);
    assert_int_equal(ws_set_queue(NULL, NULL), WS_ERR_INVALID);
    assert_int_equal(ws_set_queue(c, &(ws_queue_options){ .slow = (ws_slow)7 }),
                     WS_ERR_INVALID);
    assert_int_equal(ws_set_queue(c, &(ws_queue_options){ .close_code = 1006 }),
                     WS_ERR_INVALID);
    assert_int_equal(ws_set_queue(c, NULL), 0);
    ws_prepared_free(p);
    ws_prepared_free(ping);
    end_pair(c, raw);
}

/* ---- Between other frames ----------------------------------------------- */

/* Bytes that have begun to go, and control frames. */
static size_t goes_first(ws_conn *c)
{
    assert_int_equal(ws__outbox_lock(c, 0), 0);
    size_t n = ws__sendbuf_pending(c);
    if (atomic_load(&c->w.due) & WS__DUE_CONTROL)
        n++;
    ws__outbox_unlock(c);
    return n;
}

/* Of those that waited when the ping came, all go behind the pong. */
static void a_pong_goes_ahead_of_what_waits(void **state)
{
    (void)state;
    int raw, next, behind = -1, n = 0;
    ws_conn *c = with_slow(&raw, NULL, 100, &next);
    ws_fiber *f = ws_go(reads_until_the_end, c);
    struct heard h;

    size_t before = goes_first(c);
    say_frame(raw, FIN | WS_PING, true, "now", 3);
    while (goes_first(c) == before)
        ws_sleep(1);
    int waiting = (int)stats_of(c).messages;
    while (n < next) {
        assert_true(hear_frame(raw, &h));
        if (h.first == (FIN | WS_PONG)) {
            assert_string_equal(h.payload, "now");
            behind = next - n;
        } else {
            assert_int_equal(atoi(h.payload), n++);
        }
        free(h.payload);
    }
    assert_true(behind >= waiting);
    close(raw);
    ws_join(f);
    ws_close(c);
}

static void nothing_goes_within_a_message_in_pieces(void **state)
{
    (void)state;
    int raw;
    struct heard h;
    ws_conn *c = with_raw(&raw, NULL);

    assert_int_equal(ws_next_writer(c, WS_BINARY), 0);
    assert_int_equal(ws_write(c, "begin", 5), 0);
    assert_int_equal(ws_flush(c), 0);
    assert_true(hear_frame(raw, &h));
    assert_int_equal(h.first, WS_BINARY);
    free(h.payload);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(enqueue(c, i), 0);
        ws_yield();
    }
    assert_int_equal(stats_of(c).messages, 3);
    assert_int_equal(ws_write(c, "end", 3), 0);
    assert_int_equal(ws_end_message(c), 0);
    assert_true(hear_frame(raw, &h));
    assert_int_equal(h.first, FIN);
    assert_string_equal(h.payload, "end");
    free(h.payload);
    hear_all(raw, 0, 3);
    end_pair(c, raw);
}

/* What waited for its end is no more by then. */
static void one_in_pieces_ends_after_a_cut(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    assert_int_equal(ws_set_queue(c, &(ws_queue_options){ .max_messages = 2 }),
                     0);
    assert_int_equal(ws_next_writer(c, WS_BINARY), 0);
    assert_int_equal(enqueue(c, 0), 0);
    for (int64_t until = patience();
         !atomic_load(&ws__extras(c)->queue_held);) {
        assert_true(ws_now() < until);
        ws_sleep(1);
    }
    assert_int_equal(enqueue(c, 1), 0);
    assert_int_equal(enqueue(c, 2), WS_ERR_SLOW);
    assert_int_equal(ws_end_message(c), WS_ERR_SLOW);
    assert_true(stats_of(c).cut);
    end_pair(c, raw);
}

struct sender {
    ws_conn *c;
    int from;
    bool hands_over;
};

enum { EACH = 300, SENDERS = 4 };

static void sends_many(void *sender)
{
    const struct sender *s = sender;
    char text[16];

    for (int i = s->from; i < s->from + EACH; i++) {
        if (s->hands_over) {
            while (stats_of(s->c).messages > 200)
                ws_sleep(1);
            assert_int_equal(enqueue_n(s->c, i, 40), 0);
        } else {
            snprintf(text, sizeof(text), "%d", i);
            assert_int_equal(ws_write_text(s->c, text), 0);
        }
    }
}

static void writers_and_those_who_hand_over_share(void **state)
{
    (void)state;
    struct sender senders[SENDERS];
    ws_fiber *f[SENDERS];
    int raw, next[SENDERS];
    ws_conn *c = with_raw(&raw, NULL);

    for (int i = 0; i < SENDERS; i++) {
        next[i] = 1000 * i;
        senders[i] = (struct sender){ c, 1000 * i, i % 2 == 0 };
        f[i] = mode_go(sends_many, &senders[i]);
    }
    for (int i = 0; i < EACH * SENDERS; i++) {
        int number = hear_number(raw), of = number / 1000;
        assert_int_equal(number, next[of]++);
    }
    for (int i = 0; i < SENDERS; i++)
        ws_join(f[i]);
    end_pair(c, raw);
}

static void fills_it(void *conn)
{
    for (int i = 0; i < EACH; i++)
        assert_int_equal(enqueue(conn, i), 0);
}

static void several_may_find_it_full(void **state)
{
    (void)state;
    const ws_queue_options o = { .max_messages = 8,
                                 .slow = WS_SLOW_DROP_OLDEST };
    ws_fiber *f[SENDERS];
    int raw, next;
    ws_conn *c = with_slow(&raw, &o, 8, &next);

    for (int i = 0; i < SENDERS; i++)
        f[i] = mode_go(fills_it, c);
    for (int i = 0; i < SENDERS; i++)
        ws_join(f[i]);
    assert_int_equal(stats_of(c).messages, 8);
    assert_int_equal(stats_of(c).dropped, SENDERS * EACH);
    end_pair(c, raw);
}

static void enqueues_until_cut(void *conn)
{
    enqueue_until_cut(conn, 0);
}

static void several_may_cut_it(void **state)
{
    (void)state;
    ws_fiber *f[SENDERS];
    int raw, next;
    ws_conn *c = with_slow(&raw, NULL, 100, &next);

    for (int i = 0; i < SENDERS; i++)
        f[i] = mode_go(enqueues_until_cut, c);
    for (int i = 0; i < SENDERS; i++)
        ws_join(f[i]);
    assert_true(stats_of(c).cut);
    assert_int_equal(stats_of(c).messages, 0);
    end_pair(c, raw);
}

static void writes_and_flushes(void *conn)
{
    char text[64];

    for (int i = 0; i < EACH; i++) {
        snprintf(text, sizeof(text), "%d.........................", i);
        assert_int_equal(ws_write_text(conn, text), 0);
        assert_int_equal(ws_flush(conn), 0);
    }
}

static void several_may_flush(void **state)
{
    (void)state;
    ws_fiber *f[SENDERS];
    int raw, heard[EACH] = { 0 };
    ws_conn *c = with_raw(&raw, NULL);

    for (int i = 0; i < SENDERS; i++)
        f[i] = mode_go(writes_and_flushes, c);
    for (int i = 0; i < EACH * SENDERS; i++)
        heard[hear_number(raw)]++;
    for (int i = 0; i < SENDERS; i++)
        ws_join(f[i]);
    for (int i = 0; i < EACH; i++)
        assert_int_equal(heard[i], SENDERS);
    end_pair(c, raw);
}

/* ---- Compression -------------------------------------------------------- */

/* Both ends of one that compresses, with or without takeover. */
static void compressing(ws_conn **server, ws_conn **client, bool takeover)
{
    struct ws__setup setup = { .deflate = { .on = true,
                                            .server_takeover = takeover,
                                            .client_takeover = takeover,
                                            .server_bits = 15,
                                            .client_bits = 15 } };
    int fds[2];

    make_pair(fds);
    *server = set_up(fds[0], &setup);
    setup.client = true;
    *client = set_up(fds[1], &setup);
}

static void read_number(ws_conn *c, int number)
{
    ws_message m;

    assert_int_equal(ws_read_message(c, &m), 0);
    assert_int_equal(atoi(m.data), number);
}

static void each_connection_compresses_as_it_does(void **state)
{
    (void)state;
    for (int takeover = 0; takeover < 2; takeover++) {
        ws_conn *server, *client;
        char text[16];

        compressing(&server, &client, takeover);
        for (int i = 0; i < 30; i += 3) {
            assert_int_equal(enqueue(server, i), 0);
            assert_int_equal(enqueue_n(server, i + 1, 40000), 0);
            read_number(client, i);
            read_number(client, i + 1);
            snprintf(text, sizeof(text), "%d", i + 2);
            assert_int_equal(ws_write_text(server, text), 0);
            read_number(client, i + 2);
        }
        ws_close(server);
        ws_close(client);
    }
}

/* Who compresses meanwhile has the turn. */
static void compressed_ones_of_several_keep_their_window(void **state)
{
    (void)state;
    for (int takeover = 0; takeover < 2; takeover++) {
        struct sender senders[SENDERS];
        ws_fiber *f[SENDERS];
        int next[SENDERS];
        ws_conn *server, *client;
        ws_message m;

        compressing(&server, &client, takeover);
        for (int i = 0; i < SENDERS; i++) {
            next[i] = 1000 * i;
            senders[i] = (struct sender){ server, 1000 * i, i % 2 == 0 };
            f[i] = mode_go(sends_many, &senders[i]);
        }
        for (int i = 0; i < EACH * SENDERS; i++) {
            assert_int_equal(ws_read_message(client, &m), 0);
            int number = atoi(m.data);
            assert_int_equal(number, next[number / 1000]++);
        }
        for (int i = 0; i < SENDERS; i++)
            ws_join(f[i]);
        ws_close(server);
        ws_close(client);
    }
}

/* ---- Batches ------------------------------------------------------------ */

static void add_numbered(struct ws__batch *b, int number, size_t n,
                         const char *key)
{
    ws_prepared *p = numbered(number, n);

    assert_int_equal(ws__batch_add(b, p, key), 0);
    ws_prepared_free(p);
}

static void a_batch_arrives_in_order_from_where_it_is_told(void **state)
{
    (void)state;
    struct ws__batch b = { 0 };
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    for (int i = 0; i < 3; i++)
        add_numbered(&b, i, SIZE, NULL);
    assert_int_equal(ws__batch_send(&b, 1, c), 0);
    assert_int_equal(ws__batch_send(&b, 0, c), 0);
    assert_int_equal(ws__batch_send(&b, 3, c), 0);
    hear_all(raw, 1, 3);
    hear_all(raw, 0, 3);
    assert_int_equal(b.counts.sent, 5);
    ws__batch_clear(&b);
    end_pair(c, raw);
}

static void a_batch_is_compressed_as_each_connection_does(void **state)
{
    (void)state;
    struct ws__batch b = { 0 };
    ws_conn *server[2], *client[2];

    for (int i = 0; i < 3; i++)
        add_numbered(&b, i, SIZE, NULL);
    for (int i = 0; i < 2; i++) {
        compressing(&server[i], &client[i], i == 1);
        for (int n = 0; n < 2; n++)
            assert_int_equal(ws__batch_send(&b, 0, server[i]), 0);
        ws_enable_write_compression(server[i], false);
        assert_int_equal(ws__batch_send(&b, 1, server[i]), 0);
    }
    for (int i = 0; i < 2; i++) {
        for (int n = 0; n < 6; n++)
            read_number(client[i], n % 3);
        read_number(client[i], 1);
        read_number(client[i], 2);
        ws_close(server[i]);
        ws_close(client[i]);
    }
    ws__batch_clear(&b);
}

/* It is cut within any of its messages, and at any byte of one. */
static void what_does_not_go_of_a_batch_waits(void **state)
{
    (void)state;
    for (int n = 1; n < 40; n++) {
        struct ws__batch b = { 0 };
        int raw, next = 0;
        ws_conn *c = with_raw(&raw, NULL);

        while (stats_of(c).messages == 0) {
            ws__batch_clear(&b);
            for (int i = 0; i < n; i++)
                add_numbered(&b, next++, (size_t)(SIZE + n), NULL);
            assert_int_equal(ws__batch_send(&b, 0, c), 0);
        }
        assert_int_equal(b.counts.sent, n);
        ws__batch_clear(&b);
        hear_all(raw, 0, next);
        end_pair(c, raw);
    }
}

/* Though there is room again, and nobody has used it yet. */
static void a_batch_goes_behind_one_that_has_begun(void **state)
{
    (void)state;
    enum { HEADER = 10 };
    struct ws__batch large = { 0 }, small = { 0 };
    char *got = malloc(HEADER + LARGE);
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    assert_non_null(got);
    add_numbered(&large, 0, LARGE, NULL);
    add_numbered(&small, 1, SIZE, NULL);
    assert_int_equal(ws__batch_send(&large, 0, c), 0);
    size_t n = (size_t)ready(raw);
    assert_in_range(n, 1, LARGE);
    assert_true(hear_n(raw, got, n)); /* no more: the rest may be on its way */
    assert_int_equal(ws__batch_send(&small, 0, c), 0);
    assert_true(hear_n(raw, got + n, HEADER + LARGE - n));
    for (size_t i = HEADER + 1; i < HEADER + LARGE; i++)
        assert_int_equal(got[i], '.');
    assert_int_equal(hear_number(raw), 1);
    ws__batch_clear(&large);
    ws__batch_clear(&small);
    free(got);
    end_pair(c, raw);
}

static void a_batch_keeps_the_bounds_and_the_keys(void **state)
{
    (void)state;
    const ws_queue_options o = { .max_messages = 3,
                                 .slow = WS_SLOW_DROP_NEWEST };
    struct ws__batch b = { 0 };
    int raw, next;
    ws_conn *c = with_slow(&raw, &o, 1, &next);

    add_numbered(&b, 5000, SIZE, "a");
    add_numbered(&b, 5001, SIZE, "a");
    for (int i = 0; i < 4; i++)
        add_numbered(&b, 6000 + i, SIZE, NULL);
    assert_int_equal(ws__batch_send(&b, 0, c), 0);
    assert_int_equal(b.counts.conflated, 1);
    assert_int_equal(b.counts.dropped, 3);
    hear_all(raw, 0, next);
    assert_int_equal(hear_number(raw), 5001);
    assert_int_equal(hear_number(raw), 6000);
    ws__batch_clear(&b);
    end_pair(c, raw);
}

/* What comes later would go behind a gap. */
static void who_loses_some_of_a_batch_is_cut(void **state)
{
    (void)state;
    struct ws__batch b = { 0 };
    int raw, next;
    ws_conn *c = with_slow(&raw, NULL, 1, &next);

    add_numbered(&b, next, SIZE, "key");
    alloc_fail_here(true);
    int error = ws__batch_send(&b, 0, c);
    alloc_fail_here(false);
    assert_int_equal(error, WS_ERR_SLOW);
    assert_int_equal(b.counts.sent, 0);
    assert_int_equal(b.counts.cut, 1);
    assert_true(stats_of(c).cut);
    assert_int_not_equal(ws__batch_send(&b, 0, c), 0);
    assert_int_equal(b.counts.sent, 0);
    ws__batch_clear(&b);
    end_pair(c, raw);
}

/* As TLS may: it has taken some of the bytes, though it could send none. */
static ssize_t hold_some(struct ws__stream *s, const struct iovec *v, int n)
{
    (void)v;
    (void)n;
    s->taken = 10;
    return -EAGAIN;
}

/* The transport wants the same bytes again, whatever becomes of the rest. */
static void what_the_transport_holds_of_a_batch_is_not_lost_with_it(
    void **state)
{
    (void)state;
    struct ws__batch b = { 0 };
    int raw;
    ws_conn *c = with_raw(&raw, NULL);
    struct ws__transport *usual = c->stream.transport;
    struct ws__stream_ops ops = *usual->ops;
    struct ws__transport holding = { &ops };

    ops.writev = hold_some;
    assert_int_equal(ws_set_queue(c, NULL), 0);
    for (int i = 0; i < 3; i++)
        add_numbered(&b, i, SIZE, NULL);
    assert_int_equal(ws__batch_send(&b, 0, c), 0); /* it is put together */
    hear_all(raw, 0, 3);
    assert_int_equal(ws_write_text(c, "3"), 0); /* a buffer lies in the pool */
    assert_int_equal(hear_number(raw), 3);
    c->stream.transport = &holding;
    alloc_fail_here(true);
    assert_int_equal(ws__batch_send(&b, 0, c), WS_ERR_SLOW);
    alloc_fail_here(false);
    c->stream.transport = usual;
    ws_close(c);
    assert_int_equal(hear_number(raw), 0);
    hear_close(raw, WS_CLOSE_TRY_AGAIN_LATER);
    hear_end(raw);
    ws__batch_clear(&b);
    close(raw);
}

enum { MIXED = 64, MIXED_SIZE = 1500 };

struct leveling {
    ws_conn *c;
    atomic_bool over;
};

static void *changes_the_level(void *leveling)
{
    struct leveling *l = leveling;

    for (int i = 0; !atomic_load(&l->over); i++)
        ws_set_compression_level(l->c, i % 2 == 0 ? 1 : 9);
    return NULL;
}

/* Of four letters, in no order. */
static void add_mixed(struct ws__batch *b, int number)
{
    char text[MIXED_SIZE];
    unsigned seed = (unsigned)number + 1;

    for (size_t i = 0; i < sizeof(text); i++) {
        seed = seed * 1103515245 + 12345;
        text[i] = "abcd"[seed >> 16 & 3];
    }
    text[snprintf(text, sizeof(text), "%d", number)] = '.';
    ws_prepared *p = ws_prepare(WS_TEXT, text, sizeof(text));
    assert_int_equal(ws__batch_add(b, p, NULL), 0);
    ws_prepared_free(p);
}

static void a_level_may_change_while_a_batch_is_sent(void **state)
{
    (void)state;
    ws_conn *server, *client;
    pthread_t changer;

    compressing(&server, &client, false);
    struct leveling l = { .c = server };
    assert_int_equal(pthread_create(&changer, NULL, changes_the_level, &l), 0);
    for (int n = 0; n < 20; n++) {
        struct ws__batch b = { 0 };
        for (int i = 0; i < MIXED; i++)
            add_mixed(&b, n * MIXED + i);
        assert_int_equal(ws__batch_send(&b, 0, server), 0);
        for (int i = 0; i < MIXED; i++)
            read_number(client, n * MIXED + i);
        ws__batch_clear(&b);
    }
    atomic_store(&l.over, true);
    pthread_join(changer, NULL);
    ws_close(server);
    ws_close(client);
}

static void a_batch_says_that_a_connection_has_ended(void **state)
{
    (void)state;
    struct ws__batch b = { 0 };
    int raw;
    ws_conn *c = with_raw(&raw, NULL), *held = ws_ref(c);

    add_numbered(&b, 0, SIZE, NULL);
    ws_close(c);
    assert_int_equal(ws__batch_send(&b, 0, held), WS_ERR_CANCELED);
    ws_unref(held);
    close(raw);
    c = with_raw(&raw, NULL);
    close(raw);
    assert_int_equal(ws__batch_send(&b, 0, c), -EPIPE);
    ws__batch_clear(&b);
    ws_close(c);
}

/* ---- The end ------------------------------------------------------------ */

struct watcher {
    struct ws__end_hook hook;
    atomic_int ended;
};

static void note_ended(struct ws__end_hook *h)
{
    atomic_fetch_add(&((struct watcher *)h)->ended, 1);
}

static void whoever_asked_is_told_of_the_end_once(void **state)
{
    (void)state;
    for (int how = 0; how < 3; how++) {
        struct watcher w[] = { { { NULL, note_ended }, 0 },
                               { { NULL, note_ended }, 0 },
                               { { NULL, note_ended }, 0 } };
        ws_message m;
        int raw;
        ws_conn *c = with_raw(&raw, NULL), *held = ws_ref(c);

        for (size_t i = 0; i < COUNT(w); i++)
            assert_true(ws__outqueue_add_hook(c, &w[i].hook));
        assert_true(ws__outqueue_remove_hook(c, &w[1].hook));
        assert_false(ws__outqueue_remove_hook(c, &w[1].hook));
        close(raw);
        if (how == 0)
            ws_shutdown(c);
        else if (how == 1)
            assert_int_equal(ws_read_message(c, &m), WS_ERR_EOF);
        assert_int_equal(w[0].ended, how < 2);
        ws_close(c);
        assert_int_equal(w[0].ended, 1);
        assert_int_equal(w[1].ended, 0);
        assert_int_equal(w[2].ended, 1);
        assert_false(ws__outqueue_add_hook(held, &w[1].hook));
        assert_false(ws__outqueue_remove_hook(held, &w[0].hook));
        ws_unref(held);
    }
}

struct race {
    ws_conn *c;
    atomic_int told;
    atomic_int asked;
};

struct racer {
    struct watcher w;
    struct race *race;
};

static void asks_and_maybe_leaves(void *race)
{
    struct race *r = race;
    struct watcher w[20];

    for (size_t i = 0; i < COUNT(w); i++) {
        w[i] = (struct watcher){ { NULL, note_ended }, 0 };
        bool added = ws__outqueue_add_hook(r->c, &w[i].hook);
        enqueue(r->c, 0);
        bool removed = added && ws__outqueue_remove_hook(r->c, &w[i].hook);
        while (added && !removed && atomic_load(&w[i].ended) == 0)
            ws_yield();
        assert_int_equal(w[i].ended, added && !removed);
    }
    ws_unref(r->c);
}

static void an_end_races_with_those_who_ask(void **state)
{
    (void)state;
    for (int i = 0; i < rounds(200); i++) {
        int raw;
        struct race r = { .c = with_raw(&raw, NULL) };
        ws_fiber *f[2];

        for (int k = 0; k < 2; k++) {
            ws_ref(r.c);
            f[k] = mode_go(asks_and_maybe_leaves, &r);
        }
        if (i % 2)
            ws_shutdown(r.c);
        ws_close(r.c);
        for (int k = 0; k < 2; k++)
            ws_join(f[k]);
        close(raw);
    }
}

/* ---- Memory ------------------------------------------------------------- */

/* What others had is freed in the background. */
static void wait_for_memory(long before)
{
    for (int64_t until = patience(); mode_live() > before;) {
        assert_true(ws_now() < until);
        ws_sleep(1);
    }
}

static void one_without_memory_is_told(void **state)
{
    (void)state;
    int raw;
    ws_prepared *p = numbered(7, SIZE);
    long before = mode_live();

    for (long n = 1;; n++) {
        ws_conn *c = with_raw(&raw, NULL);
        alloc_fail_at(n);
        int error = ws_enqueue_latest(c, p, "key");
        bool failed = alloc_failed();
        alloc_fail_at(0);
        if (error == 0 && !failed)
            assert_int_equal(hear_number(raw), 7);
        else if (error != 0)
            assert_int_equal(error, -ENOMEM);
        end_pair(c, raw);
        if (!failed)
            break;
    }
    wait_for_memory(before);
    ws_prepared_free(p);
}

/* A key is there before what it is the key of. */
static void so_is_one_without_memory_to_compress(void **state)
{
    (void)state;
    ws_conn *server, *client;
    long before = mode_live();

    for (long n = 1;; n++) {
        ws_prepared *p = numbered(7, SIZE);
        compressing(&server, &client, false);
        alloc_fail_at(n);
        int error = ws_enqueue_latest(server, p, "key");
        bool failed = alloc_failed();
        alloc_fail_at(0);
        assert_true(error == 0 || error == -ENOMEM);
        ws_prepared_free(p);
        ws_shutdown(client);
        ws_close(client);
        ws_close(server);
        if (!failed)
            break;
    }
    wait_for_memory(before);
}

static void nothing_is_left_of_what_waited(void **state)
{
    (void)state;
    long before = mode_live();
    int raw, next;
    ws_conn *c = with_slow(&raw, NULL, 100, &next);

    for (int i = 0; i < 10; i++)
        assert_int_equal(enqueue_latest(c, next, "key"), 0);
    end_pair(c, raw);
    wait_for_memory(before);
}

/* ---- The last reference ------------------------------------------------- */

struct last {
    ws_conn *c;
    int raw;
    int waker[2];
    pthread_t thread;
};

static void *let_go_of_it(void *conn)
{
    ws_unref(conn);
    return NULL;
}

/* The loop has an event of the connection at hand meanwhile. */
static void let_go_elsewhere(void *arg)
{
    struct last *l = arg;

    assert_true(ws_wait_fd(l->waker[0], POLLIN, patience()) > 0);
    pthread_create(&l->thread, NULL, let_go_of_it, l->c);
    pthread_join(l->thread, NULL);
}

static void have_the_last_go_elsewhere(void *arg)
{
    struct last l = { 0 };
    ws_message m;

    (void)arg;
    make_pair(l.waker);
    l.c = ws_ref(with_raw(&l.raw, NULL));
    assert_int_equal(enqueue(l.c, 0), 0);
    assert_int_equal(hear_number(l.raw), 0);
    ws_fiber *f = ws_go(let_go_elsewhere, &l);
    ws_yield();
    say_frame(l.raw, FIN | WS_CLOSE, true, "\x03\xe8", 2);
    assert_int_equal(ws_read_message(l.c, &m), WS_ERR_CLOSED);
    say(l.waker[1], "x", 1);
    ws_close(l.c);
    ws_join(f);
    ws_yield();
    close(l.raw);
    close(l.waker[0]);
    close(l.waker[1]);
}

static void what_the_loop_calls_lives_as_long_as_it_may(void **state)
{
    (void)state;
    mode_in_fiber(have_the_last_go_elsewhere, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_handed_over_arrives_in_order),
        cmocka_unit_test(a_burst_for_a_peer_that_has_room_is_within_bounds),
        cmocka_unit_test(clients_mask_what_is_handed_over),
        cmocka_unit_test(large_ones_arrive_between_small_ones),
        cmocka_unit_test(what_waits_goes_though_nobody_reads),
        cmocka_unit_test(so_does_what_waits_of_a_client),
        cmocka_unit_test(what_waits_goes_while_another_reads),
        cmocka_unit_test(a_flush_waits_for_what_waits),
        cmocka_unit_test(a_flush_does_not_wait_for_what_comes),
        cmocka_unit_test(a_mark_is_passed_when_all_before_it_have_gone),
        cmocka_unit_test(a_close_frame_of_the_owner_goes_behind_what_waits),
        cmocka_unit_test(what_waits_is_dropped_behind_a_close_frame),
        cmocka_unit_test(a_peer_gets_what_waited_when_it_was_closed),
        cmocka_unit_test(so_does_one_whose_reader_waits),
        cmocka_unit_test(the_oldest_are_dropped),
        cmocka_unit_test(the_newest_are_dropped),
        cmocka_unit_test(bytes_are_bounded_too),
        cmocka_unit_test(what_is_larger_than_all_may_go_but_not_wait),
        cmocka_unit_test(one_too_slow_is_cut_and_its_reader_wakes),
        cmocka_unit_test(one_that_is_cut_is_told_the_code_of_its_queue),
        cmocka_unit_test(of_one_key_the_latest_goes_in_place_of_the_first),
        cmocka_unit_test(misuse_is_refused),
        cmocka_unit_test(a_pong_goes_ahead_of_what_waits),
        cmocka_unit_test(nothing_goes_within_a_message_in_pieces),
        cmocka_unit_test(one_in_pieces_ends_after_a_cut),
        cmocka_unit_test(writers_and_those_who_hand_over_share),
        cmocka_unit_test(several_may_find_it_full),
        cmocka_unit_test(several_may_cut_it),
        cmocka_unit_test(several_may_flush),
        cmocka_unit_test(each_connection_compresses_as_it_does),
        cmocka_unit_test(compressed_ones_of_several_keep_their_window),
        cmocka_unit_test(a_batch_arrives_in_order_from_where_it_is_told),
        cmocka_unit_test(a_batch_is_compressed_as_each_connection_does),
        cmocka_unit_test(what_does_not_go_of_a_batch_waits),
        cmocka_unit_test(a_batch_goes_behind_one_that_has_begun),
        cmocka_unit_test(a_batch_keeps_the_bounds_and_the_keys),
        cmocka_unit_test(who_loses_some_of_a_batch_is_cut),
        cmocka_unit_test(
            what_the_transport_holds_of_a_batch_is_not_lost_with_it),
        cmocka_unit_test(a_level_may_change_while_a_batch_is_sent),
        cmocka_unit_test(a_batch_says_that_a_connection_has_ended),
        cmocka_unit_test(whoever_asked_is_told_of_the_end_once),
        cmocka_unit_test(an_end_races_with_those_who_ask),
        cmocka_unit_test(one_without_memory_is_told),
        cmocka_unit_test(so_is_one_without_memory_to_compress),
        cmocka_unit_test(nothing_is_left_of_what_waited),
        cmocka_unit_test(what_the_loop_calls_lives_as_long_as_it_may),
    };

    alloc_fail_install();
    return run_in_mode("outqueue", tests, NULL, NULL);
}
