/* SPDX-License-Identifier: MIT */

#include "pair.h"

#include "conn/outbox.h"
#include "mode.h"

/* Says goodbye with this code (0: without one), which is read. */
static void read_goodbye(ws_conn *c, int raw, int code)
{
    const uint8_t payload[] = { (uint8_t)(code >> 8), (uint8_t)code };
    ws_message m;

    say_frame(raw, FIN | WS_CLOSE, true, payload, code ? 2 : 0);
    assert_int_equal(ws_read_message(c, &m), WS_ERR_CLOSED);
    assert_int_equal(ws_close_code(c), code ? code : WS_CLOSE_NO_STATUS);
}

static ws_conn *that_holds(int *raw, int ms, int code)
{
    ws_conn *c = with_raw(raw, NULL);

    ws_set_close_delay(c, ms);
    read_goodbye(c, *raw, code);
    return c;
}

static void expect_nothing_more(ws_conn *c)
{
    assert_int_equal(ws_write_text(c, "late"), WS_ERR_CLOSE_SENT);
    assert_int_equal(ws_write_close(c, WS_CLOSE_NORMAL, NULL),
                     WS_ERR_CLOSE_SENT);
}

static void what_is_still_to_be_said_goes_before_the_answer(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = that_holds(&raw, -1, WS_CLOSE_GOING_AWAY);

    assert_int_equal(ws_write_text(c, "the rest"), 0);
    hear_text(raw, "the rest");
    assert_int_equal(ready(raw), 0);
    assert_int_equal(ws_write_close(c, WS_CLOSE_NORMAL, NULL), 0);
    hear_close(raw, WS_CLOSE_NORMAL);
    expect_nothing_more(c);
    ws_close(c);
    hear_end(raw);
    close(raw);
}

static void the_close_answers_with_the_peers_code(void **state)
{
    (void)state;
    static const int codes[] = { WS_CLOSE_GOING_AWAY, 4000, 0 };

    for (size_t i = 0; i < COUNT(codes); i++) {
        int raw;
        ws_conn *c = that_holds(&raw, 60000, codes[i]);

        ws_close(c);
        hear_close(raw, codes[i]);
        hear_end(raw);
        close(raw);
    }
}

static void finishing_answers(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = that_holds(&raw, -1, WS_CLOSE_GOING_AWAY);

    assert_int_equal(ws_finish(c, WS_CLOSE_NORMAL, NULL, patience()), 0);
    hear_close(raw, WS_CLOSE_NORMAL);
    ws_close(c);
    hear_end(raw);
    close(raw);
}

static void a_goodbye_of_the_server_answers(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = that_holds(&raw, -1, WS_CLOSE_NORMAL);

    ws__outbox_goodbye(c, WS_CLOSE_GOING_AWAY, NULL);
    hear_close(raw, WS_CLOSE_GOING_AWAY);
    expect_nothing_more(c);
    ws_close(c);
    close(raw);
}

static void a_message_in_pieces_is_ended_before_the_answer(void **state)
{
    (void)state;
    int raw;
    struct heard h;
    ws_conn *c = with_raw(&raw, NULL);

    ws_set_close_delay(c, -1);
    assert_int_equal(ws_next_writer(c, WS_TEXT), 0);
    assert_int_equal(ws_write(c, "one", 3), 0);
    assert_int_equal(ws_flush(c), 0);
    read_goodbye(c, raw, WS_CLOSE_NORMAL);
    assert_int_equal(ws_write(c, "two", 3), 0);
    assert_int_equal(ws_end_message(c), 0);
    ws_close(c);

    assert_true(hear_frame(raw, &h));
    assert_int_equal(h.first, WS_TEXT);
    free(h.payload);
    assert_true(hear_frame(raw, &h));
    assert_int_equal(h.first, FIN);
    assert_string_equal(h.payload, "two");
    free(h.payload);
    hear_close(raw, WS_CLOSE_NORMAL);
    close(raw);
}

/* ---- Too late ------------------------------------------------------------ */

static void write_on(void *conn)
{
    int error;

    while ((error = ws_write_text(conn, "more")) == 0)
        ws_yield();
    assert_int_equal(error, WS_ERR_CLOSE_SENT);
}

/* Hears text after text, and then the answer. */
static void hear_until_close(int raw, int code)
{
    struct heard h;

    for (;;) {
        assert_true(hear_frame(raw, &h));
        bool text = h.first == (FIN | WS_TEXT);
        if (!text)
            assert_int_equal(load_be((const uint8_t *)h.payload, 2), code);
        free(h.payload);
        if (!text)
            return;
    }
}

/* There are writes before the peer's close frame, beside it, and too late. */
static void a_write_that_comes_too_late_answers_instead(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);
    ws_fiber *f = mode_go(write_on, c);

    ws_set_close_delay(c, 5);
    read_goodbye(c, raw, WS_CLOSE_GOING_AWAY);
    hear_until_close(raw, WS_CLOSE_GOING_AWAY);
    ws_join(f);
    expect_nothing_more(c);
    ws_close(c);
    hear_end(raw);
    close(raw);
}

/* ---- What is not held ---------------------------------------------------- */

static void unless_it_is_asked_for_the_answer_goes_at_once(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = that_holds(&raw, 0, WS_CLOSE_GOING_AWAY);

    hear_close(raw, WS_CLOSE_GOING_AWAY);
    expect_nothing_more(c);
    ws_close(c);
    close(raw);
}

static int keep_quiet(ws_conn *c, int code, const char *reason, void *arg)
{
    (void)c;
    (void)reason;
    *(int *)arg = code;
    return 0;
}

static void a_close_handler_decides_by_itself(void **state)
{
    (void)state;
    int raw, heard = 0;
    ws_conn *c = with_raw(&raw, NULL);

    ws_set_close_delay(c, 1);
    ws_set_close_handler(c, keep_quiet, &heard);
    read_goodbye(c, raw, WS_CLOSE_GOING_AWAY);
    assert_int_equal(heard, WS_CLOSE_GOING_AWAY);
    assert_int_equal(ws_write_text(c, "on"), 0);
    hear_text(raw, "on");
    ws_close(c);
    hear_end(raw);
    close(raw);
}

/* A goodbye of ours that went first is not said twice. */
static void our_own_goodbye_is_no_answer(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    ws_set_close_delay(c, -1);
    assert_int_equal(ws_write_close(c, WS_CLOSE_NORMAL, NULL), 0);
    hear_close(raw, WS_CLOSE_NORMAL);
    read_goodbye(c, raw, WS_CLOSE_NORMAL);
    expect_nothing_more(c);
    ws_close(c);
    hear_end(raw);
    close(raw);
}

/* ---- With the end, or before it ------------------------------------------ */

/* Only what is to go alone may wait for the owner's next step. */
static void answer_behind_another(void *arg)
{
    uint8_t all[64];
    size_t n = make_frame(all, FIN | WS_TEXT, true, "ask", 3);
    int raw;
    ws_conn *c = with_raw(&raw, NULL);
    ws_message m;

    (void)arg;
    n += make_frame(all + n, FIN | WS_TEXT, true, "mute", 4);
    n += make_frame(all + n, FIN | WS_CLOSE, true, "\x03\xe8", 2);
    say(raw, all, n);
    assert_int_equal(ws_read_message(c, &m), 0);
    assert_int_equal(ws_write_text(c, "told"), 0);
    assert_int_equal(ws_read_message(c, &m), 0);
    assert_int_equal(ready(raw), 0);
    assert_int_equal(ws_read_message(c, &m), WS_ERR_CLOSED);
    assert_int_equal(ready(raw), 6 + 4);
    hear_text(raw, "told");
    hear_close(raw, WS_CLOSE_NORMAL);
    ws_close(c);
    hear_end(raw);
    close(raw);
}

static void one_that_was_held_back_takes_the_answer_along(void **state)
{
    (void)state;
    mode_in_fiber(answer_behind_another, NULL);
}

/* Over TCP, which knows of what follows. */
static bool answers_at_once(void)
{
    int fds[2];

    make_tcp_pair(fds);
    ws_conn *c = adopt(fds[0], NULL);
    ws_set_coalescing(c, false);
    read_goodbye(c, fds[1], WS_CLOSE_NORMAL);
    bool is_there = ready(fds[1]) == 4;
    hear_close(fds[1], WS_CLOSE_NORMAL);
    ws_close(c);
    hear_end(fds[1]);
    close(fds[1]);
    return is_there;
}

/* The kernel may have been busy. */
static void answer_uncoalesced(void *arg)
{
    int tries = 100;

    (void)arg;
    while (!answers_at_once())
        assert_true(--tries > 0);
}

static void where_nothing_is_held_back_the_answer_is_not(void **state)
{
    (void)state;
    mode_in_fiber(answer_uncoalesced, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_still_to_be_said_goes_before_the_answer),
        cmocka_unit_test(the_close_answers_with_the_peers_code),
        cmocka_unit_test(finishing_answers),
        cmocka_unit_test(a_goodbye_of_the_server_answers),
        cmocka_unit_test(a_message_in_pieces_is_ended_before_the_answer),
        cmocka_unit_test(a_write_that_comes_too_late_answers_instead),
        cmocka_unit_test(unless_it_is_asked_for_the_answer_goes_at_once),
        cmocka_unit_test(a_close_handler_decides_by_itself),
        cmocka_unit_test(our_own_goodbye_is_no_answer),
        cmocka_unit_test(one_that_was_held_back_takes_the_answer_along),
        cmocka_unit_test(where_nothing_is_held_back_the_answer_is_not),
    };

    ws_set_close_delay(NULL, 1);
    return run_in_mode("close_answer", tests, NULL, NULL);
}
