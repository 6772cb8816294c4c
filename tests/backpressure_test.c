/* SPDX-License-Identifier: MIT */

/* What waits to be sent: it can be seen, refused, and given a time of its own. */

#include "pair.h"

#include "mode.h"

enum {
    PASSED = 1, /* a deadline */
    SMALL = 20,
    LARGE = 100 * 1000,
};

static const size_t sizes[] = { 0, 1, SMALL, 16384, 16385, LARGE };

/* ---- Refusing ----------------------------------------------------------- */

/* Messages of n bytes, each with its number, until one is refused.  Returns how
 * many were taken. */
static int try_until_refused(ws_conn *c, char *text, size_t n, int from)
{
    int error, i = from;

    for (;; i++) {
        if (n >= sizeof(i))
            memcpy(text, &i, sizeof(i));
        error = ws_try_write_message(c, WS_BINARY, text, n);
        if (error != 0)
            break;
    }
    assert_int_equal(error, WS_ERR_TIMEOUT);
    return i;
}

static void hear_numbered(int raw, char *text, size_t n, int from, int to)
{
    struct heard h;

    for (int i = from; i < to; i++) {
        assert_true(hear_frame(raw, &h));
        assert_int_equal(h.first, FIN | WS_BINARY);
        assert_int_equal(h.f.len, n);
        if (n >= sizeof(i))
            memcpy(text, &i, sizeof(i));
        assert_memory_equal(h.payload, text, n);
        free(h.payload);
    }
}

static void flush(void *conn)
{
    assert_int_equal(ws_flush(conn), 0);
}

/* All that was taken comes, in order, and nothing that was refused. */
static void what_is_refused_is_not_sent_and_the_rest_is(void **state)
{
    (void)state;
    for (size_t i = 2; i < 2 * COUNT(sizes); i++) {
        size_t n = sizes[i / 2];
        char *text = make_text(n);
        int raw, taken = 0;
        ws_conn *c = with_raw(&raw, &(ws_adoption){ .client = i % 2 });

        for (int round = 0; round < 3; round++) {
            int from = taken;
            taken = try_until_refused(c, text, n, from);
            assert_true(taken > from);
            ws_fiber *f = mode_go(flush, c);
            hear_numbered(raw, text, n, from, taken);
            ws_join(f);
            assert_int_equal(ready(raw), 0);
        }
        free(text);
        close(raw);
        ws_close(c);
    }
}

static void one_that_has_room_is_sent_at_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * COUNT(sizes); i++) {
        size_t n = sizes[i / 2];
        char *text = make_text(n);
        struct heard h;
        int raw;
        ws_conn *c = with_raw(&raw, &(ws_adoption){ .client = i % 2 });

        assert_int_equal(ws_try_write_message(c, WS_TEXT, text, n), 0);
        assert_true(hear_frame(raw, &h));
        assert_int_equal(h.f.len, n);
        assert_memory_equal(h.payload, text, n);
        free(h.payload);
        free(text);
        close(raw);
        ws_close(c);
    }
}

struct reader {
    ws_conn *c;
    int error;
};

static void read_to_the_end(void *arg)
{
    struct reader *r = arg;
    ws_message m;

    do
        r->error = ws_read_message(r->c, &m);
    while (r->error == 0);
}

/* Nobody writes any more: the fiber that reads sends what was left. */
static void what_was_left_goes_while_another_fiber_reads(void **state)
{
    (void)state;
    for (int client = 0; client < 2; client++) {
        char *text = make_text(LARGE);
        int raw;
        ws_conn *c = with_raw(&raw, &(ws_adoption){ .client = client });
        struct reader r = { .c = c };
        int taken = try_until_refused(c, text, LARGE, 0);
        ws_fiber *f = mode_go(read_to_the_end, &r);

        hear_numbered(raw, text, LARGE, 0, taken);
        say_frame(raw, FIN | WS_CLOSE, !client, "\x03\xe8", 2);
        hear_close(raw, WS_CLOSE_NORMAL);
        ws_join(f);
        assert_int_equal(r.error, WS_ERR_CLOSED);
        free(text);
        close(raw);
        ws_close(c);
    }
}

/* An ordinary write, and a control frame, wait for what was left. */
static void what_was_left_goes_before_the_next_write(void **state)
{
    (void)state;
    char *text = make_text(LARGE);
    struct heard h;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);
    int taken = try_until_refused(c, text, LARGE, 0);
    uint64_t timeouts = counted(WS_COUNT_TIMEOUTS);

    assert_int_equal(ws_try_write_message(c, WS_PING, "p", 1), WS_ERR_TIMEOUT);
    assert_int_equal(counted(WS_COUNT_TIMEOUTS), timeouts); /* no time passed */
    assert_int_equal(ws_write_message_by(c, WS_TEXT, "x", 1, PASSED),
                     WS_ERR_TIMEOUT);
    assert_int_equal(counted(WS_COUNT_TIMEOUTS), timeouts + 1);
    hear_numbered(raw, text, LARGE, 0, 1);
    while (ws_try_write_message(c, WS_PING, "p", 1) == WS_ERR_TIMEOUT) {
        assert_true(taken-- > 1);
        assert_true(hear_frame(raw, &h));
        free(h.payload);
    }
    while (--taken > 0) {
        assert_true(hear_frame(raw, &h));
        assert_int_equal(h.f.len, LARGE);
        free(h.payload);
    }
    assert_true(hear_frame(raw, &h));
    assert_int_equal(h.first, FIN | WS_PING);
    free(h.payload);
    free(text);
    close(raw);
    ws_close(c);
}

/* The user's pool gets back what it gave, and nothing else. */
static void *lend(size_t n, void *arg)
{
    ++*(int *)arg;
    return malloc(n);
}

static void take(void *p, size_t n, void *arg)
{
    assert_true(n < LARGE);
    --*(int *)arg;
    free(p);
}

static void a_large_one_leaves_the_users_pool_alone(void **state)
{
    (void)state;
    int out = 0, raw, fds[2];
    const ws_buffer_pool pool = { .get = lend, .put = take, .arg = &out };
    char *text = make_text(LARGE);

    make_pair(fds);
    raw = fds[1];
    ws_conn *c =
        set_up(fds[0], &(struct ws__setup){ .write_buffer_pool = &pool });
    int taken = try_until_refused(c, text, LARGE, 0);
    assert_int_equal(out, 0);
    ws_fiber *f = mode_go(flush, c);
    hear_numbered(raw, text, LARGE, 0, taken);
    ws_join(f);
    assert_int_equal(ws_write_text(c, "x"), 0);
    assert_int_equal(out, 0);
    free(text);
    close(raw);
    ws_close(c);
}

static void without_memory_nothing_is_sent(void **state)
{
    (void)state;
    char *text = make_text(LARGE);
    struct heard h;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    assert_int_equal(ws_write_text(c, "x"), 0); /* its buffers are there */
    alloc_fail_from(1);
    assert_int_equal(ws_try_write_message(c, WS_BINARY, text, LARGE), -ENOMEM);
    alloc_fail_at(0);
    assert_int_equal(ws_try_write_message(c, WS_BINARY, text, LARGE), 0);
    assert_true(hear_frame(raw, &h));
    assert_int_equal(h.f.len, 1);
    free(h.payload);
    assert_true(hear_frame(raw, &h));
    assert_int_equal(h.f.len, LARGE);
    free(h.payload);
    free(text);
    close(raw);
    ws_close(c);
}

/* A window that lives on has not seen what was refused. */
static void what_is_compressed_is_whole_after_a_refusal(void **state)
{
    (void)state;
    for (int takeover = 0; takeover < 2; takeover++) {
        const struct ws__deflate_params deflate = { .on = true,
                                                    .server_takeover = takeover,
                                                    .client_takeover = takeover,
                                                    .server_bits = 15,
                                                    .client_bits = 15 };
        char *text = make_text(LARGE);
        int fds[2], taken = 0, got = 0;
        ws_message m;

        make_pair(fds);
        ws_conn *c = set_up(fds[0], &(struct ws__setup){ .deflate = deflate });
        ws_conn *peer = set_up(
            fds[1], &(struct ws__setup){ .client = true, .deflate = deflate });
        for (int round = 0; round < 2; round++) {
            taken = try_until_refused(c, text, LARGE, taken);
            while (got < taken - 1) {
                assert_int_equal(ws_read_message(peer, &m), 0);
                assert_memory_equal(m.data, &got, sizeof(got));
                assert_int_equal(m.len, LARGE);
                got++;
            }
            ws_fiber *f = mode_go(flush, c);
            assert_int_equal(ws_read_message(peer, &m), 0);
            assert_memory_equal(m.data, &got, sizeof(got));
            got++;
            ws_join(f);
        }
        free(text);
        ws_close(peer);
        ws_close(c);
    }
}

static void who_writes_in_pieces_makes_others_be_refused(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    assert_int_equal(ws_next_writer(c, WS_TEXT), 0);
    assert_int_equal(ws_try_write_message(c, WS_TEXT, "x", 1), WS_ERR_BUSY);
    assert_int_equal(ws_end_message(c), 0);
    assert_int_equal(ws_try_write_message(c, WS_TEXT, "x", 1), 0);
    assert_int_equal(ws_try_write_message(NULL, WS_TEXT, "x", 1),
                     WS_ERR_INVALID);
    assert_int_equal(ws_try_write_message(c, WS_TEXT, NULL, 1), WS_ERR_INVALID);
    assert_int_equal(ws_try_write_message(c, WS_CLOSE, "x", 1), WS_ERR_INVALID);
    assert_int_equal(ws_write_message_by(NULL, WS_TEXT, "x", 1, 0),
                     WS_ERR_INVALID);
    close(raw);
    ws_close(c);
}

/* ---- A time of its own -------------------------------------------------- */

static void the_deadline_of_one_write_is_no_others(void **state)
{
    (void)state;
    char *text = make_text(LARGE);
    int raw, taken;
    ws_conn *c = with_raw(&raw, NULL);

    ws_set_write_deadline(c, PASSED);
    taken = try_until_refused(c, text, LARGE, 0);
    assert_int_equal(ws_write_text(c, "x"), WS_ERR_TIMEOUT);
    assert_int_equal(ws_write_message_by(c, WS_TEXT, "x", 1, ws_after(1)),
                     WS_ERR_TIMEOUT);
    ws_set_write_deadline(c, 0);
    assert_int_equal(ws_write_message_by(c, WS_TEXT, "x", 1, PASSED),
                     WS_ERR_TIMEOUT);
    ws_fiber *f = mode_go(flush, c);
    hear_numbered(raw, text, LARGE, 0, taken);
    ws_join(f);
    ws_set_write_deadline(c, PASSED);
    assert_int_equal(ws_write_message_by(c, WS_TEXT, "x", 1, 0), 0);
    free(text);
    close(raw);
    ws_close(c);
}

/* ---- Seeing it ---------------------------------------------------------- */

static void what_the_peer_has_not_taken_can_be_seen(void **state)
{
    (void)state;
    char *text = make_text(LARGE);
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    assert_int_equal(ws_buffered(NULL), 0);
    assert_int_equal(ws_buffered(c), 0);
    int taken = try_until_refused(c, text, LARGE, 0);
    size_t all = (size_t)taken * (LARGE + 10);
    assert_true(ws_buffered(c) >= all);
    hear_numbered(raw, text, LARGE, 0, 1);
    size_t now = ws_buffered(c);
    assert_true(now >= all - (LARGE + 10));
    ws_fiber *f = mode_go(flush, c);
    hear_numbered(raw, text, LARGE, 1, taken);
    ws_join(f);
    assert_int_equal(ws_buffered(c), 0);
    free(text);
    close(raw);
    ws_close(c);
}

static void write_large(void *conn)
{
    char *text = make_text(10 * LARGE);

    assert_int_equal(ws_write_message(conn, WS_BINARY, text, 10 * LARGE), 0);
    free(text);
}

/* While another one holds the lock, and waits. */
static void what_somebody_waits_to_send_can_be_seen(void **state)
{
    (void)state;
    struct heard h;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);
    ws_fiber *f = mode_go(write_large, c);

    for (int64_t limit = patience(); ws_buffered(c) < 10 * LARGE; ws_sleep(1))
        assert_true(ws_now() < limit);
    assert_true(hear_frame(raw, &h));
    free(h.payload);
    ws_join(f);
    for (int64_t limit = patience(); ws_buffered(c) > 0; ws_sleep(1))
        assert_true(ws_now() < limit);
    close(raw);
    ws_close(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_refused_is_not_sent_and_the_rest_is),
        cmocka_unit_test(one_that_has_room_is_sent_at_once),
        cmocka_unit_test(what_was_left_goes_while_another_fiber_reads),
        cmocka_unit_test(what_was_left_goes_before_the_next_write),
        cmocka_unit_test(a_large_one_leaves_the_users_pool_alone),
        cmocka_unit_test(without_memory_nothing_is_sent),
        cmocka_unit_test(what_is_compressed_is_whole_after_a_refusal),
        cmocka_unit_test(who_writes_in_pieces_makes_others_be_refused),
        cmocka_unit_test(the_deadline_of_one_write_is_no_others),
        cmocka_unit_test(what_the_peer_has_not_taken_can_be_seen),
        cmocka_unit_test(what_somebody_waits_to_send_can_be_seen),
    };
    alloc_fail_install();
    return run_in_mode("backpressure", tests, NULL, NULL);
}
