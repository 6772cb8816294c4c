/* SPDX-License-Identifier: MIT */

#include "pair.h"

#include "fiber/memory.h"
#include "mode.h"
#include "proto/deflate.h"
#include "conn/inbox.h"
#include "conn/linger.h"
#include "conn/unfinished.h"

enum { MIB = 1 << 20 };

static void expect_held(size_t least, size_t most)
{
    assert_in_range(ws__unfinished_now().bytes, least, most);
}

static void expect_nothing_held(void)
{
    assert_int_equal(ws__unfinished_now().bytes, 0);
    assert_int_equal(ws__unfinished_now().connections, 0);
}

/* The header of a message of 16 MiB. */
static void say_head(int raw)
{
    uint8_t head[14] = { FIN | WS_BINARY, FIN | 127 };

    store_be(head + 2, 16 * MIB, 8);
    say(raw, head, sizeof(head));
}

/* Take what is there of a message; not more, and not less. */
static int take_part(ws_conn *c)
{
    ws_message m;

    ws_set_read_deadline(c, 1);
    return ws_read_message(c, &m);
}

struct part {
    int raw;
    bool first;
    size_t n;
};

/* As far as somebody reads it. */
static void say_part_elsewhere(void *arg)
{
    struct part *p = arg;
    static const char zeros[4096];

    if (p->first)
        say_head(p->raw);
    while (p->n > 0) {
        size_t n = p->n < sizeof(zeros) ? p->n : sizeof(zeros);
        ssize_t r = say_some(p->raw, zeros, n);

        if (r <= 0)
            return;
        p->n -= (size_t)r;
    }
}

/* Take n bytes of it, which may be more than lie in a socket. */
static int bring(ws_conn *c, int raw, bool first, size_t n)
{
    struct part part = { raw, first, n };
    int error = WS_ERR_TIMEOUT;
    ws_message m;

    ws_fiber *f = mode_go(say_part_elsewhere, &part);
    uint64_t came = c->r.inbox ? ws__reader_came(&c->r.inbox->reader) : 0;
    while (error == WS_ERR_TIMEOUT &&
           (!c->r.inbox || ws__reader_came(&c->r.inbox->reader) < came + n)) {
        ws_set_read_deadline(c, ws_after(5));
        error = ws_read_message(c, &m);
    }
    if (error != WS_ERR_TIMEOUT)
        ws_shutdown(c); /* nobody reads the rest */
    ws_join(f);
    return error;
}

/* ---- What counts -------------------------------------------------------- */

static void a_message_holds_what_has_come(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    expect_nothing_held();
    assert_int_equal(take_part(c), WS_ERR_TIMEOUT);
    expect_nothing_held();
    for (int i = 0; i < 3; i++) { /* one byte, in place or put together */
        say_frame(raw, i == 0 ? WS_TEXT : 0, true, "x", 1);
        assert_int_equal(take_part(c), WS_ERR_TIMEOUT);
        expect_held(1, 128);
        assert_int_equal(ws__unfinished_now().connections, 1);
    }
    say_frame(raw, FIN, true, "x", 1);
    assert_int_equal(take_part(c), 0);
    say(raw, "\x82\xe4keys12345", 11); /* of 100, in place */
    assert_int_equal(take_part(c), WS_ERR_TIMEOUT);
    expect_held(5, 128);
    for (int i = 0; i < 95; i++)
        say(raw, "x", 1);
    assert_int_equal(take_part(c), 0);
    assert_int_equal(take_part(c), WS_ERR_TIMEOUT);
    expect_nothing_held();
    close(raw);
    ws_close(c);
}

static void a_large_message_holds_its_buffer(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    assert_int_equal(bring(c, raw, true, 3 * MIB), WS_ERR_TIMEOUT);
    expect_held(3 * MIB, 8 * MIB);
    close(raw);
    ws_close(c);
    for (int64_t limit = patience(); ws__unfinished_now().bytes != 0;
         ws_sleep(1))
        assert_true(ws_now() < limit); /* it may linger */
    expect_nothing_held();
}

static void nothing_is_held_after_the_end(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    assert_int_equal(bring(c, raw, true, 3 * MIB), WS_ERR_TIMEOUT);
    expect_held(3 * MIB, 8 * MIB);
    shutdown(raw, SHUT_WR);
    ws_set_read_deadline(c, patience());
    ws_message m;
    assert_int_equal(ws_read_message(c, &m), WS_ERR_EOF);
    expect_nothing_held();
    close(raw);
    ws_close(c);
}

static void who_lingers_holds_nothing(void **state)
{
    (void)state;
    int64_t limit = patience();
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    assert_int_equal(bring(c, raw, true, 3 * MIB), WS_ERR_TIMEOUT);
    ws_ref(c);
    ws_close(c);
    ws_yield();
    expect_held(3 * MIB, 8 * MIB); /* another one may read */
    ws_unref(c);
    close(raw);
    for (; ws__unfinished_now().bytes != 0; ws_sleep(1))
        assert_true(ws_now() < limit);

    c = with_raw(&raw, NULL);
    assert_int_equal(bring(c, raw, true, 3 * MIB), WS_ERR_TIMEOUT);
    ws_close(c);
    for (; ws__unfinished_now().bytes != 0; ws_sleep(1))
        assert_true(ws_now() < limit);
    expect_nothing_held();
    close(raw);
}

static void what_is_taken_is_the_takers(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);
    char *text = make_text(4000);
    ws_message m;

    for (int i = 0; i < 50; i++) {
        say_frame(raw, i == 0 ? WS_TEXT : 0, true, text, 4000);
        assert_int_equal(take_part(c), WS_ERR_TIMEOUT);
    }
    say_frame(raw, FIN, true, text, 4000);
    ws_set_read_deadline(c, patience());
    assert_int_equal(ws_read_message(c, &m), 0);
    assert_int_equal(m.len, 51 * 4000);
    expect_held(m.len - 4000, 2 * m.len);
    assert_non_null(ws_message_take(c, &m));
    expect_nothing_held();
    ws_free(m.data);
    free(text);
    close(raw);
    ws_close(c);
}

/* What n zeros are when they are compressed; the caller's to free. */
static uint8_t *compress(size_t n, enum ws__flush flush, size_t *len)
{
    struct ws__pool pool = { .make = malloc, .destroy = free, .size = 256 };
    struct ws__deflate *d = ws__deflate_make(15);
    struct ws__buf out = { 0 };
    uint8_t *zeros = calloc(1, n);

    ws__deflate_begin(d, 1, false);
    assert_int_equal(ws__deflate_run(d, zeros, n, flush, &out, &pool), 0);
    ws__deflate_destroy(d);
    free(zeros);
    *len = ws__buf_used(&out);
    return out.begin;
}

/* It holds what it takes to inflate it, too; but not for who reads pieces. */
static void a_message_to_be_inflated_holds_more(void **state)
{
    (void)state;
    for (int pieces = 0; pieces < 2; pieces++) {
        int raw;
        ws_conn *c = with_raw(&raw, &(ws_adoption){ .compression = true });
        ws_type type;
        char buf[8];

        say_frame(raw, RSV1 | WS_BINARY, true, "\x2a", 1);
        ws_set_read_deadline(c, patience());
        if (pieces) {
            assert_int_equal(ws_next_reader(c, &type), 0);
            ws_set_read_deadline(c, 1);
            assert_int_equal(ws_read(c, buf, sizeof(buf)), WS_ERR_TIMEOUT);
            expect_nothing_held();
        } else {
            assert_int_equal(take_part(c), WS_ERR_TIMEOUT);
            expect_held(40 * 1024, 50 * 1024);
        }
        close(raw);
        ws_close(c);
    }
}

static void what_is_inflated_counts_as_that(void **state)
{
    (void)state;
    size_t n;
    uint8_t *bytes = compress(MIB, WS__MORE, &n);
    int raw;
    ws_conn *c = with_raw(&raw, &(ws_adoption){ .compression = true });

    say_frame(raw, RSV1 | WS_BINARY, true, bytes, n);
    assert_int_equal(take_part(c), WS_ERR_TIMEOUT);
    expect_held(MIB / 2, 4 * MIB);
    free(bytes);
    close(raw);
    ws_close(c);
}

static void pieces_hold_nothing(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);
    char *buf = malloc(MIB);
    ws_type type;

    struct part part = { raw, true, 100000 };
    say_part_elsewhere(&part);
    ws_set_read_deadline(c, patience());
    assert_int_equal(ws_next_reader(c, &type), 0);
    for (size_t at = 0; at < 100000;) {
        ptrdiff_t n = ws_read(c, buf, MIB);
        assert_true(n > 0);
        at += (size_t)n;
        expect_nothing_held();
    }
    ws_set_read_deadline(c, 1);
    assert_int_equal(ws_read(c, buf, MIB), WS_ERR_TIMEOUT);
    expect_nothing_held();
    free(buf);
    close(raw);
    ws_close(c);
}

static void what_is_skipped_is_not_held(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);
    ws_type type;

    assert_int_equal(bring(c, raw, true, MIB), WS_ERR_TIMEOUT);
    expect_held(MIB, 2 * MIB);
    ws_set_read_deadline(c, 1);
    assert_int_equal(ws_next_reader(c, &type), WS_ERR_TIMEOUT);
    expect_nothing_held();
    assert_null(c->r.inbox->reader.whole.begin);
    close(raw);
    ws_close(c);
}

/* ---- The limit ---------------------------------------------------------- */

static void hear_try_again(int raw)
{
    struct heard h;

    assert_true(hear_frame(raw, &h));
    assert_int_equal(h.first, FIN | WS_CLOSE);
    assert_int_equal(load_be((const uint8_t *)h.payload, 2),
                     WS_CLOSE_TRY_AGAIN_LATER);
    assert_string_equal(h.payload + 2, "unfinished messages hold too much, "
                                       "try again later");
    free(h.payload);
}

static void a_message_over_the_limit_is_refused(void **state)
{
    (void)state;
    uint64_t refused = ws__unfinished_now().refused;
    uint64_t cut = counted(WS_COUNT_CUT_FULL);
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    ws_set_unfinished_limit(2 * MIB);
    assert_int_equal(bring(c, raw, true, 3 * MIB), WS_ERR_FULL);
    hear_try_again(raw);
    expect_nothing_held(); /* though it is not closed */
    assert_int_equal(ws__unfinished_now().refused, refused + 1);
    assert_int_equal(counted(WS_COUNT_CUT_FULL), cut + 1);
    assert_int_equal(strncmp(ws_conn_error(c)->text,
                             "unfinished messages hold too much memory: ", 42),
                     0);
    close(raw);
    ws_close(c);
}

/* Whole ones are the handlers' to bound. */
static void messages_that_come_in_one_go_need_no_room(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);
    char *text = make_text(100000);
    ws_message m;

    ws_set_unfinished_limit(1);
    say_frame(raw, FIN | WS_TEXT, true, text, 100000);
    ws_set_read_deadline(c, patience());
    assert_int_equal(ws_read_message(c, &m), 0);
    say_frame(raw, WS_TEXT, true, "12", 2);
    assert_int_equal(ws_read_message(c, &m), WS_ERR_FULL);
    hear_try_again(raw);
    free(text);
    close(raw);
    ws_close(c);
}

static void so_it_is_told_though_the_peer_takes_no_answer(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);
    ws_message m;

    ws_set_unfinished_limit(1);
    say_frame(raw, WS_TEXT, true, "12", 2);
    shutdown(raw, SHUT_RD);
    assert_int_equal(ws_read_message(c, &m), WS_ERR_FULL);
    assert_int_equal(ws_conn_error(c)->code, WS_ERR_FULL);
    close(raw);
    ws_close(c);
}

static void a_message_is_inflated_no_further_than_there_is_room(void **state)
{
    (void)state;
    size_t n;
    uint8_t *bytes = compress(8 * MIB, WS__LAST, &n);
    int raw;
    ws_conn *c = with_raw(&raw, &(ws_adoption){ .compression = true });
    ws_message m;

    ws_set_unfinished_limit(2 * MIB);
    say_frame(raw, FIN | RSV1 | WS_BINARY, true, bytes, n);
    ws_set_read_deadline(c, patience());
    assert_int_equal(ws_read_message(c, &m), WS_ERR_FULL);
    hear_try_again(raw);
    free(bytes);
    close(raw);
    ws_close(c);
}

static void there_need_be_no_limit(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    ws_set_unfinished_limit(-1);
    assert_int_equal(bring(c, raw, true, 9 * MIB), WS_ERR_TIMEOUT);
    close(raw);
    ws_close(c);
}

/* Those who hold much, and let it lie, do not shut out those who hold
 * little. */
static void small_messages_come_through_beside_large_ones(void **state)
{
    (void)state;
    enum { HOARDERS = 8 };
    ws_conn *hoarders[HOARDERS], *c;
    int raws[HOARDERS], raw, refused = 0;
    char *text = make_text(1000);
    ws_message m;

    ws_set_unfinished_limit(8 * MIB);
    for (int i = 0; i < HOARDERS; i++) {
        hoarders[i] = with_raw(&raws[i], NULL);
        (void)bring(hoarders[i], raws[i], true, MIB + MIB / 2);
    }
    c = with_raw(&raw, NULL);
    for (int i = 0; i < 100; i++) {
        say_frame(raw, i == 0 ? WS_TEXT : 0, true, text, 1000);
        assert_int_equal(take_part(c), WS_ERR_TIMEOUT);
    }
    say_frame(raw, FIN, true, text, 1000);
    ws_set_read_deadline(c, patience());
    assert_int_equal(ws_read_message(c, &m), 0);

    /* A byte, and each has more than its share. */
    for (int i = 0; i < HOARDERS; i++) {
        refused += hoarders[i]->r.error == WS_ERR_FULL;
        close(raws[i]);
        ws_close(hoarders[i]);
    }
    assert_in_range(refused, 1, HOARDERS - 1);
    free(text);
    close(raw);
    ws_close(c);
}

static void who_goes_on_with_too_much_is_looked_at_again(void **state)
{
    (void)state;
    int raws[2];
    ws_conn *large = with_raw(&raws[0], NULL);
    ws_conn *other = with_raw(&raws[1], NULL);

    ws_set_unfinished_limit(6 * MIB);
    assert_int_equal(bring(large, raws[0], true, 3 * MIB), WS_ERR_TIMEOUT);
    assert_int_equal(bring(large, raws[0], false, 1), WS_ERR_TIMEOUT);
    say_frame(raws[1], WS_TEXT, true, "begun", 5);
    assert_int_equal(take_part(other), WS_ERR_TIMEOUT);
    assert_int_equal(bring(large, raws[0], false, 1), WS_ERR_FULL);
    say_frame(raws[1], 0, true, "begun", 5);
    assert_int_equal(take_part(other), WS_ERR_TIMEOUT);
    for (int i = 0; i < 2; i++)
        close(raws[i]);
    ws_close(large);
    ws_close(other);
}

static void the_default_is_a_quarter_of_the_memory(void **state)
{
    (void)state;
    int64_t quarter = ws__memory() / 4;

    assert_int_equal(ws__unfinished_limit(),
                     quarter > 32 * MIB ? quarter : 32 * MIB);
    ws_set_unfinished_limit(7);
    assert_int_equal(ws__unfinished_limit(), 7);
}

static int set_default(void **state)
{
    (void)state;
    ws_set_unfinished_limit(0);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup(name, set_default)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_message_holds_what_has_come),
        TEST(a_large_message_holds_its_buffer),
        TEST(nothing_is_held_after_the_end),
        TEST(who_lingers_holds_nothing),
        TEST(what_is_taken_is_the_takers),
        TEST(a_message_to_be_inflated_holds_more),
        TEST(what_is_inflated_counts_as_that),
        TEST(pieces_hold_nothing),
        TEST(what_is_skipped_is_not_held),
        TEST(a_message_over_the_limit_is_refused),
        TEST(messages_that_come_in_one_go_need_no_room),
        TEST(so_it_is_told_though_the_peer_takes_no_answer),
        TEST(a_message_is_inflated_no_further_than_there_is_room),
        TEST(there_need_be_no_limit),
        TEST(small_messages_come_through_beside_large_ones),
        TEST(who_goes_on_with_too_much_is_looked_at_again),
        TEST(the_default_is_a_quarter_of_the_memory),
    };

    ws__linger_quiet_ms = 2 * PATIENCE_MS; /* no end that anything waits for */
    return run_in_mode("held", tests, NULL, NULL);
}
