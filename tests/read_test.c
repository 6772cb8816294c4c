/* SPDX-License-Identifier: MIT */

#include "pair.h"

#include <limits.h>

#include "alloc_fail.h"
#include "fiber/sched.h"
#include "proto/deflate.h"
#include "mode.h"
#include "conn/inbox.h"
#include "conn/pools.h"

/* ---- Shapes ------------------------------------------------------------- */

static const size_t sizes[] = { 0,      1,      2,      124,    125,
                                126,    127,    128,    129,    4096,
                                65534,  65535,  65536,  65537,  131000,
                                131057, 131058, 131072, 200000, 1 << 20 };

/* What a peer sends, from a fiber of its own, for it may block. */
struct script {
    int raw;
    uint8_t *bytes;
    size_t len;
    size_t step; /* bytes in one send */
    ws_fiber *fiber;
};

static void play(void *arg)
{
    struct script *s = arg;

    for (size_t at = 0; at < s->len;) {
        size_t n = s->len - at < s->step ? s->len - at : s->step;
        ssize_t r = say_some(s->raw, s->bytes + at, n);

        if (r <= 0)
            return;
        at += (size_t)r;
    }
}

static void start_script(struct script *s)
{
    s->fiber = mode_go(play, s);
    assert_non_null(s->fiber);
}

static void end_script(struct script *s)
{
    ws_join(s->fiber);
    free(s->bytes);
}

static uint8_t *compress(const char *text, size_t *n)
{
    struct ws__pool pool = { .make = malloc, .destroy = free, .size = 256 };
    struct ws__deflate *d = ws__deflate_make(15);
    struct ws__buf out = { 0 };

    assert_int_equal(ws__buf_reserve(&out, *n + 64, SIZE_MAX / 2, &pool), 0);
    ws__deflate_begin(d, 1, false);
    assert_int_equal(
        ws__deflate_run(d, (const uint8_t *)text, *n, WS__LAST, &out, &pool),
        0);
    *n = ws__buf_used(&out);
    uint8_t *copy = malloc(*n + 1);
    memcpy(copy, out.pos, *n);
    ws__buf_release(&out, &pool);
    ws__deflate_destroy(d);
    return copy;
}

struct shape {
    bool client; /* our end */
    bool compressed;
    size_t fragment; /* 0: one frame */
    size_t step;
};

/* The frames of one message, with a pong between its fragments. */
static struct script script_of(const struct shape *shape, ws_type type,
                               const void *payload, size_t n)
{
    size_t fragment = shape->fragment ? shape->fragment : n + 1;
    size_t frames = n / fragment + 2, at = 0;
    struct script s = { .step = shape->step };
    uint8_t first = (uint8_t)type | (shape->compressed ? RSV1 : 0);

    s.bytes = malloc(n + frames * (2 * WS__FRAME_HEADER_MAX + 4));
    assert_non_null(s.bytes);
    do {
        size_t k = n - at < fragment ? n - at : fragment;
        bool last = at + k == n;

        s.len += make_frame(s.bytes + s.len, first | (last ? FIN : 0),
                            !shape->client, (const char *)payload + at, k);
        if (!last)
            s.len += make_frame(s.bytes + s.len, FIN | WS_PONG, !shape->client,
                                "pong", 4);
        first = 0;
        at += k;
    } while (at < n);
    return s;
}

static void read_pieces(ws_conn *c, ws_type type, const char *want, size_t n,
                        size_t piece)
{
    char *got = malloc(n + piece);
    size_t at = 0;
    ptrdiff_t r;
    ws_type t;

    assert_int_equal(ws_next_reader(c, &t), 0);
    assert_int_equal(t, type);
    while ((r = ws_read(c, got + at, piece)) > 0) {
        assert_true((size_t)r <= piece);
        at += (size_t)r;
        assert_true(at <= n);
    }
    assert_int_equal(r, 0);
    assert_int_equal(at, n);
    assert_memory_equal(got, want, n);
    free(got);
}

static void read_whole(ws_conn *c, ws_type type, const char *want, size_t n)
{
    ws_message m;

    assert_int_equal(ws_read_message(c, &m), 0);
    assert_int_equal(m.type, type);
    assert_int_equal(m.len, n);
    assert_memory_equal(m.data, want, n);
    assert_int_equal(m.data[n], '\0');
    memset(m.data, 'X', n); /* may be scribbled on */
}

static void run_shape(const struct shape *shape, size_t size)
{
    ws_type type = size % 2 ? WS_TEXT : WS_BINARY;
    char *text = make_text(size);
    size_t n = size;
    uint8_t *wire = shape->compressed ? compress(text, &n) : NULL;
    int raw;
    ws_conn *c =
        with_raw(&raw, &(ws_adoption){ .client = shape->client,
                                       .compression = shape->compressed });

    for (int pieces = 0; pieces < 2; pieces++) {
        struct script s = script_of(shape, type, wire ? wire : (void *)text, n);

        s.raw = raw;
        start_script(&s);
        if (pieces)
            read_pieces(c, type, text, size, size / 3 + 1);
        else
            read_whole(c, type, text, size);
        end_script(&s);
    }
    free(text);
    free(wire);
    close(raw);
    ws_close(c);
}

static void reads_every_size_in_every_shape(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(sizes); i++)
        for (int bits = 0; bits < 16; bits++) {
            struct shape shape = { .client = bits & 1,
                                   .compressed = bits & 2,
                                   .fragment = bits & 4 ? sizes[i] / 5 + 1 : 0,
                                   .step = bits & 8 ? 1000 : SIZE_MAX };

            if (sizes[i] <= 129 && shape.step == 1000)
                shape.step = 1;
            run_shape(&shape, sizes[i]);
        }
}

/* ---- Timeouts ----------------------------------------------------------- */

/* Feed byte by byte; after each the deadline, which has passed, ends the read,
 * and the connection is as it was. */
static void feed_with_timeouts(const struct shape *shape, bool pieces)
{
    char *text = make_text(300);
    size_t n = 300, at = 0;
    uint8_t *wire = shape->compressed ? compress(text, &n) : NULL;
    char got[301];
    int raw;
    ws_conn *c =
        with_raw(&raw, &(ws_adoption){ .compression = shape->compressed });
    struct script s = script_of(shape, WS_TEXT, wire ? wire : (void *)text, n);
    ws_message m = { 0 };
    ws_type type = 0;
    ptrdiff_t r = 0;

    ws_set_read_deadline(c, 1);
    for (size_t i = 0; i < s.len; i++) {
        say(raw, s.bytes + i, 1);
        if (!pieces) {
            r = ws_read_message(c, &m);
            assert_int_equal(r, i + 1 < s.len ? WS_ERR_TIMEOUT : 0);
            continue;
        }
        if (type == 0 && ws_next_reader(c, &type) != 0)
            continue;
        while ((r = ws_read(c, got + at, 7)) > 0)
            at += (size_t)r;
        assert_int_equal(r, i + 1 < s.len ? WS_ERR_TIMEOUT : 0);
    }
    assert_int_equal(pieces ? at : m.len, 300);
    assert_memory_equal(pieces ? got : m.data, text, 300);
    assert_int_equal(ws_conn_error(c)->code, 0);
    free(text);
    free(wire);
    free(s.bytes);
    close(raw);
    ws_close(c);
}

static void a_timeout_at_every_byte_leaves_the_connection_usable(void **state)
{
    (void)state;
    for (int bits = 0; bits < 8; bits++)
        feed_with_timeouts(&(struct shape){ .compressed = bits & 1,
                                            .fragment = bits & 2 ? 50 : 0 },
                           bits & 4);
}

static void a_message_given_up_half_way_is_skipped(void **state)
{
    (void)state;
    uint8_t frame[64];
    size_t n = make_frame(frame, FIN | WS_TEXT, true, "the first one", 13);
    int raw;
    ws_conn *c = with_raw(&raw, NULL);
    ws_message m;
    ws_type type;
    char buf[32];

    ws_set_read_deadline(c, 1);
    say(raw, frame, n - 5);
    assert_int_equal(ws_read_message(c, &m), WS_ERR_TIMEOUT);
    assert_int_equal(ws_next_reader(c, &type), WS_ERR_TIMEOUT);
    say(raw, frame + n - 5, 5);
    say_text(raw, "second");
    say_text(raw, "third");
    assert_int_equal(ws_next_reader(c, &type), 0);
    assert_int_equal(ws_read(c, buf, 3), 3);
    assert_memory_equal(buf, "sec", 3);
    assert_int_equal(ws_read_message(c, &m), 0);
    assert_string_equal(m.data, "third");
    close(raw);
    ws_close(c);
}

/* Of the one before it pieces were asked for. */
static void a_message_behind_one_in_pieces_may_come_in_two_reads(void **state)
{
    (void)state;
    uint8_t frame[64];
    size_t n = make_frame(frame, FIN | WS_TEXT, true, "second", 6);
    int raw;
    ws_conn *c = with_raw(&raw, NULL);
    ws_message m;
    ws_type type;
    char buf[32];

    ws_set_read_deadline(c, 1);
    say_text(raw, "first");
    say(raw, frame, n - 3);
    assert_int_equal(ws_next_reader(c, &type), 0);
    assert_int_equal(ws_read(c, buf, 2), 2);
    assert_int_equal(ws_read_message(c, &m), WS_ERR_TIMEOUT);
    say(raw, frame + n - 3, 3);
    say_text(raw, "third");
    assert_int_equal(ws_read_message(c, &m), 0);
    assert_string_equal(m.data, "second");
    close(raw);
    ws_close(c);
}

static void a_deadline_holds_though_bytes_keep_coming(void **state)
{
    (void)state;
    uint8_t pongs[20000], *end = pongs;
    int fds[2], left = 0, timeouts = 0;
    ws_message m;

    while (end + 10 <= pongs + sizeof(pongs))
        end += make_frame(end, FIN | WS_PONG, true, "", 0);
    make_pair(fds);
    ws_conn *c = set_up(fds[0], &(struct ws__setup){ .read_buffer_size = 256 });
    say(fds[1], pongs, (size_t)(end - pongs));
    say_text(fds[1], "behind");

    ws_set_read_deadline(c, 1);
    assert_int_equal(ws_read_message(c, &m), WS_ERR_TIMEOUT);
    assert_int_equal(ioctl(fds[0], FIONREAD, &left), 0);
    assert_true(left > 0);
    while (ws_read_message(c, &m) == WS_ERR_TIMEOUT)
        assert_true(++timeouts < 100);
    assert_string_equal(m.data, "behind");
    close(fds[1]);
    ws_close(c);
}

/* ---- Ends --------------------------------------------------------------- */

static void expect_end(ws_conn *c, int code)
{
    ws_message m;
    ws_type type;
    char buf[4];

    for (int i = 0; i < 1000; i++)
        assert_int_equal(ws_read_message(c, &m), code);
    assert_int_equal(ws_next_reader(c, &type), code);
    assert_int_equal(ws_read(c, buf, 4), code);
    assert_int_equal(ws_conn_error(c)->code, code);
}

static void an_end_at_every_byte_is_1006(void **state)
{
    (void)state;
    struct shape shape = { .fragment = 10 };
    char *text = make_text(25);
    struct script s = script_of(&shape, WS_TEXT, text, 25);

    for (size_t n = 0; n < s.len; n++) {
        int raw;
        ws_conn *c = with_raw(&raw, NULL);

        say(raw, s.bytes, n);
        close(raw);
        expect_end(c, WS_ERR_EOF);
        assert_int_equal(ws_close_code(c), WS_CLOSE_ABNORMAL);
        ws_close(c);
    }
    free(text);
    free(s.bytes);
}

static void a_close_frame_inside_a_message_ends_it(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    say_frame(raw, WS_TEXT, true, "hello", 5);
    say_frame(raw, FIN | WS_CLOSE, true, "\x03\xe8hello", 7);
    expect_end(c, WS_ERR_CLOSED);
    assert_int_equal(ws_close_code(c), WS_CLOSE_NORMAL);
    assert_string_equal(ws_close_reason(c), "hello");
    assert_string_equal(ws_conn_error(c)->text,
                        "the peer closed the connection: 1000 (normal): hello");
    assert_true(ws_closed_with(c, WS_CLOSE_GOING_AWAY, WS_CLOSE_NORMAL));
    assert_false(ws_closed_with(c, WS_CLOSE_GOING_AWAY));
    hear_close(raw, WS_CLOSE_NORMAL);
    close(raw);
    ws_close(c);
}

static void close_payloads_are_judged(void **state)
{
    (void)state;
    /* RFC 6455, sections 5.5.1, 7.4 and 8.1. */
    static const struct {
        uint8_t payload[8];
        size_t n;
        int code;   /* of ws_close_code; 0: refused */
        int answer; /* 0: a close frame without a code */
    } rows[] = {
        { { 0 }, 0, 1005, 0 },
        { { 3 }, 1, 0, 1002 },
        { { 0, 0 }, 2, 0, 1002 },
        { { 999 >> 8, 999 & 255 }, 2, 0, 1002 },
        { { 1000 >> 8, 1000 & 255 }, 2, 1000, 1000 },
        { { 1003 >> 8, 1003 & 255 }, 2, 1003, 1003 },
        { { 1004 >> 8, 1004 & 255 }, 2, 0, 1002 },
        { { 1005 >> 8, 1005 & 255 }, 2, 0, 1002 },
        { { 1006 >> 8, 1006 & 255 }, 2, 0, 1002 },
        { { 1007 >> 8, 1007 & 255 }, 2, 1007, 1007 },
        { { 1014 >> 8, 1014 & 255 }, 2, 1014, 1014 },
        { { 1015 >> 8, 1015 & 255 }, 2, 0, 1002 },
        { { 2999 >> 8, 2999 & 255 }, 2, 0, 1002 },
        { { 3000 >> 8, 3000 & 255 }, 2, 3000, 3000 },
        { { 4999 >> 8, 4999 & 255 }, 2, 4999, 4999 },
        { { 5000 >> 8, 5000 & 255 }, 2, 0, 1002 },
        { { 255, 255 }, 2, 0, 1002 },
        { { 3, 232, 0xc3, 0x28 }, 4, 0, 1002 },
        { { 3, 232, 0xc3 }, 3, 0, 1002 },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        int raw;
        ws_conn *c = with_raw(&raw, NULL);

        say_frame(raw, FIN | WS_CLOSE, true, rows[i].payload, rows[i].n);
        expect_end(c, rows[i].code ? WS_ERR_CLOSED : WS_ERR_PROTOCOL);
        assert_int_equal(ws_close_code(c), rows[i].code ? rows[i].code : 1006);
        hear_close(raw, rows[i].answer);
        close(raw);
        ws_close(c);
    }
}

/* ---- Refusals ----------------------------------------------------------- */

static void faults_of_the_peer_end_the_connection(void **state)
{
    (void)state;
    /* Of RFC 6455 unless said. */
    static const struct {
        const char *rule;
        uint8_t bytes[24];
        size_t n;
        bool client, compression;
        int error, code;
    } rows[] = {
        { "5.1 unmasked", { 0x81, 0x01, 'a' }, 3, 0, 0, -5010, 1002 },
        { "5.1 masked", { 0x81, 0x81, 0, 0, 0, 0, 'a' }, 7, 1, 0, -5010, 1002 },
        { "5.2 RSV1", { 0xc1, 0x80, 0, 0, 0, 0 }, 6, 0, 0, -5010, 1002 },
        { "5.2 RSV2", { 0xa1, 0x80, 0, 0, 0, 0 }, 6, 0, 1, -5010, 1002 },
        { "5.2 RSV3", { 0x91, 0x80, 0, 0, 0, 0 }, 6, 0, 1, -5010, 1002 },
        { "5.2 opcode 3", { 0x83, 0x80, 0, 0, 0, 0 }, 6, 0, 0, -5010, 1002 },
        { "5.2 opcode 11", { 0x8b, 0x80, 0, 0, 0, 0 }, 6, 0, 0, -5010, 1002 },
        { "5.2 shortest", { 0x81, 0xfe, 0, 1 }, 8, 0, 0, -5010, 1002 },
        { "5.2 the top bit",
          { 0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 },
          14,
          0,
          0,
          -5010,
          1002 },
        { "5.4 continuation",
          { 0x80, 0x80, 0, 0, 0, 0 },
          6,
          0,
          0,
          -5010,
          1002 },
        { "5.4 inside another",
          { 0x01, 0x80, 0, 0, 0, 0, 0x81, 0x80, 0, 0, 0, 0 },
          12,
          0,
          0,
          -5010,
          1002 },
        { "5.5 fragmented ping",
          { 0x09, 0x80, 0, 0, 0, 0 },
          6,
          0,
          0,
          -5010,
          1002 },
        { "5.5 long ping",
          { 0x89, 0xfe, 0, 126, 0, 0, 0, 0 },
          8,
          0,
          0,
          -5010,
          1002 },
        { "RFC 7692, 6.1 RSV1 on a ping",
          { 0xc9, 0x80, 0, 0, 0, 0 },
          6,
          0,
          1,
          -5010,
          1002 },
        { "RFC 7692, 6.1 RSV1 on a continuation",
          { 0x01, 0x80, 0, 0, 0, 0, 0xc0, 0x80, 0, 0, 0, 0 },
          12,
          0,
          1,
          -5010,
          1002 },
        { "8.1 UTF-8, before the frame ends",
          { 0x81, 0x8a, 0, 0, 0, 0, 'a', 0xc0 },
          8,
          0,
          0,
          -5011,
          1007 },
        { "8.1 UTF-8, cut",
          { 0x81, 0x81, 0, 0, 0, 0, 0xc3 },
          7,
          0,
          0,
          -5011,
          1007 },
        { "8.1 UTF-8, a surrogate",
          { 0x81, 0x83, 0, 0, 0, 0, 0xed, 0xa0, 0x80 },
          9,
          0,
          0,
          -5011,
          1007 },
        { "RFC 7692, 7.2.2 corrupt",
          { 0xc1, 0x83, 0, 0, 0, 0, 0xff, 0xff, 0xff },
          9,
          0,
          1,
          -5012,
          1007 },
        { "RFC 7692, 7.2.2 cut short",
          { 0xc1, 0x84, 0, 0, 0, 0, 0xf2, 0x48, 0xcd, 0xc9 },
          10,
          0,
          1,
          -5012,
          1007 },
        { "RFC 7692, 7.2.3.4 junk behind the last block",
          { 0xc1, 0x89, 0, 0, 0, 0, 0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00,
            'x', 'y' },
          15,
          0,
          1,
          -5012,
          1007 },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        int raw;
        ws_conn *c = with_raw(
            &raw, &(ws_adoption){ .client = rows[i].client,
                                  .compression = rows[i].compression });
        uint64_t cut = counted(WS_COUNT_CUT_PROTOCOL);

        say(raw, rows[i].bytes, rows[i].n);
        expect_end(c, rows[i].error);
        assert_int_equal(counted(WS_COUNT_CUT_PROTOCOL), cut + 1);
        assert_int_equal(ws_close_code(c), WS_CLOSE_ABNORMAL);
        assert_int_equal(ws_write_text(c, "more"), WS_ERR_CLOSE_SENT);
        hear_close(raw, rows[i].code);
        close(raw);
        ws_close(c);
    }
}

static void what_deflate_allows_is_read(void **state)
{
    (void)state;
    /* RFC 7692, section 7.2.3: one block, two, a stored one, a last one. */
    static const struct {
        uint8_t payload[16];
        size_t n;
    } rows[] = {
        { { 0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00 }, 7 },
        { { 0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9,
            0x07, 0x00 },
          13 },
        { { 0x00, 0x05, 0x00, 0xfa, 0xff, 'H', 'e', 'l', 'l', 'o', 0x00 }, 11 },
        { { 0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00 }, 8 },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        int raw;
        ws_conn *c = with_raw(&raw, &(ws_adoption){ .compression = true });

        say_frame(raw, FIN | RSV1 | WS_TEXT, true, rows[i].payload, rows[i].n);
        read_whole(c, WS_TEXT, "Hello", 5);
        say_frame(raw, RSV1 | WS_TEXT, true, rows[i].payload, 3);
        say_frame(raw, FIN, true, rows[i].payload + 3, rows[i].n - 3);
        read_pieces(c, WS_TEXT, "Hello", 5, 2);
        close(raw);
        ws_close(c);
    }
}

/* A window that a pool lends has seen others' messages: one that looks back
 * into it would bring them out. */
static void a_peer_cannot_look_back_at_others_messages(void **state)
{
    (void)state;
    struct ws__pool pool = { .make = malloc, .destroy = free, .size = 256 };
    char *text = make_text(2000);
    struct ws__deflate *d = ws__deflate_make(15);
    struct ws__buf secret = { 0 }, looks_back = { 0 };
    const struct ws__setup takeover = { .deflate = { .on = true,
                                                     .client_takeover = true,
                                                     .server_bits = 15,
                                                     .client_bits = 15 } };
    ws_message m;
    int fds[2];

    ws__deflate_begin(d, 6, false);
    assert_int_equal(
        ws__deflate_run(d, (uint8_t *)text, 2000, WS__LAST, &secret, &pool), 0);
    ws__deflate_begin(d, 6, true);
    assert_int_equal(
        ws__deflate_run(d, (uint8_t *)text, 2000, WS__LAST, &looks_back, &pool),
        0);
    make_pair(fds);
    ws_conn *c = adopt(fds[0], &(ws_adoption){ .compression = true });
    say_frame(fds[1], FIN | RSV1 | WS_TEXT, true, secret.pos,
              ws__buf_used(&secret));
    assert_int_equal(ws_read_message(c, &m), 0);
    assert_int_equal(m.len, 2000);
    close(fds[1]);
    ws_close(c);
    make_pair(fds);
    c = set_up(fds[0], &takeover);
    say_frame(fds[1], FIN | RSV1 | WS_TEXT, true, looks_back.pos,
              ws__buf_used(&looks_back));
    assert_int_equal(ws_read_message(c, &m), WS_ERR_DEFLATE);
    hear_close(fds[1], 1007);
    close(fds[1]);
    ws_close(c);
    ws__buf_release(&secret, &pool);
    ws__buf_release(&looks_back, &pool);
    ws__deflate_destroy(d);
    free(text);
}

/* Though it was told to do without (RFC 7692, section 7.1.1.2).  Between its
 * messages nothing but what it may look back at is kept. */
static void a_client_that_keeps_its_window_is_read(void **state)
{
    (void)state;
    struct ws__pool pool = { .make = malloc, .destroy = free, .size = 256 };
    const struct ws__setup unasked = { .deflate = { .on = true,
                                                    .client_unasked = true,
                                                    .server_bits = 15,
                                                    .client_bits = 15 } };
    struct ws__deflate *d = ws__deflate_make(15);
    char *text = make_text(2000);
    ws_message m;
    int fds[2];

    make_pair(fds);
    ws_conn *c = set_up(fds[0], &unasked);
    for (int i = 0; i < 4; i++) {
        struct ws__buf wire = { 0 };

        ws__deflate_begin(d, 6, i > 0);
        assert_int_equal(
            ws__deflate_run(d, (uint8_t *)text, 2000, WS__LAST, &wire, &pool),
            0);
        say_frame(fds[1], FIN | RSV1 | WS_TEXT, true, wire.pos,
                  ws__buf_used(&wire));
        ws__buf_release(&wire, &pool);
        assert_int_equal(ws_read_message(c, &m), 0);
        assert_int_equal(m.len, 2000);
        assert_memory_equal(m.data, text, 2000);
        ws_set_read_deadline(c, ws_now());
        assert_int_equal(ws_read_message(c, &m), WS_ERR_TIMEOUT);
        ws_set_read_deadline(c, 0);
    }
    close(fds[1]);
    ws_close(c);
    ws__deflate_destroy(d);
    free(text);
}

/* What the code says is not said again. */
static void what_was_wrong_is_said_once(void **state)
{
    (void)state;
    static const struct {
        uint8_t first;
        const char *payload;
        const char *text;
    } rows[] = {
        { FIN | WS_TEXT, "\xff", "a text message is not UTF-8" },
        { FIN | RSV1 | WS_TEXT, "\xff", "a compressed message is corrupt" },
        { FIN | WS_TEXT, "four", "the message is larger than the read limit" },
        { FIN | 3, "",
          "the peer broke the WebSocket protocol: an unknown opcode" },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        int raw;
        ws_conn *c = with_raw(
            &raw, &(ws_adoption){ .compression = true, .read_limit = 3 });
        ws_message m;

        say_frame(raw, rows[i].first, true, rows[i].payload,
                  strlen(rows[i].payload));
        assert_true(ws_read_message(c, &m) < 0);
        assert_string_equal(ws_conn_error(c)->text, rows[i].text);
        close(raw);
        ws_close(c);
    }
}

/* ---- The limit ---------------------------------------------------------- */

static void the_limit_holds_for_each_message_anew(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, &(ws_adoption){ .read_limit = 100 });
    char *text = make_text(101);
    ws_type type;
    char buf[10];

    say_frame(raw, FIN | WS_TEXT, true, text, 100);
    read_whole(c, WS_TEXT, text, 100);
    say_frame(raw, WS_TEXT, true, text, 60);
    say_frame(raw, FIN | WS_PING, true, text, 100);
    say_frame(raw, FIN, true, text + 60, 40);
    read_whole(c, WS_TEXT, text, 100);

    /* What is skipped of one is not counted to the next. */
    say_frame(raw, WS_TEXT, true, text, 60);
    say_frame(raw, FIN, true, text + 60, 40);
    say_frame(raw, FIN | WS_TEXT, true, text, 90);
    assert_int_equal(ws_next_reader(c, &type), 0);
    assert_int_equal(ws_read(c, buf, 10), 10);
    read_pieces(c, WS_TEXT, text, 90, 100);

    struct heard h;
    say_frame(raw, WS_TEXT, true, text, 60);
    say_frame(raw, FIN, true, text + 60, 41);
    expect_end(c, WS_ERR_TOO_BIG);
    assert_true(hear_frame(raw, &h)); /* the pong */
    free(h.payload);
    hear_close(raw, WS_CLOSE_TOO_BIG);
    free(text);
    close(raw);
    ws_close(c);
}

static void a_limit_that_is_set_holds_from_then_on(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, &(ws_adoption){ .read_limit = 10 });
    char *text = make_text(1000);

    ws_set_read_limit(c, 1000);
    say_frame(raw, FIN | WS_TEXT, true, text, 1000);
    read_whole(c, WS_TEXT, text, 1000);
    ws_set_read_limit(c, 20);
    say_frame(raw, FIN | WS_TEXT, true, text, 20);
    read_whole(c, WS_TEXT, text, 20);
    ws_set_read_limit(c, 0);
    say_frame(raw, FIN | WS_TEXT, true, text, 1000);
    read_whole(c, WS_TEXT, text, 1000);
    ws_set_read_limit(c, -1);
    say_frame(raw, FIN | WS_TEXT, true, text, 1000);
    read_whole(c, WS_TEXT, text, 1000);
    ws_set_read_limit(c, 19);
    say_frame(raw, FIN | WS_TEXT, true, text, 20);
    expect_end(c, WS_ERR_TOO_BIG);
    hear_close(raw, WS_CLOSE_TOO_BIG);
    free(text);
    close(raw);
    ws_close(c);
}

/* How much of it has come already does not matter. */
static void it_holds_for_the_message_under_way(void **state)
{
    (void)state;
    static const struct {
        int limit;
        size_t rest;
        bool over;
    } rows[] = { { 20, 0, true }, { 65, 6, true }, { 66, 6, false } };
    char *text = make_text(100);

    for (size_t i = 0; i < COUNT(rows); i++) {
        int raw;
        ws_conn *c = with_raw(&raw, NULL);
        ws_message m;

        say_frame(raw, WS_TEXT, true, text, 60);
        ws_set_read_deadline(c, 1);
        assert_int_equal(ws_read_message(c, &m), WS_ERR_TIMEOUT);
        ws_set_read_deadline(c, 0);
        ws_set_read_limit(c, rows[i].limit);
        say_frame(raw, FIN, true, text + 60, rows[i].rest);
        if (rows[i].over) {
            expect_end(c, WS_ERR_TOO_BIG);
            hear_close(raw, WS_CLOSE_TOO_BIG);
        } else {
            read_whole(c, WS_TEXT, text, 60 + rows[i].rest);
        }
        close(raw);
        ws_close(c);
    }
    free(text);
}

static void one_byte_over_the_limit_is_refused_at_the_header(void **state)
{
    (void)state;
    static const uint8_t header[] = { 0x82, 0xff, 0,    0, 0, 0, 0x7f,
                                      0xff, 0xff, 0xff, 1, 2, 3, 4 };
    uint64_t cut = counted(WS_COUNT_CUT_TOO_BIG);
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    say(raw, header, sizeof(header));
    expect_end(c, WS_ERR_TOO_BIG);
    assert_int_equal(counted(WS_COUNT_CUT_TOO_BIG), cut + 1);
    hear_close(raw, WS_CLOSE_TOO_BIG);
    close(raw);
    ws_close(c);
}

static void the_limit_counts_what_was_inflated(void **state)
{
    (void)state;
    char *zeros = calloc(1, 1 << 20);

    for (int over = 0; over < 2; over++)
        for (int pieces = 0; pieces < 2; pieces++) {
            size_t n = (1 << 20) - 1 + (size_t)over;
            uint8_t *wire = compress(zeros, &n);
            int raw;
            ws_conn *c =
                with_raw(&raw, &(ws_adoption){ .compression = true,
                                               .read_limit = (1 << 20) - 1 });
            char buf[4096];
            ws_type type;
            ptrdiff_t r;

            say_frame(raw, FIN | RSV1 | WS_BINARY, true, wire, n);
            if (!pieces && !over)
                read_whole(c, WS_BINARY, zeros, (1 << 20) - 1);
            if (pieces) {
                assert_int_equal(ws_next_reader(c, &type), 0);
                while ((r = ws_read(c, buf, sizeof(buf))) > 0)
                    ;
                assert_int_equal(r, over ? WS_ERR_TOO_BIG : 0);
            }
            if (over) {
                expect_end(c, WS_ERR_TOO_BIG);
                hear_close(raw, WS_CLOSE_TOO_BIG);
            }
            free(wire);
            close(raw);
            ws_close(c);
        }
    free(zeros);
}

/* ---- Control frames ----------------------------------------------------- */

struct seen {
    int calls;
    char data[130];
    int result;
};

static int see(ws_conn *c, const char *data, size_t len, void *arg)
{
    struct seen *s = arg;

    (void)c;
    s->calls++;
    memcpy(s->data, data, len + 1);
    return s->result;
}

static int see_close(ws_conn *c, int code, const char *reason, void *arg)
{
    struct seen *s = arg;

    s->calls = code;
    memcpy(s->data, reason, strlen(reason) + 1);
    return ws_write_close(c, 4000, "seen");
}

static void a_ping_is_answered_with_its_bytes(void **state)
{
    (void)state;
    char *text = make_text(125);
    int raw;
    ws_conn *c = with_raw(&raw, NULL);
    struct heard h;

    for (size_t n = 0; n <= 125; n += 25) {
        say_frame(raw, FIN | WS_PING, true, text, n);
        say_text(raw, "next");
        read_whole(c, WS_TEXT, "next", 4);
        assert_true(hear_frame(raw, &h));
        assert_int_equal(h.first, FIN | WS_PONG);
        assert_int_equal(h.f.len, n);
        assert_memory_equal(h.payload, text, n);
        free(h.payload);
    }
    free(text);
    close(raw);
    ws_close(c);
}

static void handlers_replace_what_is_done(void **state)
{
    (void)state;
    struct seen ping = { 0 }, pong = { 0 }, end = { 0 };
    int raw;
    ws_conn *c = with_raw(&raw, NULL);
    struct heard h;

    ws_set_ping_handler(c, see, &ping);
    ws_set_pong_handler(c, see, &pong);
    ws_set_close_handler(c, see_close, &end);
    say_frame(raw, FIN | WS_PING, true, "one", 3);
    say_frame(raw, FIN | WS_PONG, true, "two", 3);
    say_text(raw, "next");
    read_whole(c, WS_TEXT, "next", 4);
    assert_int_equal(ping.calls, 1);
    assert_string_equal(ping.data, "one");
    assert_int_equal(pong.calls, 1);
    assert_string_equal(pong.data, "two");
    assert_int_equal(ready(raw), 0);

    ws_set_ping_handler(c, NULL, NULL);
    say_frame(raw, FIN | WS_PING, true, "again", 5);
    say_frame(raw, FIN | WS_CLOSE, true,
              "\x03\xe9"
              "bye",
              5);
    expect_end(c, WS_ERR_CLOSED);
    assert_int_equal(end.calls, 1001);
    assert_string_equal(end.data, "bye");
    assert_true(hear_frame(raw, &h));
    assert_string_equal(h.payload, "again");
    free(h.payload);
    hear_close(raw, 4000);
    close(raw);
    ws_close(c);
}

static void fail_in_handler(int result)
{
    struct seen ping = { .result = result };
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    ws_set_ping_handler(c, see, &ping);
    say_frame(raw, FIN | WS_PING, true, "", 0);
    expect_end(c, result);
    assert_int_equal(ping.calls, 1);
    close(raw);
    ws_close(c);
}

static void a_handlers_error_is_the_reads_for_good(void **state)
{
    (void)state;
    fail_in_handler(WS_ERR_CODEC);
    fail_in_handler(-40000);
    fail_in_handler(-65536);
    fail_in_handler(INT_MIN);
}

/* ---- Borrowing ---------------------------------------------------------- */

static void messages_in_one_packet_do_not_touch_each_other(void **state)
{
    (void)state;
    uint8_t bytes[256];
    size_t n = 0;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    for (int i = 0; i < 8; i++)
        n += make_frame(bytes + n, FIN | WS_TEXT, true, "0123456789", 10);
    say(raw, bytes, n);
    for (int i = 0; i < 8; i++)
        read_whole(c, WS_TEXT, "0123456789", 10);
    close(raw);
    ws_close(c);
}

static void a_message_can_be_taken(void **state)
{
    (void)state;
    static const size_t lengths[] = { 0, 5, 70000, 300000 };

    for (size_t i = 0; i < COUNT(lengths); i++) {
        char *text = make_text(lengths[i]);
        struct script s = script_of(&(struct shape){ .step = SIZE_MAX },
                                    WS_TEXT, text, lengths[i]);
        ws_message m;
        int raw;
        ws_conn *c = with_raw(&raw, NULL);

        s.raw = raw;
        start_script(&s);
        assert_int_equal(ws_read_message(c, &m), 0);
        char *mine = ws_message_take(c, &m);
        assert_non_null(mine);
        assert_ptr_equal(mine, m.data);
        end_script(&s);
        say_text(raw, "next");
        read_whole(c, WS_TEXT, "next", 4);
        assert_int_equal(m.len, lengths[i]);
        assert_string_equal(mine, text);
        ws_free(mine);
        free(text);
        close(raw);
        ws_close(c);
    }
}

static void early_bytes_are_read_first(void **state)
{
    (void)state;
    uint8_t bytes[64];
    size_t n = make_frame(bytes, FIN | WS_TEXT, true, "early", 5);

    for (size_t cut = 0; cut <= n; cut++) {
        int raw;
        ws_conn *c =
            with_raw(&raw, &(ws_adoption){ .early = bytes, .early_len = cut });

        say(raw, bytes + cut, n - cut);
        say_text(raw, "late");
        read_whole(c, WS_TEXT, "early", 5);
        read_whole(c, WS_TEXT, "late", 4);
        close(raw);
        ws_close(c);
    }
}

static void small_buffers_read_every_size(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(sizes) - 1; i++) {
        struct shape shape = { .step = SIZE_MAX };
        char *text = make_text(sizes[i]);
        struct script s = script_of(&shape, WS_BINARY, text, sizes[i]);
        int fds[2];

        make_pair(fds);
        ws_conn *c = set_up(
            fds[0], &(struct ws__setup){ .read_buffer_size = 1 + 1023 * (i % 2),
                                         .write_buffer_size = 1 });
        s.raw = fds[1];
        start_script(&s);
        read_whole(c, WS_BINARY, text, sizes[i]);
        end_script(&s);
        free(text);
        close(fds[1]);
        ws_close(c);
    }
}

/* ---- Urgent data -------------------------------------------------------- */

/* An urgent byte is none of the stream's, but a read ends before it. */
static void read_past_urgent_data(void *arg)
{
    (void)arg;
    uint8_t wire[64];
    size_t n = make_frame(wire, FIN | WS_TEXT, true, "hello", 5);
    ws_message m;
    int fds[2];

    make_tcp_pair(fds);
    ws_conn *c = adopt(fds[0], NULL);
    ws_set_read_deadline(c, patience());
    for (size_t at = 1; at < n; at++) {
        say(fds[1], wire, at);
        assert_int_equal(send(fds[1], "!", 1, MSG_OOB), 1);
        say(fds[1], wire + at, n - at);
        assert_int_equal(ws_read_message(c, &m), 0);
        assert_string_equal(m.data, "hello");
    }
    close(fds[1]);
    ws_close(c);
}

static void urgent_data_does_not_hide_what_follows_it(void **state)
{
    (void)state;
    mode_in_fiber(read_past_urgent_data, NULL);
}

/* ---- What a connection keeps -------------------------------------------- */

/* Until it has made do with little memory. */
static void wait_in_vain(ws_conn *c)
{
    ws_message m;

    ws_set_read_deadline(c, ws_after(200));
    assert_int_equal(ws_read_message(c, &m), WS_ERR_TIMEOUT);
    ws_set_read_deadline(c, 0);
}

static void nothing_is_kept_of_a_message_that_paused(void **state)
{
    (void)state;
    static const size_t cuts[] = { 1, 3, 20, 299 };
    uint8_t wire[400];
    char text[300];
    ws_message m;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    memset(text, 'x', sizeof(text));
    size_t n = make_frame(wire, FIN | WS_TEXT, true, text, sizeof(text));
    for (size_t i = 0; i < COUNT(cuts); i++) {
        say(raw, wire, cuts[i]);
        wait_in_vain(c);
        assert_int_equal(c->r.inbox->trim_at, 0); /* once is enough */
        say(raw, wire + cuts[i], n - cuts[i]);
        assert_int_equal(ws_read_message(c, &m), 0);
        assert_int_equal(m.len, sizeof(text));
        wait_in_vain(c);
        assert_null(c->r.inbox);
    }
    close(raw);
    ws_close(c);
}

/* Also where another connection has left one of the usual size behind. */
static void a_buffer_is_as_large_as_was_said(void **state)
{
    (void)state;
    ws_message m;
    int raw, fds[2];
    ws_conn *usual = with_raw(&raw, NULL);

    say_text(raw, "x");
    read_whole(usual, WS_TEXT, "x", 1);
    wait_in_vain(usual);
    assert_null(usual->r.inbox);

    make_pair(fds);
    ws_conn *c = set_up(fds[0], &(struct ws__setup){ .read_buffer_size = 300 });
    say(fds[1], "\x82", 1);
    ws_set_read_deadline(c, 1);
    assert_int_equal(ws_read_message(c, &m), WS_ERR_TIMEOUT);
    assert_in_range(ws__buf_size(&c->r.inbox->in), 300, 600);
    close(fds[1]);
    ws_close(c);
    close(raw);
    ws_close(usual);
}

static void nothing_is_kept_of_early_bytes(void **state)
{
    (void)state;
    uint8_t early[64];
    size_t n = make_frame(early, FIN | WS_TEXT, true, "hello", 5);
    ws_message m;
    int raw;
    ws_conn *c =
        with_raw(&raw, &(ws_adoption){ .early = early, .early_len = n });

    assert_int_equal(ws_read_message(c, &m), 0);
    wait_in_vain(c);
    assert_null(c->r.inbox);
    close(raw);
    ws_close(c);
}

/* ---- Turns -------------------------------------------------------------- */

/* A fiber beside the one that reads: how far was that when it had its turn? */
struct bystander {
    const long *count;
    long when;
};

static void look(void *arg)
{
    struct bystander *b = arg;

    b->when = *b->count;
}

static int count_ping(ws_conn *c, const char *data, size_t len, void *count)
{
    (void)c;
    (void)data;
    (void)len;
    ++*(long *)count;
    return 0;
}

enum { MANY = 1000 };

/* All of it is there before the reading begins, which thus never waits. */
static void say_many(int raw, uint8_t first)
{
    uint8_t wire[MANY * 16];
    size_t n = 0;

    for (int i = 0; i < MANY; i++)
        n += make_frame(wire + n, first, true, "hello", 5);
    say(raw, wire, n);
}

static void read_many_messages(void *arg)
{
    (void)arg;
    long count = 0;
    struct bystander b = { .count = &count };
    ws_message m;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    say_many(raw, FIN | WS_TEXT);
    ws_fiber *f = ws_go(look, &b);
    for (; count < MANY; count++)
        assert_int_equal(ws_read_message(c, &m), 0);
    ws_join(f);
    assert_in_range(b.when, 0, 2 * WS__BUDGET);
    close(raw);
    ws_close(c);
}

static void read_many_pings(void *arg)
{
    (void)arg;
    long count = 0;
    struct bystander b = { .count = &count };
    ws_message m;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    say_many(raw, FIN | WS_PING);
    say_text(raw, "end");
    ws_set_ping_handler(c, count_ping, &count);
    ws_fiber *f = ws_go(look, &b);
    assert_int_equal(ws_read_message(c, &m), 0);
    ws_join(f);
    assert_int_equal(count, MANY);
    assert_in_range(b.when, 0, 2 * WS__BUDGET);
    close(raw);
    ws_close(c);
}

static void read_much(void *arg)
{
    enum { MUCH = WS__READ_BUFFER * 5 / 4 };

    (void)arg;
    long count = 0;
    struct bystander b = { .count = &count };
    ws_message m;
    int raw;
    char *text = make_text(MUCH);
    ws_conn *c = with_raw(&raw, NULL);

    /* What a socket holds is no whole turn, so let it be nearly over. */
    say_text(raw, "first");
    say_frame(raw, FIN | WS_BINARY, true, text, MUCH);
    assert_int_equal(ws_read_message(c, &m), 0);
    ws_fiber *f = ws_go(look, &b);
    ws__budget = 4;
    assert_int_equal(ws_read_message(c, &m), 0);
    count = 1;
    ws_join(f);
    assert_int_equal(b.when, 0);
    free(text);
    close(raw);
    ws_close(c);
}

static void a_peer_that_always_has_more_lets_others_have_their_turn(
    void **state)
{
    (void)state;
    mode_in_fiber(read_many_messages, NULL);
    mode_in_fiber(read_many_pings, NULL);
    mode_in_fiber(read_much, NULL);
}

/* ---- Memory ------------------------------------------------------------- */

static int read_all(ws_conn *c, const char *text, size_t n)
{
    ws_message m;
    int error = ws_read_message(c, &m);

    if (error == 0) {
        assert_int_equal(m.len, n);
        assert_memory_equal(m.data, text, n);
    }
    return error;
}

static void every_allocation_failure_is_an_error(void **state)
{
    (void)state;
    char *text = make_text(150000);
    bool failed = true;

    for (long n = 1; failed; n++) {
        size_t len = 150000;
        uint8_t *wire = compress(text, &len);
        struct shape shape = { .compressed = true,
                               .fragment = len / 3,
                               .step = SIZE_MAX };
        struct script s = script_of(&shape, WS_TEXT, wire, len);
        int fds[2];

        make_pair(fds);
        s.raw = fds[1];
        s.fiber = ws__go_thread(play, &s); /* needs no more memory */
        assert_non_null(s.fiber);
        long before = mode_live();
        alloc_fail_at(n);
        ws_error err;
        ws_conn *c =
            ws_adopt(fds[0], &(ws_adoption){ .compression = true }, &err);
        int error = c ? read_all(c, text, 150000) : err.code;
        failed = alloc_failed();
        alloc_fail_at(0);
        assert_int_equal(error, failed ? -ENOMEM : 0);
        shutdown(fds[1], SHUT_RDWR);
        end_script(&s);
        close(fds[1]);
        ws_close(c);
        free(wire);
        if (!c)
            assert_int_equal(mode_live(), before - 1); /* the script's */
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_size_in_every_shape),
        cmocka_unit_test(a_timeout_at_every_byte_leaves_the_connection_usable),
        cmocka_unit_test(a_message_given_up_half_way_is_skipped),
        cmocka_unit_test(a_message_behind_one_in_pieces_may_come_in_two_reads),
        cmocka_unit_test(a_deadline_holds_though_bytes_keep_coming),
        cmocka_unit_test(an_end_at_every_byte_is_1006),
        cmocka_unit_test(a_close_frame_inside_a_message_ends_it),
        cmocka_unit_test(close_payloads_are_judged),
        cmocka_unit_test(faults_of_the_peer_end_the_connection),
        cmocka_unit_test(what_deflate_allows_is_read),
        cmocka_unit_test(a_peer_cannot_look_back_at_others_messages),
        cmocka_unit_test(a_client_that_keeps_its_window_is_read),
        cmocka_unit_test(what_was_wrong_is_said_once),
        cmocka_unit_test(the_limit_holds_for_each_message_anew),
        cmocka_unit_test(a_limit_that_is_set_holds_from_then_on),
        cmocka_unit_test(it_holds_for_the_message_under_way),
        cmocka_unit_test(one_byte_over_the_limit_is_refused_at_the_header),
        cmocka_unit_test(the_limit_counts_what_was_inflated),
        cmocka_unit_test(a_ping_is_answered_with_its_bytes),
        cmocka_unit_test(handlers_replace_what_is_done),
        cmocka_unit_test(a_handlers_error_is_the_reads_for_good),
        cmocka_unit_test(messages_in_one_packet_do_not_touch_each_other),
        cmocka_unit_test(a_message_can_be_taken),
        cmocka_unit_test(early_bytes_are_read_first),
        cmocka_unit_test(small_buffers_read_every_size),
        cmocka_unit_test(urgent_data_does_not_hide_what_follows_it),
        cmocka_unit_test(nothing_is_kept_of_a_message_that_paused),
        cmocka_unit_test(a_buffer_is_as_large_as_was_said),
        cmocka_unit_test(nothing_is_kept_of_early_bytes),
        cmocka_unit_test(
            a_peer_that_always_has_more_lets_others_have_their_turn),
        cmocka_unit_test(every_allocation_failure_is_an_error),
    };

    alloc_fail_install();
    return run_in_mode("read", tests, NULL, NULL);
}
