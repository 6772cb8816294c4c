/* SPDX-License-Identifier: MIT */

#include "pair.h"

#include "fiber/sched.h"
#include "mode.h"
#include "conn/alive.h"
#include "conn/extras.h"
#include "conn/inbox.h"

enum { INTERVAL_MS = 25 * 1000 };

/* ---- At the time that a test says ----------------------------------------- */

/* A connection whose peer was last heard of at *then, over TCP or not. */
static ws_conn *begin(bool tcp, const ws_adoption *a, int *raw, int64_t *then)
{
    int fds[2];

    if (tcp)
        make_tcp_pair(fds);
    else
        make_pair(fds);
    *raw = fds[1];
    ws_conn *c = adopt(fds[0], a);
    *then = ws__alive_begin(c);
    return c;
}

static void hear_ping(int raw)
{
    struct heard h;

    assert_true(hear_frame(raw, &h));
    assert_int_equal(h.first, FIN | WS_PING);
    assert_int_equal(h.f.len, 0);
    free(h.payload);
}

static void hear_goodbye(int raw, const char *reason)
{
    struct heard h;

    assert_true(hear_frame(raw, &h));
    assert_int_equal(h.first, FIN | WS_CLOSE);
    assert_int_equal(load_be((const uint8_t *)h.payload, 2), WS_CLOSE_INTERNAL);
    assert_string_equal(h.payload + 2, reason);
    free(h.payload);
}

/* Then it is acknowledged, over TCP. */
static void send_bytes(ws_conn *c, bool tcp, size_t n)
{
    int64_t before = ws__stream_acked(&c->stream), limit = patience();
    char *text = make_text(n);

    assert_int_equal(ws_write_message(c, WS_BINARY, text, n), 0);
    while (tcp && ws__stream_acked(&c->stream) < before + (int64_t)n) {
        assert_true(ws_now() < limit);
        ws_sleep(1);
    }
    free(text);
}

/* Then it is acknowledged, over a local socket. */
static void take_bytes(int raw, size_t n)
{
    char *buf = malloc(n);

    assert_true(hear_n(raw, buf, n));
    free(buf);
}

static void a_server_pings_before_proxies_give_up(void **state)
{
    (void)state;
    uint64_t cut = counted(WS_COUNT_CUT_DEAD);
    int64_t then;
    int raw;
    ws_conn *c = begin(false, NULL, &raw, &then);

    assert_int_equal(ws__alive_at(c), then + INTERVAL_MS);
    assert_int_equal(ws__alive_check(c, then + INTERVAL_MS - 1), 0);
    assert_int_equal(ready(raw), 0);
    assert_int_equal(ws__alive_check(c, then + INTERVAL_MS), 0);
    hear_ping(raw);
    assert_int_equal(ws__alive_at(c), then + 2 * INTERVAL_MS);
    assert_int_equal(ws__alive_check(c, then + 2 * INTERVAL_MS - 1), 0);
    assert_int_equal(ws__alive_check(c, then + 2 * INTERVAL_MS), WS_ERR_DEAD);
    assert_int_equal(counted(WS_COUNT_CUT_DEAD), cut + 1);
    hear_goodbye(raw, "no answer to a ping within 25000 ms");
    assert_string_equal(ws_conn_error(c)->text,
                        "the peer no longer answers: no answer to a ping "
                        "within 25000 ms");
    close(raw);
    ws_close(c);
}

static void silence_is_the_reason_though_the_goodbye_is_not_taken(void **state)
{
    (void)state;
    int64_t then;
    int raw;
    ws_conn *c = begin(false, NULL, &raw, &then);

    assert_int_equal(ws__alive_check(c, then + INTERVAL_MS), 0);
    hear_ping(raw);
    shutdown(raw, SHUT_RD);
    assert_int_equal(ws__alive_check(c, then + 2 * INTERVAL_MS), WS_ERR_DEAD);
    assert_int_equal(ws_conn_error(c)->code, WS_ERR_DEAD);
    close(raw);
    ws_close(c);
}

/* A server whose handler only writes answers no ping. */
static void a_client_pings_and_gives_up_only_if_told_to(void **state)
{
    (void)state;
    for (int told = 0; told < 2; told++) {
        int64_t then;
        int raw;
        ws_conn *c = begin(
            false,
            &(ws_adoption){ .client = true, .ping_interval_ms = told * 1000 },
            &raw, &then);
        int ms = told ? 1000 : INTERVAL_MS;

        assert_int_equal(ws__alive_check(c, then + ms - 1), 0);
        assert_int_equal(ready(raw), 0);
        assert_int_equal(ws__alive_check(c, then + ms), 0);
        hear_ping(raw);
        for (int i = 2; i < 100 && !told; i++) {
            assert_int_equal(ws__alive_check(c, then + i * ms), 0);
            hear_ping(raw);
        }
        if (told)
            assert_int_equal(ws__alive_check(c, then + 2 * ms), WS_ERR_DEAD);
        close(raw);
        ws_close(c);
    }
}

static void without_an_interval_there_is_no_ping(void **state)
{
    (void)state;
    for (int client = 0; client < 2; client++) {
        int64_t then;
        int raw;
        ws_conn *c = begin(
            false, &(ws_adoption){ .client = client, .ping_interval_ms = -1 },
            &raw, &then);

        assert_int_equal(ws__alive_at(c), 0);
        assert_int_equal(ws__alive_check(c, then + (1LL << 40)), 0);
        assert_int_equal(ready(raw), 0);
        close(raw);
        ws_close(c);
    }
}

/* The ping, and its answer, come behind what is still on its way. */
static void what_the_peer_takes_is_a_sign_of_life(void **state)
{
    (void)state;
    enum { N = 3000, FRAME = 4 + N };

    for (int tcp = 0; tcp < 2; tcp++)
        for (int client = 0; client < 2; client++) {
            int64_t then;
            int raw;
            ws_conn *c = begin(
                tcp,
                &(ws_adoption){ .client = client, .ping_interval_ms = 1000 },
                &raw, &then);
            size_t frame = FRAME + (client ? 4 : 0);

            send_bytes(c, tcp, N);
            send_bytes(c, tcp, N);
            assert_int_equal(ws__alive_check(c, then += 1000), 0);
            for (int i = 0; i < 2; i++) {
                take_bytes(raw, frame);
                if (tcp)
                    send_bytes(c, tcp, N);
                assert_int_equal(ws__alive_check(c, then += 1000), 0);
            }
            assert_int_equal(ws__alive_check(c, then += 999), 0);
            assert_int_equal(ws__alive_check(c, then += 1), WS_ERR_DEAD);
            close(raw);
            ws_close(c);
        }
}

/* Of what is counted only some bits are kept. */
static void a_peer_that_takes_gigabytes_is_alive(void **state)
{
    (void)state;
    int64_t then;
    int raw;
    ws_conn *c = begin(true, NULL, &raw, &then);

    send_bytes(c, true, 1000);
    assert_int_equal(ws__alive_check(c, then += INTERVAL_MS), 0);
    c->acked -= 3U << 30;
    assert_int_equal(ws__alive_check(c, then += INTERVAL_MS), 0);
    close(raw);
    ws_close(c);
}

/* The kernel of a peer that hangs acknowledges it. */
static void a_ping_that_was_taken_is_no_sign_of_life(void **state)
{
    (void)state;
    int64_t then, limit = patience();
    int raw;
    ws_conn *c = begin(true, NULL, &raw, &then);
    int64_t acked = ws__stream_acked(&c->stream);

    assert_int_equal(ws__alive_check(c, then += INTERVAL_MS), 0);
    while (ws__stream_acked(&c->stream) == acked) {
        assert_true(ws_now() < limit);
        ws_sleep(1);
    }
    assert_int_equal(ws__alive_check(c, then += INTERVAL_MS), WS_ERR_DEAD);
    close(raw);
    ws_close(c);
}

/* A local socket that is kept full looks the same all the time. */
static void a_writer_that_waits_for_a_local_peer_has_its_own_limit(void **state)
{
    (void)state;
    int64_t then;
    int raw;
    ws_conn *c = begin(false, NULL, &raw, &then);

    send_bytes(c, false, 1000);
    assert_int_equal(ws__alive_check(c, then += INTERVAL_MS), 0);
    atomic_store(&c->w.waiting, true);
    assert_int_equal(ws__alive_check(c, then += INTERVAL_MS), 0);
    atomic_store(&c->w.waiting, false);
    assert_int_equal(ws__alive_check(c, then += INTERVAL_MS), WS_ERR_DEAD);
    close(raw);
    ws_close(c);
}

/* ---- The rate of a message ------------------------------------------------ */

enum { WINDOW_MS = 60 * 1000, RATE = 1000, ENOUGH = 60 * RATE };

/* A connection that nothing but the rate ends. */
static ws_conn *with_rate(int *raw)
{
    return with_raw(
        raw, &(ws_adoption){ .ping_interval_ms = -1, .min_read_rate = RATE });
}

/* The first bytes of a message that is larger than all that follow. */
static void begin_large(int raw)
{
    uint8_t head[14] = { FIN | WS_BINARY, FIN | 127 };

    store_be(head + 2, 1 << 24, 8);
    say(raw, head, sizeof(head));
}

/* Take what is there, and then it is as if one had waited for a second. */
static void take_and_wait(ws_conn *c)
{
    ws_message m;

    ws_set_read_deadline(c, 1);
    assert_int_equal(ws_read_message(c, &m), WS_ERR_TIMEOUT);
    ws__alive_wait(c);
    if (c->r.inbox)
        c->r.inbox->waits_since -= 1000;
}

static void say_bytes(int raw, size_t n)
{
    char *bytes = calloc(1, n);

    assert_non_null(bytes);
    say(raw, bytes, n);
    free(bytes);
}

static void hear_policy(int raw, const char *reason)
{
    struct heard h;

    assert_true(hear_frame(raw, &h));
    assert_int_equal(h.first, FIN | WS_CLOSE);
    assert_int_equal(load_be((const uint8_t *)h.payload, 2), WS_CLOSE_POLICY);
    assert_string_equal(h.payload + 2, reason);
    free(h.payload);
}

static void a_message_that_keeps_the_rate_is_waited_for(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_rate(&raw);

    begin_large(raw);
    take_and_wait(c);
    for (int i = 0; i < 20; i++) {
        say_bytes(raw, ENOUGH);
        take_and_wait(c);
        int64_t at = ws__alive_at(c);
        assert_int_equal(ws__alive_check(c, at - 1), 0);
        assert_int_equal(ws__alive_check(c, at), 0);
        assert_int_equal(ws__alive_at(c), at + WINDOW_MS);
    }
    say_bytes(raw, ENOUGH - 1);
    take_and_wait(c);
    assert_int_equal(ws__alive_check(c, ws__alive_at(c) - 1), 0);
    uint64_t cut = counted(WS_COUNT_CUT_SLOW);
    assert_int_equal(ws__alive_check(c, ws__alive_at(c)), WS_ERR_SLOW);
    assert_int_equal(counted(WS_COUNT_CUT_SLOW), cut + 1);
    hear_policy(raw, "59999 bytes of a message in 60000 ms, expected at least "
                     "60000");
    assert_string_equal(ws_conn_error(c)->text,
                        "the peer is too slow: 59999 bytes of a message "
                        "in 60000 ms, expected at least 60000");
    close(raw);
    ws_close(c);
}

/* Nor does what came before the first wait. */
static void pings_and_empty_frames_do_not_count(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_rate(&raw);
    char *text = make_text(125);
    struct heard h;

    say_frame(raw, WS_BINARY, true, "begun", 5);
    take_and_wait(c);
    for (int i = 0; i < ENOUGH / 125; i++) {
        say_frame(raw, FIN | WS_PING, true, text, 125);
        say_frame(raw, 0, true, "", 0);
        take_and_wait(c);
        assert_true(hear_frame(raw, &h));
        free(h.payload);
    }
    assert_int_equal(ws__alive_check(c, ws__alive_at(c)), WS_ERR_SLOW);
    hear_policy(raw,
                "0 bytes of a message in 60000 ms, expected at least 60000");
    free(text);
    close(raw);
    ws_close(c);
}

static void each_message_has_a_time_of_its_own(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_rate(&raw);
    ws_message m;

    say_frame(raw, WS_BINARY, true, "begun", 5);
    take_and_wait(c);
    c->r.inbox->waits_since -= WINDOW_MS - 1;
    ws__alive_go_on(c);
    assert_in_range(c->r.inbox->reader.waited_ms, WINDOW_MS - 1, WINDOW_MS * 2);

    uint8_t bytes[64];
    size_t n = make_frame(bytes, FIN, true, "ended", 5);
    n += make_frame(bytes + n, WS_BINARY, true, "begun", 5);
    say(raw, bytes, n);
    assert_int_equal(ws_read_message(c, &m), 0);
    int64_t now = ws_now();
    take_and_wait(c);
    assert_true(ws__alive_at(c) >= now + WINDOW_MS - 1000);
    close(raw);
    ws_close(c);
}

static void only_waiting_for_the_rest_takes_time(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_rate(&raw);
    ws_message m;

    ws_set_read_deadline(c, 1);
    assert_int_equal(ws_read_message(c, &m), WS_ERR_TIMEOUT);
    ws__alive_wait(c); /* no message has begun */
    assert_int_equal(ws__alive_at(c), 0);
    say(raw, "\x89\x80", 2); /* and what has is none */
    assert_int_equal(ws_read_message(c, &m), WS_ERR_TIMEOUT);
    ws__alive_wait(c);
    assert_non_null(c->r.inbox);
    assert_int_equal(ws__alive_at(c), 0);
    say(raw, "keys", 4);
    assert_int_equal(ws_read_message(c, &m), WS_ERR_TIMEOUT);
    begin_large(raw);
    assert_int_equal(ws_read_message(c, &m), WS_ERR_TIMEOUT);
    assert_int_equal(ws__alive_at(c), 0); /* nobody reads */
    ws__alive_wait(c);
    assert_in_range(ws__alive_at(c), ws_now(), ws_after(WINDOW_MS));
    close(raw);
    ws_close(c);
}

static void what_is_read_in_pieces_may_come_slowly(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_rate(&raw);
    ws_type type;
    char buf[8];

    say_frame(raw, WS_BINARY, true, "begun", 5);
    assert_int_equal(ws_next_reader(c, &type), 0);
    assert_int_equal(ws_read(c, buf, sizeof(buf)), 5);
    ws_set_read_deadline(c, 1);
    assert_int_equal(ws_read(c, buf, sizeof(buf)), WS_ERR_TIMEOUT);
    ws__alive_wait(c);
    assert_int_equal(ws__alive_at(c), 0);
    close(raw);
    ws_close(c);
}

static void there_need_be_no_rate(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(
        &raw, &(ws_adoption){ .ping_interval_ms = -1, .min_read_rate = -1 });

    ws_message m;

    begin_large(raw);
    ws_set_read_deadline(c, 1);
    assert_int_equal(ws_read_message(c, &m), WS_ERR_TIMEOUT);
    ws__alive_wait(c);
    assert_int_equal(ws__alive_at(c), 0);
    close(raw);
    ws_close(c);
}

/* 100 KiB/s is enough, and so is a hundredth of that. */
static void both_ends_expect_1_KiB_a_second(void **state)
{
    (void)state;
    for (int client = 0; client < 2; client++) {
        const struct ws__extras *x = &ws__usual[client];

        assert_int_equal(x->min_read_rate, 1024);
        assert_int_equal(x->rate_window_ms, WINDOW_MS);
    }
}

/* ---- In reads ------------------------------------------------------------- */

static void expect_dead(ws_conn *c)
{
    ws_message m;

    assert_int_equal(ws_read_message(c, &m), WS_ERR_DEAD);
    assert_int_equal(ws_conn_error(c)->code, WS_ERR_DEAD);
    assert_int_equal(ws_close_code(c), WS_CLOSE_ABNORMAL);
}

/* Nobody has read for long: then a ping has its time all the same. */
static void a_ping_that_goes_late_has_time_for_its_answer(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);
    ws_message m;

    ws_set_read_deadline(c, ws_after(1));
    assert_int_equal(ws_read_message(c, &m), WS_ERR_TIMEOUT);
    c->r.idle_since -= 10 * INTERVAL_MS;
    ws_set_read_deadline(c, ws_after(50));
    assert_int_equal(ws_read_message(c, &m), WS_ERR_TIMEOUT);
    hear_ping(raw);
    close(raw);
    ws_close(c);
}

static void silence_is_answered_by_a_ping_and_then_by_the_end(void **state)
{
    (void)state;
    ws_yield();
    int raw;
    ws_conn *c = with_raw(&raw, &(ws_adoption){ .ping_interval_ms = 30 });
    struct heard h;
    ws_message m;

    /* It counts over reads that time out. */
    int64_t began = ws__now_about(); /* by the clock that it goes by */
    int error;
    do {
        ws_set_read_deadline(c, ws_after(5));
        error = ws_read_message(c, &m);
    } while (error == WS_ERR_TIMEOUT);
    assert_int_equal(error, WS_ERR_DEAD);
    assert_true(ws_now() - began >= 60);
    assert_true(hear_frame(raw, &h));
    assert_int_equal(h.first, FIN | WS_PING);
    assert_int_equal(h.f.len, 0);
    free(h.payload);
    hear_goodbye(raw, "no answer to a ping within 30 ms");
    assert_int_equal(ready(raw), 0);
    expect_dead(c);
    close(raw);
    ws_close(c);
}

/* The worker's own idea of the time is from before its fiber computed. */
static void be_silent_after_computing(void *arg)
{
    (void)arg;
    int raw;
    ws_conn *c = with_raw(&raw, &(ws_adoption){ .ping_interval_ms = 50 });
    ws_message m;

    ws_yield();
    for (int64_t until = ws_after(200); ws_now() < until;)
        continue;
    int64_t began = ws_now();
    assert_int_equal(ws_read_message(c, &m), WS_ERR_DEAD);
    assert_true(ws_now() - began >= 100);
    close(raw);
    ws_close(c);
}

static void silence_begins_when_reading_does(void **state)
{
    (void)state;
    mode_in_fiber(be_silent_after_computing, NULL);
}

/* Else the second ping would be the end. */
static void any_byte_is_a_sign_of_life(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);
    ws_message m;

    ws_set_read_deadline(c, 1);
    assert_int_equal(ws_read_message(c, &m), WS_ERR_TIMEOUT);
    for (int i = 0; i < 3; i++) {
        c->r.idle_since -= INTERVAL_MS;
        do {
            ws_set_read_deadline(c, ws_after(50));
            assert_int_equal(ws_read_message(c, &m), WS_ERR_TIMEOUT);
        } while (ready(raw) == 0);
        hear_ping(raw);
        say_frame(raw, FIN | WS_PONG, true, "", 0);
        ws_set_read_deadline(c, 1);
        assert_int_equal(ws_read_message(c, &m), WS_ERR_TIMEOUT);
    }
    close(raw);
    ws_close(c);
}

/* A byte now and then, and pings, as long as it is heard. */
static void trickle(void *arg)
{
    const int *raw = arg;
    uint8_t ping[6 + 1] = { FIN | WS_PING, FIN };

    while (send(*raw, ping, sizeof(ping) - 1, MSG_NOSIGNAL) > 0)
        ws_sleep(1);
}

static void a_trickle_ends_whatever_is_said_between(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);
    ws_message m;

    ws__extras_own(c)->rate_window_ms = 50;
    say_frame(raw, WS_BINARY, true, "begun", 5);
    ws_fiber *f = mode_go(trickle, &raw);
    assert_int_equal(ws_read_message(c, &m), WS_ERR_SLOW);
    assert_int_equal(ws_close_code(c), WS_CLOSE_ABNORMAL);
    shutdown(raw, SHUT_RDWR);
    ws_join(f);
    close(raw);
    ws_close(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_pings_before_proxies_give_up),
        cmocka_unit_test(silence_is_the_reason_though_the_goodbye_is_not_taken),
        cmocka_unit_test(a_client_pings_and_gives_up_only_if_told_to),
        cmocka_unit_test(without_an_interval_there_is_no_ping),
        cmocka_unit_test(what_the_peer_takes_is_a_sign_of_life),
        cmocka_unit_test(a_peer_that_takes_gigabytes_is_alive),
        cmocka_unit_test(a_ping_that_was_taken_is_no_sign_of_life),
        cmocka_unit_test(
            a_writer_that_waits_for_a_local_peer_has_its_own_limit),
        cmocka_unit_test(a_message_that_keeps_the_rate_is_waited_for),
        cmocka_unit_test(pings_and_empty_frames_do_not_count),
        cmocka_unit_test(each_message_has_a_time_of_its_own),
        cmocka_unit_test(only_waiting_for_the_rest_takes_time),
        cmocka_unit_test(what_is_read_in_pieces_may_come_slowly),
        cmocka_unit_test(there_need_be_no_rate),
        cmocka_unit_test(both_ends_expect_1_KiB_a_second),
        cmocka_unit_test(a_ping_that_goes_late_has_time_for_its_answer),
        cmocka_unit_test(silence_is_answered_by_a_ping_and_then_by_the_end),
        cmocka_unit_test(silence_begins_when_reading_does),
        cmocka_unit_test(any_byte_is_a_sign_of_life),
        cmocka_unit_test(a_trickle_ends_whatever_is_said_between),
    };

    return run_in_mode("alive", tests, NULL, NULL);
}
