/* SPDX-License-Identifier: MIT */

#include "pair.h"
#include "conn/outbox.h"

#include <fcntl.h>
#include <pthread.h>

#include "alloc_fail.h"
#include "fiber/budget.h"
#include "fiber/sched.h"
#include "fiber/stopwatch.h"
#include "mode.h"

/* The time that small answers are held back is the test's. */
static _Atomic int64_t now_us = 1;

int64_t ws__now_us(void)
{
    return now_us;
}

uint64_t ws__ticks(void)
{
    return (uint64_t)now_us;
}

uint64_t ws__ticks_per_us(void)
{
    return 1;
}

/* ---- Bytes on the wire -------------------------------------------------- */

static void a_server_sends_one_plain_frame(void **state)
{
    (void)state;
    /* RFC 6455, section 5.7. */
    static const uint8_t hello[] = { 0x81, 0x05, 'H', 'e', 'l', 'l', 'o' };
    static const uint8_t ping[] = { 0x89, 0x02, 'h', 'i' };
    uint8_t got[7];
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    assert_int_equal(ws_write_text(c, "Hello"), 0);
    assert_true(hear_n(raw, got, sizeof(hello)));
    assert_memory_equal(got, hello, sizeof(hello));
    assert_int_equal(ws_write_message(c, WS_PING, "hi", 2), 0);
    assert_true(hear_n(raw, got, sizeof(ping)));
    assert_memory_equal(got, ping, sizeof(ping));
    assert_int_equal(ready(raw), 0);
    close(raw);
    ws_close(c);
}

struct writer {
    ws_conn *c;
    const char *text;
    size_t n;
    int error;
};

static void write_it(void *arg)
{
    struct writer *w = arg;

    w->error = ws_write_message(w->c, WS_BINARY, w->text, w->n);
}

static void every_size_is_one_frame(void **state)
{
    (void)state;
    static const size_t sizes[] = { 0,     1,      125,    126,   127,   128,
                                    16000, 16384,  16385,  17000, 65535, 65536,
                                    65537, 131072, 131073, 300000 };

    for (size_t i = 0; i < 2 * COUNT(sizes); i++) {
        size_t n = sizes[i / 2];
        bool client = i % 2;
        char *text = make_text(n);
        struct heard h;
        int raw;
        ws_conn *c = with_raw(&raw, &(ws_adoption){ .client = client });
        struct writer w = { .c = c, .text = text, .n = n };
        ws_fiber *f = mode_go(write_it, &w);

        assert_true(hear_frame(raw, &h));
        ws_join(f);
        assert_int_equal(w.error, 0);
        assert_int_equal(h.first, FIN | WS_BINARY);
        assert_int_equal(h.f.masked, client);
        assert_int_equal(h.f.len, n);
        assert_memory_equal(h.payload, text, n);
        assert_int_equal(ready(raw), 0);
        free(h.payload);
        free(text);
        close(raw);
        ws_close(c);
    }
}

static void each_frame_of_a_client_has_a_key_of_its_own(void **state)
{
    (void)state;
    enum { FRAMES = 1000 };
    uint8_t(*keys)[4] = calloc(FRAMES, 4);
    int raw, same = 0;
    ws_conn *c = with_raw(&raw, &(ws_adoption){ .client = true });

    for (int i = 0; i < FRAMES; i++) {
        struct heard h;
        assert_int_equal(ws_write_text(c, "x"), 0);
        assert_true(hear_frame(raw, &h));
        memcpy(keys[i], h.f.key, 4);
        free(h.payload);
        for (int k = 0; k < i; k++)
            same += memcmp(keys[i], keys[k], 4) == 0;
    }
    assert_true(same < 2); /* one in 8600 runs has a pair */
    free(keys);
    close(raw);
    ws_close(c);
}

static void formatted_text_has_any_length(void **state)
{
    (void)state;
    static const int lengths[] = { 0, 1, 500, 511, 512, 513, 3000 };
    char *text = make_text(3000);
    struct heard h;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    for (size_t i = 0; i < COUNT(lengths); i++) {
        int n = lengths[i];
        assert_int_equal(ws_writef(c, "%.*s", n, text), 0);
        assert_true(hear_frame(raw, &h));
        assert_int_equal(h.first, FIN | WS_TEXT);
        assert_int_equal(h.f.len, n);
        assert_memory_equal(h.payload, text, (size_t)n);
        free(h.payload);
    }
    free(text);
    close(raw);
    ws_close(c);
}

/* ---- Pieces ------------------------------------------------------------- */

static void hear_shape(int raw, uint8_t first, size_t n)
{
    struct heard h;

    assert_true(hear_frame(raw, &h));
    assert_int_equal(h.first, first);
    assert_int_equal(h.f.len, n);
    free(h.payload);
}

static void pieces_become_frames_when_the_buffer_is_full(void **state)
{
    (void)state;
    char *text = make_text(5000);
    int fds[2];

    make_pair(fds);
    ws_conn *c =
        set_up(fds[0], &(struct ws__setup){ .write_buffer_size = 1024 });
    assert_int_equal(ws_next_writer(c, WS_TEXT), 0);
    for (int i = 0; i < 5; i++)
        assert_int_equal(ws_write(c, text, 500), 0);
    assert_int_equal(ws_end_message(c), 0);
    hear_shape(fds[1], WS_TEXT, 1000);
    hear_shape(fds[1], 0, 1000);
    hear_shape(fds[1], FIN, 500);

    assert_int_equal(ws_next_writer(c, WS_BINARY), 0);
    assert_int_equal(ws_write(c, text, 5000), 0);
    assert_int_equal(ws_end_message(c), 0);
    hear_shape(fds[1], WS_BINARY, 5000);
    hear_shape(fds[1], FIN, 0);

    assert_int_equal(ws_next_writer(c, WS_TEXT), 0);
    assert_int_equal(ws_write(c, text, 10), 0);
    assert_int_equal(ws_end_message(c), 0);
    hear_shape(fds[1], FIN | WS_TEXT, 10);

    assert_int_equal(ws_next_writer(c, WS_TEXT), 0);
    assert_int_equal(ws_end_message(c), 0);
    hear_shape(fds[1], FIN | WS_TEXT, 0);
    free(text);
    close(fds[1]);
    ws_close(c);
}

static void a_flush_sends_a_piece(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    assert_int_equal(ws_next_writer(c, WS_TEXT), 0);
    assert_int_equal(ws_write(c, "abc", 3), 0);
    assert_int_equal(ready(raw), 0);
    assert_int_equal(ws_flush(c), 0);
    hear_shape(raw, WS_TEXT, 3);
    assert_int_equal(ws_flush(c), 0);
    assert_int_equal(ready(raw), 0);
    assert_int_equal(ws_end_message(c), 0);
    hear_shape(raw, FIN, 0);
    close(raw);
    ws_close(c);
}

static void writing_without_a_message_is_invalid(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    assert_int_equal(ws_write(c, "a", 1), WS_ERR_INVALID);
    assert_int_equal(ws_end_message(c), WS_ERR_INVALID);
    assert_int_equal(ws_next_writer(c, WS_PING), WS_ERR_INVALID);
    assert_int_equal(ws_write_message(c, (ws_type)3, "a", 1), WS_ERR_INVALID);
    assert_int_equal(ws_write_message(c, WS_TEXT, NULL, 1), WS_ERR_INVALID);
    assert_int_equal(ws_next_writer(c, WS_TEXT), 0);
    assert_int_equal(ws_end_message(c), 0);
    assert_int_equal(ws_write(c, "a", 1), WS_ERR_INVALID);
    hear_shape(raw, FIN | WS_TEXT, 0);
    assert_int_equal(ready(raw), 0);
    close(raw);
    ws_close(c);
}

static void others_wait_for_a_message_in_pieces(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);
    struct writer w = { .c = c, .text = "other", .n = 5 };

    assert_int_equal(ws_next_writer(c, WS_TEXT), 0);
    assert_int_equal(ws_next_writer(c, WS_TEXT), WS_ERR_BUSY);
    assert_int_equal(ws_write_text(c, "own"), WS_ERR_BUSY);
    ws_fiber *f = mode_go(write_it, &w);
    assert_int_equal(ws_write(c, "abc", 3), 0);
    assert_int_equal(ws_flush(c), 0);
    assert_int_equal(ws_write_control(c, WS_PING, "", 0, 0), 0);
    assert_int_equal(ws_end_message(c), 0);
    ws_join(f);
    assert_int_equal(w.error, 0);
    hear_shape(raw, WS_TEXT, 3);
    hear_shape(raw, FIN | WS_PING, 0);
    hear_shape(raw, FIN, 0);
    hear_shape(raw, FIN | WS_BINARY, 5);
    close(raw);
    ws_close(c);
}

/* ---- Control frames ----------------------------------------------------- */

static void control_frames_are_judged(void **state)
{
    (void)state;
    char *text = make_text(126);
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    assert_int_equal(ws_write_control(c, WS_PING, text, 126, 0),
                     WS_ERR_INVALID);
    assert_int_equal(ws_write_control(c, WS_TEXT, text, 5, 0), WS_ERR_INVALID);
    assert_int_equal(ws_write_control(c, WS_CLOSE, "\3", 1, 0), WS_ERR_INVALID);
    assert_int_equal(ws_write_control(c, WS_CLOSE, "\3\xed", 2, 0),
                     WS_ERR_INVALID); /* 1005 */
    assert_int_equal(ws_write_close(c, 1006, NULL), WS_ERR_INVALID);
    assert_int_equal(ws_write_close(c, 70000, NULL), WS_ERR_INVALID);
    assert_int_equal(ready(raw), 0);
    assert_int_equal(ws_write_control(c, WS_PING, text, 125, 0), 0);
    hear_shape(raw, FIN | WS_PING, 125);
    assert_int_equal(ws_write_control(c, WS_PONG, NULL, 0, patience()), 0);
    hear_shape(raw, FIN | WS_PONG, 0);
    free(text);
    close(raw);
    ws_close(c);
}

static void nothing_follows_a_close_frame(void **state)
{
    (void)state;
    char *text = make_text(200);
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    memcpy(text + 122, "\xc3\xa9", 2); /* the cut would go through it */
    assert_int_equal(ws_write_close(c, 1000, text), 0);
    assert_int_equal(ws_write_text(c, "x"), WS_ERR_CLOSE_SENT);
    assert_int_equal(ws_write_close(c, 1000, NULL), WS_ERR_CLOSE_SENT);
    assert_int_equal(ws_write_control(c, WS_PING, "", 0, 0), WS_ERR_CLOSE_SENT);
    assert_int_equal(ws_conn_error(c)->code, 0);
    hear_shape(raw, FIN | WS_CLOSE, 2 + 122);

    say_frame(raw, FIN | WS_PING, true, "", 0);
    say_text(raw, "still read");
    ws_message m;
    assert_int_equal(ws_read_message(c, &m), 0);
    assert_string_equal(m.data, "still read");
    assert_int_equal(ready(raw), 0);
    free(text);
    close(raw);
    ws_close(c);
}

/* ---- A peer that does not read ------------------------------------------ */

static ws_conn *stuffed(int *raw)
{
    const int small = 4096;
    int fds[2];

    make_pair(fds);
    setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    *raw = fds[1];
    return adopt(fds[0], NULL);
}

/* Fill the socket with whole messages; returns how many. */
static int fill_up(ws_conn *c, size_t size)
{
    char *text = make_text(size);
    int n = 0;

    ws_set_write_deadline(c, 1);
    int error;
    while ((error = ws_write_message(c, WS_BINARY, text, size)) == 0)
        n++;
    free(text);
    assert_int_equal(error, WS_ERR_TIMEOUT);
    return n;
}

static void a_timeout_before_a_message_leaves_the_connection_usable(
    void **state)
{
    (void)state;
    int raw;
    ws_conn *c = stuffed(&raw);
    int n = fill_up(c, 1);

    assert_true(n > 0);
    assert_int_equal(ws_write_control(c, WS_PING, "", 0, 1), WS_ERR_TIMEOUT);
    assert_int_equal(ws_write_close(c, 1000, NULL), WS_ERR_TIMEOUT);
    assert_int_equal(ws_conn_error(c)->code, 0);
    for (int i = 0; i < n; i++)
        hear_shape(raw, FIN | WS_BINARY, 1);
    ws_set_write_deadline(c, patience());
    assert_int_equal(ws_write_text(c, "after"), 0);
    hear_shape(raw, FIN | WS_TEXT, 5);
    assert_int_equal(ws_next_writer(c, WS_TEXT), 0); /* nobody has the turn */
    assert_int_equal(ws_end_message(c), 0);
    hear_shape(raw, FIN | WS_TEXT, 0);
    assert_int_equal(ready(raw), 0);
    close(raw);
    ws_close(c);
}

static void a_timeout_inside_a_message_ends_writing(void **state)
{
    (void)state;
    char *text = make_text(1 << 20);
    int raw;
    ws_conn *c = stuffed(&raw);
    ws_message m;

    ws_set_write_deadline(c, ws_after(1));
    assert_int_equal(ws_write_message(c, WS_BINARY, text, 1 << 20),
                     WS_ERR_DEAD);
    ws_set_write_deadline(c, 0);
    assert_int_equal(ws_write_text(c, "x"), WS_ERR_DEAD);
    assert_int_equal(ws_conn_error(c)->code, WS_ERR_DEAD);
    say_text(raw, "reading goes on");
    assert_int_equal(ws_read_message(c, &m), 0);
    free(text);
    close(raw);
    ws_close(c);
}

/* A client's goes out a piece at a time, of which the first finds room. */
static void so_does_one_between_its_pieces(void **state)
{
    (void)state;
    char *text = make_text(1 << 20);
    int raw;
    ws_conn *c = with_raw(&raw, &(ws_adoption){ .client = true });

    ws_set_write_deadline(c, ws_after(1));
    assert_int_equal(ws_write_message(c, WS_BINARY, text, 1 << 20),
                     WS_ERR_DEAD);
    assert_int_equal(ws_write_text(c, "x"), WS_ERR_DEAD);
    free(text);
    close(raw);
    ws_close(c);
}

static uint16_t held;

/* As TLS may: it has taken some of the bytes, though it could send none. */
static ssize_t hold_some(struct ws__stream *s, const struct iovec *v, int n)
{
    static const char others[4096];

    (void)v;
    (void)n;
    while (send(s->fd, others, sizeof(others), MSG_DONTWAIT) > 0)
        continue;
    s->taken = (unsigned)held & 0x7fff;
    return -EAGAIN;
}

static void what_the_transport_holds_is_not_taken_back(void **state)
{
    (void)state;
    for (held = 0; held < 2; held++) {
        int raw;
        ws_conn *c = with_raw(&raw, NULL);
        struct ws__transport *usual = c->stream.transport;
        struct ws__stream_ops ops = *usual->ops;
        struct ws__transport holding = { &ops };

        ops.writev = hold_some;
        ops.holds = true;
        c->stream.transport = &holding;
        ws_set_write_deadline(c, ws_after(1));
        assert_int_equal(ws_write_text(c, "x"),
                         held > 0 ? WS_ERR_DEAD : WS_ERR_TIMEOUT);
        c->stream.transport = usual;
        close(raw);
        ws_close(c);
    }
}

/* Its first frame is out, so another message would begin inside of it. */
static void a_timeout_at_the_end_of_pieces_ends_writing(void **state)
{
    (void)state;
    for (int compression = 0; compression <= 1; compression++) {
        const int small = 4096;
        int fds[2], error = 0;

        make_pair(fds);
        setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
        ws_conn *c =
            adopt(fds[0], &(ws_adoption){ .compression = compression });
        assert_int_equal(ws_next_writer(c, WS_TEXT), 0);
        assert_int_equal(ws_write(c, "begun", 5), 0);
        assert_int_equal(ws_flush(c), 0);
        while (error == 0)
            error = ws_write_control(c, WS_PING, "", 0, 1);
        assert_int_equal(error, WS_ERR_TIMEOUT);
        ws_set_write_deadline(c, 1);
        assert_int_equal(ws_write(c, "end", 3), 0);
        assert_int_equal(ws_end_message(c), WS_ERR_DEAD);
        assert_int_equal(ws_conn_error(c)->code, WS_ERR_DEAD);
        ws_set_write_deadline(c, 0);
        assert_int_equal(ws_write_text(c, "x"), WS_ERR_DEAD);
        close(fds[1]);
        ws_close(c);
    }
}

static void read_to_the_end(void *c)
{
    ws_message m;

    assert_int_equal(ws_read_message(c, &m), WS_ERR_CLOSED);
}

static ws_fiber *start_reader(ws_conn *c)
{
    ws_fiber *f = mode_go(read_to_the_end, c);

    await(&c->r.waiting);
    return f;
}

/* The reader waits already, for nothing but input. */
static void what_others_could_not_send_follows_while_one_reads(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);
    int n = fill_up(c, 1000);
    ws_fiber *f = start_reader(c);

    ws__outbox_goodbye(c, WS_CLOSE_GOING_AWAY, NULL);
    assert_true(ws__outbox_has_unsent(c));
    while (n-- > 0)
        hear_shape(raw, FIN | WS_BINARY, 1000);
    hear_close(raw, WS_CLOSE_GOING_AWAY);
    say_frame(raw, FIN | WS_CLOSE, true, "\x03\xe9", 2);
    ws_join(f);
    close(raw);
    ws_close(c);
}

/* The writer's message just fits, so it leaves; the reader, that answered while
 * it wrote, waits. */
static void a_pong_that_a_writer_could_not_send_follows(void **state)
{
    (void)state;
    int raw;
    struct heard h;
    ws_conn *c = with_raw(&raw, NULL);
    int n = fill_up(c, 1000);
    ws_fiber *f = start_reader(c);

    assert_int_equal(ws__outbox_lock(c, 0), 0); /* the writer is at work */
    say_frame(raw, FIN | WS_PING, true, "ping", 4);
    await(&c->w.wanted);
    await(&c->r.waiting);
    ws__outbox_unlock(c);
    assert_true(ws__outbox_has_unsent(c));
    while (n-- > 0)
        hear_shape(raw, FIN | WS_BINARY, 1000);
    assert_true(hear_frame(raw, &h));
    assert_int_equal(h.first, FIN | WS_PONG);
    assert_string_equal(h.payload, "ping");
    free(h.payload);
    say_frame(raw, FIN | WS_CLOSE, true, "\x03\xe9", 2);
    hear_close(raw, 1001);
    ws_join(f);
    close(raw);
    ws_close(c);
}

/* Nothing may follow it. */
static void of_all_answers_the_close_frame_goes_last(void **state)
{
    (void)state;
    struct heard h;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    assert_int_equal(ws__outbox_lock(c, 0), 0); /* somebody is writing */
    ws__outbox_close(c, WS_CLOSE_GOING_AWAY, NULL);
    ws__outbox_ping(c);
    ws__outbox_pong(c, "ping", 4);
    ws__outbox_unlock(c);
    assert_true(hear_frame(raw, &h));
    assert_int_equal(h.first, FIN | WS_PONG);
    assert_string_equal(h.payload, "ping");
    free(h.payload);
    hear_shape(raw, FIN | WS_PING, 0);
    hear_close(raw, WS_CLOSE_GOING_AWAY);
    close(raw);
    ws_close(c);
}

/* Of two that wait the second counts, with all that it says. */
static void a_close_frame_takes_the_place_of_one_that_waits(void **state)
{
    (void)state;
    struct heard h;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    assert_int_equal(ws__outbox_lock(c, 0), 0); /* somebody is writing */
    ws__outbox_close(c, WS_CLOSE_INTERNAL, "out of order");
    ws__outbox_close(c, WS_CLOSE_NORMAL, NULL);
    ws__outbox_unlock(c);
    assert_true(hear_frame(raw, &h));
    assert_int_equal(h.first, FIN | WS_CLOSE);
    assert_int_equal(h.f.len, 2);
    assert_int_equal(load_be((const uint8_t *)h.payload, 2), WS_CLOSE_NORMAL);
    free(h.payload);
    close(raw);
    ws_close(c);
}

enum { PIECE = 20000 };

/* What compression cannot make smaller. */
static void make_piece(uint8_t *p, uint32_t seed)
{
    for (size_t i = 0; i < PIECE; i++) {
        seed = seed * 1664525 + 1013904223;
        p[i] = (uint8_t)(seed >> 24);
    }
}

struct collector {
    ws_conn *c;
    uint8_t bytes[4 * PIECE];
    size_t n;
};

static void collect(void *arg)
{
    struct collector *k = arg;
    ws_message m;

    if (ws_read_message(k->c, &m) == 0 && m.len <= sizeof(k->bytes)) {
        memcpy(k->bytes, m.data, m.len);
        k->n = m.len;
    }
}

static void a_piece_that_timed_out_can_be_tried_again(void **state)
{
    (void)state;
    static struct collector k;
    static uint8_t pieces[4][PIECE];

    for (uint32_t i = 0; i < COUNT(pieces); i++)
        make_piece(pieces[i], i + 1);
    for (int compression = 0; compression <= 1; compression++) {
        ws_conn *c;
        size_t n = 0;
        int error = 0;

        both(&c, &k.c, compression);
        k.n = 0;
        assert_int_equal(ws_next_writer(c, WS_BINARY), 0);
        while (error == 0)
            error = ws_write_control(c, WS_PING, "", 0, 1);
        assert_int_equal(error, WS_ERR_TIMEOUT);
        ws_set_write_deadline(c, 1);
        while ((error = ws_write(c, pieces[n], PIECE)) == 0)
            n++;
        assert_int_equal(error, WS_ERR_TIMEOUT);
        ws_set_write_deadline(c, patience());
        ws_fiber *f = mode_go(collect, &k);
        for (; n < COUNT(pieces); n++)
            assert_int_equal(ws_write(c, pieces[n], PIECE), 0);
        assert_int_equal(ws_end_message(c), 0);
        ws_join(f);
        assert_int_equal(k.n, sizeof(pieces));
        assert_memory_equal(k.bytes, pieces, sizeof(pieces));
        ws_close(c);
        ws_close(k.c);
    }
}

static void a_peer_that_takes_nothing_is_dead(void **state)
{
    (void)state;
    const int small = 4096;
    char *text = make_text(1 << 20);
    int fds[2];

    make_pair(fds);
    setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    ws_conn *c = adopt(fds[0], &(ws_adoption){ .write_timeout_ms = 20 });
    assert_int_equal(ws_write_message(c, WS_BINARY, text, 1 << 20),
                     WS_ERR_DEAD);
    free(text);
    close(fds[1]);
    ws_close(c);
}

/* ---- Answers ------------------------------------------------------------ */

static void reading_never_waits_to_answer(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = stuffed(&raw);
    int n = fill_up(c, 1);
    ws_message m;
    struct heard h;

    /* Two pongs cannot be sent; only the newest is. */
    say_frame(raw, FIN | WS_PING, true, "first", 5);
    say_frame(raw, FIN | WS_PING, true, "newest", 6);
    say_text(raw, "read");
    assert_int_equal(ws_read_message(c, &m), 0);
    assert_string_equal(m.data, "read");
    for (int i = 0; i < n; i++)
        hear_shape(raw, FIN | WS_BINARY, 1);

    /* The first went into the buffer before the socket was found full. */
    ws_set_read_deadline(c, ws_after(20));
    assert_int_equal(ws_read_message(c, &m), WS_ERR_TIMEOUT);
    assert_true(hear_frame(raw, &h));
    assert_int_equal(h.first, FIN | WS_PONG);
    bool newest = strcmp(h.payload, "newest") == 0;
    free(h.payload);
    if (!newest) {
        assert_true(hear_frame(raw, &h));
        assert_string_equal(h.payload, "newest");
        free(h.payload);
    }
    assert_int_equal(ready(raw), 0);
    close(raw);
    ws_close(c);
}

static void pings_while_a_message_is_written_get_one_pong(void **state)
{
    (void)state;
    char *text = make_text(1 << 20);
    int raw;
    ws_conn *c = stuffed(&raw);
    struct writer w = { .c = c, .text = text, .n = 1 << 20 };
    ws_fiber *f = mode_go(write_it, &w);
    uint8_t head[2];
    ws_message m;
    struct heard h;

    assert_true(hear_n(raw, head, 2)); /* the message has begun */
    for (int i = 0; i < 100; i++)
        say_frame(raw, FIN | WS_PING, true, &i, sizeof(i));
    say_text(raw, "read");
    assert_int_equal(ws_read_message(c, &m), 0);
    char *rest = malloc((1 << 20) + 8);
    assert_true(hear_n(raw, rest, (1 << 20) + 8));
    free(rest);
    ws_join(f);
    assert_int_equal(w.error, 0);
    assert_true(hear_frame(raw, &h));
    assert_int_equal(h.first, FIN | WS_PONG);
    int last = 0;
    memcpy(&last, h.payload, sizeof(last));
    assert_int_equal(last, 99);
    free(h.payload);
    assert_int_equal(ready(raw), 0);
    free(text);
    close(raw);
    ws_close(c);
}

/* ---- Coalescing --------------------------------------------------------- */

static void say_burst(int raw, int n)
{
    uint8_t bytes[1024];
    size_t len = 0;

    for (int i = 0; i < n; i++)
        len += make_frame(bytes + len, FIN | WS_TEXT, true, "ask", 3);
    say(raw, bytes, len);
}

/* Within a turn: its end sends what is held. */
static void echo_one(ws_conn *c)
{
    ws_message m;

    ws__budget = WS__BUDGET;
    assert_int_equal(ws_read_message(c, &m), 0);
    assert_int_equal(ws_write_message(c, m.type, m.data, m.len), 0);
}

enum { ANSWER = 5 }; /* bytes of one */

static void answers_to_a_burst_go_out_together(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    say_burst(raw, 16);
    for (int i = 0; i < 15; i++) {
        echo_one(c);
        assert_int_equal(ready(raw), 0);
    }
    echo_one(c);
    assert_int_equal(ready(raw), 16 * ANSWER);
    say_burst(raw, 1);
    echo_one(c);
    assert_int_equal(ready(raw), 17 * ANSWER);
    for (int i = 0; i < 17; i++)
        hear_shape(raw, FIN | WS_TEXT, 3);
    close(raw);
    ws_close(c);
}

static void no_more_are_held_than_the_buffer_is_large(void **state)
{
    (void)state;
    enum { SIZE = 256, MANY = 100 };
    int fds[2];

    make_pair(fds);
    ws_conn *c =
        set_up(fds[0], &(struct ws__setup){ .write_buffer_size = SIZE });
    say_burst(fds[1], MANY);
    for (int i = 1; i <= MANY; i++) {
        echo_one(c);
        assert_in_range(i * ANSWER - ready(fds[1]), 0, SIZE);
    }
    close(fds[1]);
    ws_close(c);
}

struct other {
    ws_conn *c;
    int raw, came;
};

static void write_and_look(void *arg)
{
    struct other *o = arg;

    assert_int_equal(ws_write_text(o->c, "x"), 0);
    o->came = ready(o->raw);
}

/* Only who reads on will soon send it. */
static void what_others_write_is_not_held(void **state)
{
    (void)state;
    struct other o;

    o.c = with_raw(&o.raw, NULL);
    say_burst(o.raw, 2);
    echo_one(o.c);
    ws_join(mode_go(write_and_look, &o));
    assert_int_equal(o.came, ANSWER + 3);
    close(o.raw);
    ws_close(o.c);
}

static void answers_that_are_late_three_times_are_held_no_more(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    for (int i = 0; i < 3; i++) {
        say_burst(raw, 3);
        echo_one(c);
        assert_int_equal(ready(raw), 3 * i * ANSWER);
        now_us += 101;
        echo_one(c); /* too late to be held, and so is the first */
        assert_int_equal(ready(raw), (3 * i + 2) * ANSWER);
        echo_one(c);
    }
    say_burst(raw, 2);
    echo_one(c);
    assert_int_equal(ready(raw), 10 * ANSWER);
    echo_one(c);
    for (int i = 0; i < 11; i++)
        hear_shape(raw, FIN | WS_TEXT, 3);
    close(raw);
    ws_close(c);
}

static void an_answer_in_time_forgives_the_late_ones(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    for (int i = 0; i < 9; i++) {
        bool late = i % 3 != 2;

        say_burst(raw, 3);
        echo_one(c);
        assert_int_equal(ready(raw), 3 * i * ANSWER);
        now_us += late ? 101 : 100;
        echo_one(c);
        assert_int_equal(ready(raw), (3 * i + (late ? 2 : 0)) * ANSWER);
        echo_one(c);
        assert_int_equal(ready(raw), (3 * i + 3) * ANSWER);
    }
    for (int i = 0; i < 27; i++)
        hear_shape(raw, FIN | WS_TEXT, 3);
    close(raw);
    ws_close(c);
}

static void an_answer_is_not_held_when_asked(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);
    ws_event never = { 0 };

    say_burst(raw, 8);
    echo_one(c);
    assert_int_equal(ready(raw), 0);
    assert_int_equal(ws_flush(c), 0);
    assert_int_equal(ready(raw), ANSWER);
    echo_one(c);
    assert_int_equal(ready(raw), ANSWER);
    ws_event_wait(&never, 1); /* any wait in the library */
    assert_int_equal(ready(raw), 2 * ANSWER);
    echo_one(c);
    struct writer w = { .c = c, .text = "other", .n = 5 };
    ws_fiber *f = mode_go(write_it, &w); /* theirs goes behind ours */
    ws_join(f);
    assert_int_equal(ready(raw), 3 * ANSWER + 7);
    ws_set_coalescing(c, false);
    echo_one(c);
    assert_int_equal(ready(raw), 4 * ANSWER + 7);
    for (int i = 0; i < 3; i++)
        hear_shape(raw, FIN | WS_TEXT, 3);
    hear_shape(raw, FIN | WS_BINARY, 5);
    hear_shape(raw, FIN | WS_TEXT, 3);
    close(raw);
    ws_close(c);
}

struct relay {
    ws_conn *from;
    ws_conn *to;
    char *text;
    int error;
};

/* The answer is held back, since the next request is here. */
static void answer_and_relay(void *arg)
{
    struct relay *r = arg;

    echo_one(r->from);
    r->error = ws_write_message(r->to, WS_BINARY, r->text, 1 << 20);
    echo_one(r->from);
    ws_flush(r->from);
}

/* Its peer takes nothing, but that of the other connection does. */
static void what_is_held_back_does_not_hold_up_another_connection(void **state)
{
    (void)state;
    int raw[2];
    struct heard h;
    struct relay r = { .from = with_raw(&raw[0], NULL),
                       .to = with_raw(&raw[1], NULL),
                       .text = make_text(1 << 20) };
    int n = fill_up(r.from, 1000);

    ws_set_write_deadline(r.from, 0);
    say_burst(raw[0], 2);
    ws_fiber *f = mode_go(answer_and_relay, &r);
    await(&r.to->w.waiting);
    assert_true(hear_frame(raw[1], &h));
    assert_int_equal(h.f.len, 1 << 20);
    free(h.payload);
    ws_set_write_deadline(r.to, patience());
    assert_int_equal(ws_write_text(r.to, "x"), 0);
    hear_shape(raw[1], FIN | WS_TEXT, 1);
    while (n-- > 0)
        hear_shape(raw[0], FIN | WS_BINARY, 1000);
    hear_shape(raw[0], FIN | WS_TEXT, 3);
    hear_shape(raw[0], FIN | WS_TEXT, 3);
    ws_join(f);
    assert_int_equal(r.error, 0);
    free(r.text);
    for (int i = 0; i < 2; i++)
        close(raw[i]);
    ws_close(r.from);
    ws_close(r.to);
}

struct aside {
    struct relay relay;
    ws_event heard;
};

/* It waits for something else, and reads no more. */
static void answer_and_wait_aside(void *arg)
{
    struct aside *a = arg;

    echo_one(a->relay.from);
    a->relay.error =
        ws_write_message(a->relay.to, WS_BINARY, a->relay.text, 1 << 20);
    ws_event_wait(&a->heard, patience());
}

/* There was no room for it when it was put off. */
static void what_was_put_off_goes_with_the_next_wait(void **state)
{
    (void)state;
    int raw[2];
    struct heard h;
    struct aside a = { .relay = { .from = with_raw(&raw[0], NULL),
                                  .to = with_raw(&raw[1], NULL),
                                  .text = make_text(1 << 20) } };
    int n = fill_up(a.relay.from, 1000);

    ws_set_write_deadline(a.relay.from, 0);
    say_burst(raw[0], 2);
    ws_fiber *f = mode_go(answer_and_wait_aside, &a);
    await(&a.relay.to->w.waiting);
    assert_true(hear_frame(raw[1], &h));
    assert_int_equal(h.f.len, 1 << 20);
    free(h.payload);
    while (n-- > 0)
        hear_shape(raw[0], FIN | WS_BINARY, 1000);
    hear_shape(raw[0], FIN | WS_TEXT, 3);
    ws_event_set(&a.heard);
    ws_join(f);
    assert_int_equal(a.relay.error, 0);
    free(a.relay.text);
    for (int i = 0; i < 2; i++)
        close(raw[i]);
    ws_close(a.relay.from);
    ws_close(a.relay.to);
}

static void a_held_answer_arrives_though_the_connection_is_closed(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    say_burst(raw, 2);
    echo_one(c);
    assert_int_equal(ready(raw), 0);
    ws_close(c);
    hear_shape(raw, FIN | WS_TEXT, 3);
    close(raw);
}

struct ending {
    ws_conn *c;
    bool closes;
};

/* It does not wait in the library any more. */
static void *echo_and_end(void *arg)
{
    const struct ending *e = arg;

    echo_one(e->c);
    if (e->closes)
        ws_close(e->c);
    return NULL;
}

static void in_thread_of_its_own(struct ending e)
{
    pthread_t t;

    assert_int_equal(pthread_create(&t, NULL, echo_and_end, &e), 0);
    assert_int_equal(pthread_join(t, NULL), 0);
}

static void a_held_answer_goes_when_its_thread_ends(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    say_burst(raw, 2);
    in_thread_of_its_own((struct ending){ .c = c });
    assert_int_equal(ready(raw), ANSWER);
    echo_one(c); /* another one may read */
    hear_shape(raw, FIN | WS_TEXT, 3);
    hear_shape(raw, FIN | WS_TEXT, 3);
    close(raw);
    ws_close(c);
}

static void a_thread_that_closes_and_ends_leaves_nothing(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);
    int fd = ws_fd(c);

    say_burst(raw, 2);
    in_thread_of_its_own((struct ending){ .c = c, .closes = true });
    hear_shape(raw, FIN | WS_TEXT, 3);
    close(raw);
    for (int64_t end = patience(); fcntl(fd, F_GETFD) >= 0; ws_sleep(1))
        assert_true(ws_now() < end);
}

/* ---- Compression -------------------------------------------------------- */

static void takeover_pair(ws_conn **server, ws_conn **client, int bits)
{
    struct ws__setup setup = { .deflate = { .on = true,
                                            .server_takeover = true,
                                            .client_takeover = true,
                                            .server_bits = bits,
                                            .client_bits = bits } };
    int fds[2];

    make_pair(fds);
    *server = set_up(fds[0], &setup);
    setup.client = true;
    *client = set_up(fds[1], &setup);
}

static void send_and_compare(ws_conn *from, ws_conn *to, const char *text,
                             size_t n)
{
    ws_message m;

    assert_int_equal(ws_write_message(from, WS_TEXT, text, n), 0);
    assert_int_equal(ws_read_message(to, &m), 0);
    assert_int_equal(m.len, n);
    assert_memory_equal(m.data, text, n);
}

static void every_level_and_window_is_read(void **state)
{
    (void)state;
    static const size_t sizes[] = { 0, 0, 1, 100, 3000, 0, 40000 };
    char *text = make_text(40000);

    for (int bits = 9; bits <= 15; bits += 2) {
        ws_conn *server, *client;
        takeover_pair(&server, &client, bits);

        for (int level = -2; level <= 9; level++)
            for (size_t i = 0; i < COUNT(sizes); i++) {
                assert_int_equal(ws_set_compression_level(server, level), 0);
                ws_enable_write_compression(server, i % 3 != 2);
                send_and_compare(server, client, text, sizes[i]);
                send_and_compare(client, server, text, sizes[i]);
            }
        assert_int_equal(ws_set_compression_level(server, -3), WS_ERR_INVALID);
        assert_int_equal(ws_set_compression_level(server, 10), WS_ERR_INVALID);
        ws_close(client);
        ws_close(server);
    }
    free(text);
}

static void a_window_kept_makes_the_second_message_smaller(void **state)
{
    (void)state;
    struct ws__setup setup = { .deflate = { .on = true,
                                            .server_takeover = true,
                                            .server_bits = 15,
                                            .client_bits = 15 } };
    char *text = make_text(1000);
    struct heard first, second;
    int fds[2];

    make_pair(fds);
    ws_conn *c = set_up(fds[0], &setup);
    assert_int_equal(ws_write_text(c, text), 0);
    assert_int_equal(ws_write_text(c, text), 0);
    assert_true(hear_frame(fds[1], &first) && hear_frame(fds[1], &second));
    assert_int_equal(first.first, FIN | RSV1 | WS_TEXT);
    assert_int_equal(second.first, FIN | RSV1 | WS_TEXT);
    assert_true(second.f.len * 4 < first.f.len);
    free(first.payload);
    free(second.payload);
    free(text);
    close(fds[1]);
    ws_close(c);
}

/* What others have sent and received is neither looked back at nor shown. */
static void a_window_that_others_have_used_begins_empty(void **state)
{
    (void)state;
    char *text = make_text(3000);
    ws_conn *server, *client;

    for (int round = 0; round < 3; round++) {
        both(&server, &client, true);
        send_and_compare(server, client, text, 3000);
        send_and_compare(client, server, text, 3000);
        ws_close(client);
        ws_close(server);
        takeover_pair(&server, &client, 15);
        send_and_compare(server, client, text, 3000);
        send_and_compare(client, server, text + 500, 2500);
        ws_close(client);
        ws_close(server);
    }
    free(text);
}

static void compressed_pieces_are_read(void **state)
{
    (void)state;
    char *text = make_text(200000);
    ws_conn *server, *client;

    for (int takeover = 0; takeover < 2; takeover++) {
        if (takeover)
            takeover_pair(&server, &client, 12);
        else
            both(&server, &client, true);
        for (int round = 0; round < 3; round++) {
            ws_message m;
            assert_int_equal(ws_next_writer(client, WS_TEXT), 0);
            for (size_t at = 0; at < 30000; at += 1000) {
                assert_int_equal(ws_write(client, text + at, 1000), 0);
                if (at % 7000 == 0)
                    assert_int_equal(ws_flush(client), 0);
            }
            if (round == 1)
                assert_int_equal(ws_flush(client), 0);
            assert_int_equal(ws_end_message(client), 0);
            assert_int_equal(ws_read_message(server, &m), 0);
            assert_int_equal(m.len, 30000);
            assert_memory_equal(m.data, text, 30000);
        }
        ws_close(client);
        ws_close(server);
    }
    free(text);
}

static void stream_out(ws_conn *c, const char *text, size_t n, size_t piece)
{
    assert_int_equal(ws_next_writer(c, WS_TEXT), 0);
    for (size_t at = 0; at < n; at += piece) {
        size_t left = n - at;
        assert_int_equal(ws_write(c, text + at, left < piece ? left : piece),
                         0);
        if (at / piece % 5 == 4)
            assert_int_equal(ws_flush(c), 0);
    }
    assert_int_equal(ws_end_message(c), 0);
}

/* Read at least so much of a message. */
static void stream_in(ws_conn *c, const char *text, size_t n, size_t wanted)
{
    char piece[777];
    size_t at = 0;
    ptrdiff_t r = 1;
    ws_type type;

    assert_int_equal(ws_next_reader(c, &type), 0);
    while (at < wanted && r > 0) {
        r = ws_read(c, piece, sizeof(piece));
        assert_true(r > 0 && at + (size_t)r <= n);
        assert_memory_equal(piece, text + at, (size_t)r);
        at += (size_t)r;
    }
    if (wanted == n)
        assert_int_equal(ws_read(c, piece, sizeof(piece)), 0);
}

static void pieces_that_were_not_ended_leave_nothing(void **state)
{
    (void)state;
    long live = 0;

    for (int i = 0; i < 3; i++) {
        int64_t limit = patience();
        int raw;
        ws_conn *c = with_raw(&raw, &(ws_adoption){ .compression = true });

        assert_int_equal(ws_next_writer(c, WS_TEXT), 0);
        assert_int_equal(ws_write(c, "begun", 5), 0);
        close(raw);
        ws_close(c);
        if (i == 0)
            live = mode_live(); /* what the pools keep, at least */
        while (mode_live() > live) {
            assert_true(ws_now() < limit);
            ws_sleep(1);
        }
    }
}

/* Whole or in pieces, compressed or not, read to the end or left half way: the
 * window is the same at both ends. */
static void streams_and_messages_share_a_window(void **state)
{
    (void)state;
    enum { N = 30000 };
    char *text = make_text(N);
    ws_conn *server, *client;

    for (int takeover = 0; takeover < 2; takeover++) {
        if (takeover)
            takeover_pair(&server, &client, 15);
        else
            both(&server, &client, true);
        for (int i = 0; i < 24; i++) {
            ws_conn *from = i % 2 ? server : client;
            ws_conn *to = i % 2 ? client : server;
            const char *p = text + 100 * i;
            size_t n = (size_t)(N - 100 * i);
            ws_message m;

            ws_enable_write_compression(from, i % 7 != 6);
            if (i % 4 < 2)
                stream_out(from, p, n, (size_t)(97 << i % 7));
            else
                assert_int_equal(ws_write_message(from, WS_TEXT, p, n), 0);
            if (i % 3 > 0) {
                stream_in(to, p, n, i % 3 == 1 ? n : n / 2);
                continue;
            }
            assert_int_equal(ws_read_message(to, &m), 0);
            assert_int_equal(m.len, n);
            assert_memory_equal(m.data, p, n);
        }
        ws_close(client);
        ws_close(server);
    }
    free(text);
}

static int write_numbered(ws_conn *c, bool pieces, int n, const char *text)
{
    char number[16];

    if (!pieces)
        return ws_writef(c, "%d %s", n, text);
    snprintf(number, sizeof(number), "%d ", n);
    assert_int_equal(ws_next_writer(c, WS_TEXT), 0);
    assert_int_equal(ws_write(c, number, strlen(number)), 0);
    assert_int_equal(ws_write(c, text, strlen(text)), 0);
    return ws_end_message(c);
}

static void look_back(bool pieces)
{
    const int small = 4096;
    struct ws__setup setup = { .deflate = { .on = true,
                                            .server_takeover = true,
                                            .server_bits = 15,
                                            .client_bits = 15 } };
    char *text = make_text(500);
    int fds[2], n = 0;
    ws_message m;

    make_pair(fds);
    setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    ws_conn *server = set_up(fds[0], &setup);
    setup.client = true;
    ws_conn *client = set_up(fds[1], &setup);
    ws_set_write_deadline(server, 1);
    while (write_numbered(server, pieces, n, text) == 0)
        n++;
    assert_int_equal(ws_conn_error(server)->code, 0);
    for (int i = 0; i < n; i++)
        assert_int_equal(ws_read_message(client, &m), 0);
    assert_int_equal(write_numbered(server, pieces, n, text), 0);
    assert_int_equal(ws_read_message(client, &m), 0);
    assert_int_equal(atoi(m.data), n);
    assert_string_equal(strchr(m.data, ' ') + 1, text);
    free(text);
    ws_close(client);
    ws_close(server);
}

static void what_timed_out_is_not_looked_back_at(void **state)
{
    (void)state;
    look_back(false);
    look_back(true);
}

/* ---- Buffers ------------------------------------------------------------ */

struct pool_log {
    int got, put;
    size_t size;
};

static void *pool_get(size_t size, void *arg)
{
    struct pool_log *log = arg;

    log->got++;
    log->size = size;
    return malloc(size);
}

static void pool_put(void *buffer, size_t size, void *arg)
{
    struct pool_log *log = arg;

    log->put++;
    assert_int_equal(size, log->size);
    free(buffer);
}

static void a_buffer_of_the_users_is_held_only_while_writing(void **state)
{
    (void)state;
    struct pool_log log = { 0 };
    const ws_buffer_pool pool = { pool_get, pool_put, &log };
    int fds[2];

    make_pair(fds);
    ws_conn *c =
        set_up(fds[0], &(struct ws__setup){ .write_buffer_pool = &pool,
                                            .write_buffer_size = 512 });
    assert_int_equal(log.got, 0);
    for (int i = 1; i <= 3; i++) {
        assert_int_equal(ws_write_text(c, "x"), 0);
        assert_int_equal(log.got, i);
        assert_int_equal(log.put, i);
        hear_shape(fds[1], FIN | WS_TEXT, 1);
    }
    assert_true(log.size >= 512);
    close(fds[1]);
    assert_int_equal(ws_write_text(c, "x"), -EPIPE);
    assert_int_equal(log.got, log.put);
    ws_close(c);
}

/* ---- Turns -------------------------------------------------------------- */

struct bystander {
    const long *count;
    long when;
};

static void look(void *arg)
{
    struct bystander *b = arg;

    b->when = *b->count;
}

/* There is room for all of them, so none has to wait. */
static void write_many(void *arg)
{
    enum { MANY = 200 };

    (void)arg;
    long count = 0;
    struct bystander b = { .count = &count };
    int raw;
    ws_conn *c = with_raw(&raw, NULL);
    ws_fiber *f = ws_go(look, &b);

    for (; count < MANY; count++)
        assert_int_equal(ws_write_text(c, "x"), 0);
    ws_join(f);
    assert_in_range(b.when, 0, 2 * WS__BUDGET);
    close(raw);
    ws_close(c);
}

static void who_writes_much_lets_others_have_their_turn(void **state)
{
    (void)state;
    mode_in_fiber(write_many, NULL);
}

/* ---- Memory ------------------------------------------------------------- */

enum { WHOLE, FRAGMENTED, KINDS };

static void round_trip(ws_conn *server, ws_conn *client, int kind,
                       const char *text, size_t n)
{
    ws_message m;

    if (kind == FRAGMENTED) {
        assert_int_equal(ws_next_writer(client, WS_TEXT), 0);
        for (size_t at = 0; at < n; at += n / 4) {
            assert_int_equal(ws_write(client, text + at, n / 4), 0);
            assert_int_equal(ws_flush(client), 0);
        }
        assert_int_equal(ws_end_message(client), 0);
    } else {
        assert_int_equal(ws_write_message(client, WS_TEXT, text, n), 0);
    }
    assert_int_equal(ws_read_message(server, &m), 0);
    assert_int_equal(m.len, n);
    assert_int_equal(ws_write_message(server, m.type, m.data, m.len), 0);
    assert_int_equal(ws_read_message(client, &m), 0);
    assert_int_equal(m.len, n);
}

static void a_steady_stream_allocates_nothing(void **state)
{
    (void)state;
    static const size_t sizes[] = { 20, 64 * 1024 };
    char *text = make_text(64 * 1024);

    for (size_t i = 0; i < 2 * KINDS * COUNT(sizes); i++) {
        ws_conn *server, *client;
        int kind = (int)i / 2 % KINDS;
        size_t n = sizes[i / 2 / KINDS];

        both(&server, &client, i % 2);
        for (int k = 0; k < 4; k++)
            round_trip(server, client, kind, text, n);
        alloc_fail_at(1);
        for (int k = 0; k < 50; k++)
            round_trip(server, client, kind, text, n);
        assert_false(alloc_failed());
        alloc_fail_at(0);
        ws_shutdown(client);
        ws_shutdown(server);
        ws_close(client);
        ws_close(server);
    }
    free(text);
}

/* So that the reader need not wait for what does not come. */
static void write_or_break(void *arg)
{
    struct writer *w = arg;

    write_it(w);
    if (w->error != 0)
        ws_shutdown(w->c);
}

/* The next one can be written, if there is some then. */
static void a_message_that_finds_no_memory_has_not_begun(void **state)
{
    (void)state;
    struct ws__setup setup = { .deflate = { .on = true,
                                            .server_takeover = true,
                                            .server_bits = 15,
                                            .client_bits = 15 } };
    bool failed = true;

    for (long n = 1; failed; n++) {
        struct heard h;
        int fds[2];

        make_pair(fds);
        ws_conn *c = set_up(fds[0], &setup);
        ws_set_write_deadline(c, 1);
        alloc_fail_at(n);
        int error = ws_next_writer(c, WS_TEXT);
        failed = alloc_failed();
        alloc_fail_at(0);
        assert_int_equal(error, failed ? -ENOMEM : 0);
        if (failed)
            assert_int_equal(ws_next_writer(c, WS_TEXT), 0);
        assert_int_equal(ws_end_message(c), 0);
        assert_true(hear_frame(fds[1], &h));
        free(h.payload);
        close(fds[1]);
        ws_close(c);
    }
}

static void every_allocation_failure_is_an_error(void **state)
{
    (void)state;
    char *text = make_text(100000);

    for (int kind = 0; kind < 3; kind++) {
        bool failed = true;

        for (long n = 1; failed; n++) {
            ws_conn *server, *client;
            both(&server, &client, kind > 0);
            struct writer w = { .c = client, .text = text, .n = 100000 };
            ws_message m;

            alloc_fail_at(n);
            int error;
            if (kind == 2) {
                error = ws_next_writer(client, WS_TEXT);
                if (error == 0) {
                    int written = ws_write(client, text, 9000);
                    error = ws_end_message(client);
                    error = written != 0 ? written : error;
                }
            } else {
                ws_fiber *f = ws_go(write_or_break, &w);
                if (f && ws_read_message(server, &m) == 0)
                    assert_memory_equal(m.data, text, 100000);
                ws_shutdown(server);
                ws_join(f);
                error = f ? w.error : -ENOMEM;
            }
            failed = alloc_failed();
            alloc_fail_at(0);
            if (!failed)
                assert_int_equal(error, 0);
            ws_shutdown(server);
            ws_shutdown(client);
            ws_close(client);
            ws_close(server);
        }
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* First, while no connection lingers that could allocate. */
        cmocka_unit_test(a_steady_stream_allocates_nothing),
        cmocka_unit_test(a_server_sends_one_plain_frame),
        cmocka_unit_test(every_size_is_one_frame),
        cmocka_unit_test(each_frame_of_a_client_has_a_key_of_its_own),
        cmocka_unit_test(formatted_text_has_any_length),
        cmocka_unit_test(pieces_become_frames_when_the_buffer_is_full),
        cmocka_unit_test(a_flush_sends_a_piece),
        cmocka_unit_test(writing_without_a_message_is_invalid),
        cmocka_unit_test(others_wait_for_a_message_in_pieces),
        cmocka_unit_test(control_frames_are_judged),
        cmocka_unit_test(nothing_follows_a_close_frame),
        cmocka_unit_test(
            a_timeout_before_a_message_leaves_the_connection_usable),
        cmocka_unit_test(a_timeout_inside_a_message_ends_writing),
        cmocka_unit_test(so_does_one_between_its_pieces),
        cmocka_unit_test(what_the_transport_holds_is_not_taken_back),
        cmocka_unit_test(a_timeout_at_the_end_of_pieces_ends_writing),
        cmocka_unit_test(a_piece_that_timed_out_can_be_tried_again),
        cmocka_unit_test(what_others_could_not_send_follows_while_one_reads),
        cmocka_unit_test(a_pong_that_a_writer_could_not_send_follows),
        cmocka_unit_test(of_all_answers_the_close_frame_goes_last),
        cmocka_unit_test(a_close_frame_takes_the_place_of_one_that_waits),
        cmocka_unit_test(a_peer_that_takes_nothing_is_dead),
        cmocka_unit_test(reading_never_waits_to_answer),
        cmocka_unit_test(pings_while_a_message_is_written_get_one_pong),
        cmocka_unit_test(answers_to_a_burst_go_out_together),
        cmocka_unit_test(no_more_are_held_than_the_buffer_is_large),
        cmocka_unit_test(what_others_write_is_not_held),
        cmocka_unit_test(answers_that_are_late_three_times_are_held_no_more),
        cmocka_unit_test(an_answer_in_time_forgives_the_late_ones),
        cmocka_unit_test(an_answer_is_not_held_when_asked),
        cmocka_unit_test(what_is_held_back_does_not_hold_up_another_connection),
        cmocka_unit_test(what_was_put_off_goes_with_the_next_wait),
        cmocka_unit_test(a_held_answer_arrives_though_the_connection_is_closed),
        cmocka_unit_test(a_held_answer_goes_when_its_thread_ends),
        cmocka_unit_test(a_thread_that_closes_and_ends_leaves_nothing),
        cmocka_unit_test(every_level_and_window_is_read),
        cmocka_unit_test(a_window_kept_makes_the_second_message_smaller),
        cmocka_unit_test(a_window_that_others_have_used_begins_empty),
        cmocka_unit_test(compressed_pieces_are_read),
        cmocka_unit_test(pieces_that_were_not_ended_leave_nothing),
        cmocka_unit_test(streams_and_messages_share_a_window),
        cmocka_unit_test(what_timed_out_is_not_looked_back_at),
        cmocka_unit_test(a_buffer_of_the_users_is_held_only_while_writing),
        cmocka_unit_test(who_writes_much_lets_others_have_their_turn),
        cmocka_unit_test(a_message_that_finds_no_memory_has_not_begun),
        cmocka_unit_test(every_allocation_failure_is_an_error),
    };

    alloc_fail_install();
    return run_in_mode("write", tests, NULL, NULL);
}
