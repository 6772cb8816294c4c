/* SPDX-License-Identifier: MIT */

/* Reads that end by an event or a deadline of their own; and reads and closes
 * where there are to be none. */

#include "pair.h"

#include <silverback/base.h>

#include "mode.h"

enum {
    PASSED = 1, /* a deadline */
    LARGE = 100 * 1000,
};

static ws_event event;

static int begin(void **state)
{
    (void)state;
    ws_event_clear(&event);
    return 0;
}

/* ---- Events ------------------------------------------------------------- */

static void read_text_by(ws_conn *c, const char *text)
{
    ws_message m;

    assert_int_equal(ws_read_message_by(c, &m, patience(), &event), 0);
    assert_string_equal(m.data, text);
}

static void a_message_that_is_here_is_read_though_the_event_is_set(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);
    ws_message m;

    ws_event_set(&event);
    say_text(raw, "first");
    say_text(raw, "second");
    read_text_by(c, "first");
    read_text_by(c, "second");
    assert_int_equal(ws_read_message_by(c, &m, patience(), &event),
                     WS_ERR_INTERRUPTED);
    assert_int_equal(ws_conn_error(c)->code, 0);
    close(raw);
    ws_close(c);
}

/* However much of a message has come. */
static void an_event_ends_a_wait_and_the_next_read_goes_on(void **state)
{
    (void)state;
    uint8_t frame[64];
    size_t n = make_frame(frame, FIN | WS_TEXT, true, "text", 4);

    for (size_t cut = 0; cut < n; cut++) {
        int raw;
        ws_conn *c = with_raw(&raw, NULL);
        ws_message m;

        ws_event_set(&event);
        say(raw, frame, cut);
        for (int i = 0; i < 3; i++)
            assert_int_equal(ws_read_message_by(c, &m, 0, &event),
                             WS_ERR_INTERRUPTED);
        say(raw, frame + cut, n - cut);
        read_text_by(c, "text");
        ws_event_clear(&event);
        close(raw);
        ws_close(c);
    }
}

struct reader {
    ws_conn *c;
    int error;
    int messages;
};

static void read_by_event(void *arg)
{
    struct reader *r = arg;
    ws_message m;

    while ((r->error = ws_read_message_by(r->c, &m, 0, &event)) == 0)
        r->messages++;
}

static void wait_until_it_waits(ws_conn *c)
{
    for (int64_t limit = patience(); !atomic_load(&c->r.waiting); ws_sleep(1))
        assert_true(ws_now() < limit);
}

static void an_event_wakes_who_waits(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);
    struct reader r = { .c = c };

    ws_set_read_deadline(c, PASSED); /* of others */
    for (int round = 0; round < 2; round++) {
        ws_fiber *f = mode_go(read_by_event, &r);
        wait_until_it_waits(c);
        ws_event_set(&event);
        ws_join(f);
        assert_int_equal(r.error, WS_ERR_INTERRUPTED);
        ws_event_clear(&event);
    }
    ws_fiber *f = mode_go(read_by_event, &r);
    wait_until_it_waits(c);
    ws_shutdown(c); /* ends it for good, event or not */
    ws_join(f);
    assert_int_equal(r.error, WS_ERR_CANCELED);
    close(raw);
    ws_close(c);
}

/* Rules 3 and 4 of conn/outbox hold for a reader that an event may end. */
static void who_waits_for_an_event_sends_what_is_left(void **state)
{
    (void)state;
    char *text = make_text(LARGE);

    for (int early = 0; early < 2; early++) {
        int raw, taken = 0;
        struct heard h;
        ws_conn *c = with_raw(&raw, NULL);
        struct reader r = { .c = c };
        ws_fiber *f = early ? mode_go(read_by_event, &r) : NULL;

        if (early)
            wait_until_it_waits(c);
        while (ws_try_write_message(c, WS_TEXT, text, LARGE) == 0)
            taken++;
        if (!early)
            f = mode_go(read_by_event, &r);
        for (; taken > 0; taken--) {
            assert_true(hear_frame(raw, &h));
            assert_int_equal(h.f.len, LARGE);
            free(h.payload);
        }
        say_text(raw, "a message");
        ws_event_set(&event);
        ws_join(f);
        assert_int_equal(r.error, WS_ERR_INTERRUPTED);
        ws_event_clear(&event);
        close(raw);
        ws_close(c);
    }
    free(text);
}

struct talker {
    int raw;
    atomic_bool stop;
};

/* Goes on with a message that never ends. */
static void talk_on(void *arg)
{
    struct talker *t = arg;
    char bytes[1000] = "";

    while (!atomic_load(&t->stop) && say_some(t->raw, bytes, sizeof(bytes)) > 0)
        continue;
}

static void a_peer_that_always_has_more_does_not_put_it_off(void **state)
{
    (void)state;
    static const uint8_t endless[] = { 0x82, 0xff, 0, 0, 0, 0, 0x7f,
                                       0,    0,    0, 0, 0, 0, 0 };
    struct talker t = { 0 };
    ws_conn *c = with_raw(&t.raw, &(ws_adoption){ .read_limit = -1 });
    ws_message m;

    say(t.raw, endless, sizeof(endless));
    ws_fiber *f = mode_go(talk_on, &t);
    ws_event_set(&event);
    assert_int_equal(ws_read_message_by(c, &m, 0, &event), WS_ERR_INTERRUPTED);
    atomic_store(&t.stop, true);
    ws_shutdown(c);
    ws_join(f);
    close(t.raw);
    ws_close(c);
}

/* ---- Deadlines ---------------------------------------------------------- */

static void the_deadline_of_one_read_is_no_others(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);
    ws_message m;

    assert_int_equal(ws_read_message_by(c, &m, PASSED, NULL), WS_ERR_TIMEOUT);
    assert_int_equal(ws_read_message_by(c, &m, ws_after(1), NULL),
                     WS_ERR_TIMEOUT);
    ws_set_read_deadline(c, PASSED);
    assert_int_equal(ws_read_message(c, &m), WS_ERR_TIMEOUT);
    say_text(raw, "text");
    assert_int_equal(ws_read_message_by(c, &m, 0, NULL), 0);
    assert_int_equal(ws_read_message(c, &m), WS_ERR_TIMEOUT);
    ws_set_read_deadline(c, 0);
    say_text(raw, "text");
    assert_int_equal(ws_read_message(c, &m), 0);
    assert_int_equal(ws_read_message_by(NULL, &m, 0, NULL), WS_ERR_INVALID);
    assert_int_equal(ws_read_message_by(c, NULL, 0, NULL), WS_ERR_INVALID);
    close(raw);
    ws_close(c);
}

/* ---- Not where it is to be ---------------------------------------------- */

static void a_second_reader_is_told_so(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);
    struct reader r = { .c = c };
    ws_fiber *f = mode_go(read_by_event, &r);
    ws_message m;
    ws_type type;
    char buf[10];

    wait_until_it_waits(c);
    assert_int_equal(ws_read_message(c, &m), WS_ERR_BUSY);
    assert_int_equal(ws_read_message_by(c, &m, PASSED, NULL), WS_ERR_BUSY);
    assert_int_equal(ws_next_reader(c, &type), WS_ERR_BUSY);
    assert_int_equal(ws_read(c, buf, sizeof(buf)), WS_ERR_BUSY);
    assert_int_equal(ws_read_joined(c, NULL, buf, sizeof(buf)), WS_ERR_BUSY);
    say_text(raw, "goes on"); /* the first one does */
    for (int64_t limit = patience(); ready(ws_fd(c)) > 0; ws_sleep(1))
        assert_true(ws_now() < limit);
    wait_until_it_waits(c);
    ws_event_set(&event);
    ws_join(f);
    assert_int_equal(r.error, WS_ERR_INTERRUPTED);
    assert_int_equal(r.messages, 1);
    assert_int_equal(ws_conn_error(c)->code, 0);
    close(raw);
    ws_close(c);
}

/* A reader lets others run in the middle of what it has received. */
static void it_is_also_while_the_first_one_takes_turns(void **state)
{
    (void)state;
    enum { EMPTY = 400 };
    static uint8_t frames[EMPTY * 8];
    int raw;
    ws_conn *c = with_raw(&raw, NULL);
    struct reader r = { .c = c };
    ws_message m;

    size_t n = make_frame(frames, WS_TEXT, true, "be", 2);
    for (int i = 0; i < EMPTY; i++)
        n += make_frame(frames + n, 0, true, "", 0);
    say(raw, frames, n);
    ws_fiber *f = mode_go(read_by_event, &r);
    for (int64_t limit = patience(); !atomic_load(&c->r.inside);) {
        assert_true(ws_now() < limit);
        ws_yield();
    }
    for (int i = 0; i < EMPTY; i++) {
        assert_int_equal(ws_read_message_by(c, &m, PASSED, NULL), WS_ERR_BUSY);
        ws_yield();
    }
    say_frame(raw, FIN, true, "gun", 3);
    ws_event_set(&event);
    ws_join(f);
    assert_int_equal(r.error, WS_ERR_INTERRUPTED);
    assert_int_equal(r.messages, 1);
    close(raw);
    ws_close(c);
}

static int inside;

static int read_inside(ws_conn *c, const char *data, size_t len, void *arg)
{
    ws_message m;

    (void)data, (void)len, (void)arg;
    inside = ws_read_message(c, &m);
    return 0;
}

static void a_handler_that_reads_is_told_so(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);
    ws_message m;

    ws_set_ping_handler(c, read_inside, NULL);
    say_frame(raw, FIN | WS_PING, true, "p", 1);
    say_text(raw, "text");
    assert_int_equal(ws_read_message(c, &m), 0);
    assert_string_equal(m.data, "text");
    assert_int_equal(inside, WS_ERR_BUSY);
    close(raw);
    ws_close(c);
}

static int lines;

static void count_line(const ws_log_record *record, void *arg)
{
    if (record->conn == arg && strstr(record->fields, "event=misuse"))
        lines++;
}

static int close_inside(ws_conn *c, const char *data, size_t len, void *arg)
{
    (void)data, (void)len, (void)arg;
    ws_close(c);
    return 0;
}

static void a_handler_that_closes_shuts_down(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);
    ws_message m;

    lines = 0;
    ws_set_log_records(count_line, c);
    ws_set_ping_handler(c, close_inside, NULL);
    say_frame(raw, FIN | WS_PING, true, "p", 1);
    assert_int_equal(ws_read_message(c, &m), WS_ERR_CANCELED);
    ws_set_log_records(NULL, NULL);
    assert_int_equal(lines, 1);
    assert_int_equal(ws_conn_error(c)->code, WS_ERR_CANCELED);
    close(raw);
    ws_close(c);
}

static int say_busy(ws_conn *c, const char *data, size_t len, void *arg)
{
    (void)c, (void)data, (void)len, (void)arg;
    return WS_ERR_BUSY;
}

/* It may have tried to write.  The code is the read's then, and says nothing of
 * who is inside of one. */
static void a_handler_may_end_reading_by_that_code(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);
    ws_message m;
    ws_type type;
    char buf[10];

    ws_set_ping_handler(c, say_busy, NULL);
    say_frame(raw, FIN | WS_PING, true, "p", 1);
    assert_int_equal(ws_read_message(c, &m), WS_ERR_BUSY);
    assert_int_equal(ws_conn_error(c)->code, WS_ERR_BUSY);
    assert_false(atomic_load(&c->r.inside));
    assert_int_equal(ws_read_message(c, &m), WS_ERR_BUSY);
    assert_int_equal(ws_next_reader(c, &type), WS_ERR_BUSY);
    assert_int_equal(ws_read(c, buf, sizeof(buf)), WS_ERR_BUSY);
    assert_false(atomic_load(&c->r.inside));
    close(raw);
    ws_close(c);
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_message_that_is_here_is_read_though_the_event_is_set),
        TEST(an_event_ends_a_wait_and_the_next_read_goes_on),
        TEST(an_event_wakes_who_waits),
        TEST(who_waits_for_an_event_sends_what_is_left),
        TEST(a_peer_that_always_has_more_does_not_put_it_off),
        TEST(the_deadline_of_one_read_is_no_others),
        TEST(a_second_reader_is_told_so),
        TEST(it_is_also_while_the_first_one_takes_turns),
        TEST(a_handler_that_reads_is_told_so),
        TEST(a_handler_that_closes_shuts_down),
        TEST(a_handler_may_end_reading_by_that_code),
    };
    return run_in_mode("read_by", tests, NULL, NULL);
}
