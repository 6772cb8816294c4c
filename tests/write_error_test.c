/* SPDX-License-Identifier: MIT */

/* What becomes of a connection when it cannot send, and nobody has asked it to. */

#include "test.h"

#include <errno.h>

#include <silverback.h>

#include "conn/batch.h"
#include "conn/outbox.h"
#include "conn/sendbuf.h"
#include "mode.h"
#include "pair.h"

/* ---- A transport that fails to send ------------------------------------- */

static atomic_int failing; /* with this code; 0: it does as it should */
static struct ws__stream_ops ops;
static struct ws__transport transport = { &ops };
static ssize_t (*usual_writev)(struct ws__stream *s, const struct iovec *v,
                               int n);

static ssize_t writev_or_fail(struct ws__stream *s, const struct iovec *v,
                              int n)
{
    int error = atomic_load(&failing);

    return error != 0 ? error : usual_writev(s, v, n);
}

static ws_conn *with_failing(int *raw, int error)
{
    ws_conn *c = with_raw(raw, NULL);

    ops = *c->stream.transport->ops;
    usual_writev = ops.writev;
    ops.writev = writev_or_fail;
    c->stream.transport = &transport;
    atomic_store(&failing, error);
    return c;
}

/* ---- A reader that waits ------------------------------------------------ */

struct reader {
    ws_conn *c;
    int error;
    ws_fiber *f;
};

static void read_until_it_fails(void *arg)
{
    struct reader *r = arg;
    ws_message m;

    while (r->error == 0)
        r->error = ws_read_message_by(r->c, &m, patience(), NULL);
}

static void start(struct reader *r, ws_conn *c)
{
    *r = (struct reader){ .c = c };
    r->f = mode_go(read_until_it_fails, r);
    assert_non_null(r->f);
    await(&c->r.waiting);
}

static void expect_end(struct reader *r, int error)
{
    ws_join(r->f);
    assert_int_equal(r->error, error);
    assert_int_equal(ws_conn_error(r->c)->code, error);
}

/* ---- Cases -------------------------------------------------------------- */

static void ping(ws_conn *c, int raw)
{
    (void)raw;
    ws__outbox_ping(c);
}

static void be_pinged(ws_conn *c, int raw)
{
    (void)c;
    say_frame(raw, FIN | WS_PING, true, "ping", 4);
}

static void say_goodbye(ws_conn *c, int raw)
{
    (void)raw;
    ws__outbox_goodbye(c, WS_CLOSE_GOING_AWAY, "restart");
}

static void hand_over(ws_conn *c, int raw)
{
    (void)raw;
    ws_prepared *p = ws_prepare(WS_TEXT, "x", 1);

    assert_non_null(p);
    assert_int_equal(ws_enqueue(c, p), 0);
    ws_prepared_free(p);
}

static void send_batch(ws_conn *c, int raw)
{
    (void)raw;
    struct ws__batch b = { 0 };
    ws_prepared *p = ws_prepare(WS_TEXT, "x", 1);

    assert_non_null(p);
    assert_int_equal(ws__batch_add(&b, p, NULL), 0);
    assert_true(ws__batch_send(&b, 0, c) < 0);
    ws__batch_clear(&b);
    ws_prepared_free(p);
}

static void (*const ways[])(ws_conn *c, int raw) = {
    ping, be_pinged, say_goodbye, hand_over, send_batch,
};

static void what_fails_without_a_caller_ends_a_read_that_waits(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(ways); i++) {
        int raw;
        struct reader r;
        ws_conn *c = with_failing(&raw, -ENOBUFS);

        start(&r, c);
        ways[i](c, raw);
        expect_end(&r, -ENOBUFS);
        assert_int_equal(ws_write_text(c, "x"), -ENOBUFS);
        ws_close(c);
        hear_to_the_end(raw);
        close(raw);
    }
}

/* It goes when there is room. */
static void so_does_what_was_left_over(void **state)
{
    (void)state;
    enum { SIZE = 1000 };
    static const char some[SIZE];
    char heard[SIZE];
    int raw;
    struct reader r;
    ws_conn *c = with_failing(&raw, 0);

    while (ws_try_write_message(c, WS_BINARY, some, SIZE) == 0)
        continue;
    start(&r, c);
    say_goodbye(c, raw);
    assert_true(ws__outbox_has_unsent(c));
    atomic_store(&failing, -ENOBUFS);
    while (ready(raw) > 0)
        assert_true(hear_some(raw, heard, SIZE) > 0);
    expect_end(&r, -ENOBUFS);
    ws_close(c);
    close(raw);
}

/* The second request is here when the first is answered. */
static void so_does_an_answer_that_was_held_back(void **state)
{
    (void)state;
    uint8_t two[64];
    ws_message m;
    int raw;
    ws_conn *c = with_failing(&raw, -ENOBUFS);
    size_t n = make_frame(two, FIN | WS_TEXT, true, "ask", 3);

    say(raw, two, n + make_frame(two + n, FIN | WS_TEXT, true, "ask", 3));
    assert_int_equal(ws_read_message(c, &m), 0);
    assert_int_equal(ws_write_text(c, "answer"), 0);
    assert_int_equal(ws_read_message(c, &m), 0);
    ws_set_read_deadline(c, patience());
    assert_int_equal(ws_read_message(c, &m), -ENOBUFS);
    ws_close(c);
    close(raw);
}

static void what_is_here_already_is_read_before(void **state)
{
    (void)state;
    int raw;
    ws_message m;
    ws_conn *c = with_failing(&raw, -ENOBUFS);

    say_text(raw, "first");
    ping(c, raw);
    assert_int_equal(ws_read_message(c, &m), 0);
    assert_string_equal(m.data, "first");
    assert_int_equal(ws_read_message(c, &m), -ENOBUFS);
    ws_close(c);
    close(raw);

    c = with_failing(&raw, -ENOBUFS);
    say_frame(raw, FIN | WS_CLOSE, true, "\x03\xe8", 2);
    ping(c, raw);
    assert_int_equal(ws_read_message(c, &m), WS_ERR_CLOSED);
    assert_int_equal(ws_close_code(c), WS_CLOSE_NORMAL);
    ws_close(c);
    close(raw);
}

/* Who was told sees to it. */
static void an_error_that_a_caller_has_leaves_the_reader_alone(void **state)
{
    (void)state;
    int raw;
    ws_message m;
    ws_conn *c = with_failing(&raw, -ENOBUFS);

    assert_int_equal(ws_write_text(c, "x"), -ENOBUFS);
    be_pinged(c, raw);
    ws_set_read_deadline(c, ws_after(20));
    assert_int_equal(ws_read_message(c, &m), WS_ERR_TIMEOUT);
    ws_set_read_deadline(c, 0);
    say_text(raw, "later");
    assert_int_equal(ws_read_message(c, &m), 0);
    ws_close(c);
    close(raw);
}

/* ---- Memory ------------------------------------------------------------- */

/* Its buffer is nobody else's, so it has to be made. */
static ws_conn *with_own_buffer(int *raw)
{
    int fds[2];

    make_pair(fds);
    *raw = fds[1];
    return set_up(fds[0], &(struct ws__setup){ .write_buffer_size = 256 });
}

/* The peer would wait for it, or go on. */
static void no_memory_for_a_close_frame_ends_a_read(void **state)
{
    (void)state;
    int raw;
    struct reader r;
    ws_conn *c = with_own_buffer(&raw);

    start(&r, c);
    alloc_fail_here(true);
    say_goodbye(c, raw);
    alloc_fail_here(false);
    expect_end(&r, -ENOMEM);
    ws_close(c);
    hear_end(raw);
    close(raw);
}

static void a_ping_without_memory_may_be_missed(void **state)
{
    (void)state;
    int raw;
    ws_message m;
    ws_conn *c = with_own_buffer(&raw);

    alloc_fail_here(true);
    ping(c, raw);
    alloc_fail_here(false);
    say_text(raw, "later");
    assert_int_equal(ws_read_message(c, &m), 0);
    assert_int_equal(ws_write_text(c, "x"), 0);
    hear_text(raw, "x");
    ws_close(c);
    close(raw);
}

/* Nor is there any to be cut with.  The buffer is the other's, who is writing. */
static void no_memory_for_a_batch_to_wait_ends_a_read(void **state)
{
    (void)state;
    struct ws__batch b = { 0 };
    ws_prepared *p = ws_prepare(WS_TEXT, "x", 1);
    int raw;
    struct reader r;
    ws_conn *c = with_own_buffer(&raw);

    assert_int_equal(ws__batch_add(&b, p, NULL), 0);
    start(&r, c);
    assert_int_equal(ws__outbox_lock(c, 0), 0);
    assert_int_equal(ws__sendbuf_borrow(c), 0);
    alloc_fail_here(true);
    assert_int_equal(ws__batch_send(&b, 0, c), -ENOMEM);
    alloc_fail_here(false);
    assert_non_null(c->w.sendbuf);
    ws__outbox_unlock(c);
    expect_end(&r, -ENOMEM);
    ws__batch_clear(&b);
    ws_prepared_free(p);
    ws_close(c);
    hear_end(raw);
    close(raw);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_fails_without_a_caller_ends_a_read_that_waits),
        cmocka_unit_test(so_does_what_was_left_over),
        cmocka_unit_test(so_does_an_answer_that_was_held_back),
        cmocka_unit_test(what_is_here_already_is_read_before),
        cmocka_unit_test(an_error_that_a_caller_has_leaves_the_reader_alone),
        cmocka_unit_test(no_memory_for_a_close_frame_ends_a_read),
        cmocka_unit_test(a_ping_without_memory_may_be_missed),
        cmocka_unit_test(no_memory_for_a_batch_to_wait_ends_a_read),
    };

    alloc_fail_install();
    return run_in_mode("write_error", tests, NULL, NULL);
}
