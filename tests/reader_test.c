/* SPDX-License-Identifier: MIT */

/* The reader by itself: bytes in, events out.  What a connection makes of it is
 * tested in read_test.c. */

#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <zlib.h>

#include "alloc_fail.h"
#include "base/alloc.h"
#include "page_end.h"
#include "proto/mask.h"
#include "proto/reader.h"

enum { IN_MAX = 512, FIN = 0x80 };

static struct ws__pool buffers = { .make = ws__alloc,
                                   .destroy = ws_free,
                                   .size = IN_MAX };
static struct ws__pool inflaters = { .make = ws__inflate_make,
                                     .destroy = ws__inflate_destroy };

struct rig {
    struct ws__reader r;
    struct ws__buf in;
    char log[4096]; /* what happened, as text */
};

static void rig_init(struct rig *g, bool compression)
{
    *g = (struct rig){ .r = { .compression = compression,
                              .limit = -1,
                              .in_max = IN_MAX,
                              .buffers = &buffers,
                              .inflaters = &inflaters } };
}

static void rig_fini(struct rig *g)
{
    ws__reader_fini(&g->r);
    ws__buf_release(&g->in, &buffers);
    ws__pool_fini(&buffers);
    ws__pool_fini(&inflaters);
    assert_int_equal(alloc_live(), 0);
}

static void note(struct rig *g, const char *what, size_t n, const char *data)
{
    size_t at = strlen(g->log);

    snprintf(g->log + at, sizeof(g->log) - at, "%s %zu %.8s;", what, n, data);
}

/* Run until more is needed.  Returns the last event. */
static enum ws__event run(struct rig *g)
{
    for (;;) {
        enum ws__event event = ws__reader_next(&g->r, &g->in);

        if (event == WS__GO_ON)
            continue;
        if (event == WS__MESSAGE) {
            assert_int_equal(g->r.message.data[g->r.message.len], '\0');
            note(g, g->r.message.type == WS_TEXT ? "text" : "binary",
                 g->r.message.len, g->r.message.data);
        } else if (event == WS__CONTROL) {
            assert_int_equal(g->r.control.data[g->r.control.len], '\0');
            note(g, "control", g->r.control.len, g->r.control.data);
        } else {
            return event;
        }
    }
}

/* Receive as a connection does: where the reader wants it.  Returns how many
 * bytes of p that took. */
static size_t receive(struct rig *g, const uint8_t *p, size_t n)
{
    uint8_t *to;
    size_t room;
    bool direct = ws__reader_window(&g->r, &g->in, &to, &room);

    if (!direct) {
        if (!g->in.begin)
            assert_int_equal(ws__buf_lend(&g->in, &buffers), 0);
        size_t wants = ws__reader_wants(&g->r, &g->in);
        assert_int_equal(ws__buf_reserve(&g->in, wants, IN_MAX, &buffers), 0);
        to = g->in.last;
        room = ws__buf_room(&g->in) - 1;
    }
    assert_true(room > 0);
    n = n < room ? n : room;
    memcpy(to, p, n);
    if (direct)
        ws__reader_filled(&g->r, n);
    else
        g->in.last += n;
    return n;
}

static enum ws__event feed(struct rig *g, const uint8_t *p, size_t n,
                           size_t step)
{
    enum ws__event event = run(g);

    for (size_t at = 0; at < n && event == WS__NEED_INPUT;) {
        size_t k = n - at < step ? n - at : step;
        at += receive(g, p + at, k);
        event = run(g);
    }
    return event;
}

static size_t put(uint8_t *out, uint8_t first, const void *data, size_t n)
{
    struct ws__frame f = { .opcode = first & 0xf,
                           .fin = first & FIN,
                           .rsv1 = first & 0x40,
                           .masked = true,
                           .key = { 9, 8, 7, 6 },
                           .len = n };
    size_t size = ws__frame_encode(&f, out);

    memcpy(out + size, data, n);
    ws__mask_scalar(out + size, n, f.key, 0);
    return size + n;
}

/* Messages of all kinds in one stream. */
static size_t make_stream(uint8_t *out)
{
    static const uint8_t hello[] = { 0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0 };
    char big[1500];
    size_t n = 0;

    memset(big, 'b', sizeof(big));
    n += put(out + n, FIN | WS_TEXT, "small", 5);
    n += put(out + n, FIN | WS_BINARY, big, sizeof(big));
    n += put(out + n, FIN | WS_TEXT, "", 0);
    n += put(out + n, WS_TEXT, "he", 2);
    n += put(out + n, FIN | WS_PING, "ping", 4);
    n += put(out + n, 0, "", 0);
    n += put(out + n, FIN, "llo", 3);
    n += put(out + n, FIN | 0x40 | WS_TEXT, hello, sizeof(hello));
    n += put(out + n, 0x40 | WS_TEXT, hello, 3);
    n += put(out + n, FIN | WS_PONG, "", 0);
    n += put(out + n, FIN, hello + 3, sizeof(hello) - 3);
    n += put(out + n, FIN | WS_BINARY, big, 490);
    return n;
}

static const char story[] =
    "text 5 small;binary 1500 bbbbbbbb;text 0 ;control 4 ping;text 5 hello;"
    "text 5 Hello;control 0 ;text 5 Hello;binary 490 bbbbbbbb;";

static void every_chunking_gives_the_same_events(void **state)
{
    (void)state;
    uint8_t stream[4096];
    size_t n = make_stream(stream);

    for (size_t step = 1; step <= n; step += step < 40 ? 1 : 37) {
        struct rig g;

        rig_init(&g, true);
        assert_int_equal(feed(&g, stream, n, step), WS__NEED_INPUT);
        assert_string_equal(g.log, story);
        rig_fini(&g);
    }
}

static void every_prefix_asks_for_more(void **state)
{
    (void)state;
    uint8_t stream[4096];
    size_t n = make_stream(stream);

    for (size_t k = 0; k <= n; k++) {
        struct rig g;

        rig_init(&g, true);
        assert_int_equal(feed(&g, at_page_end(stream, k), k, 100),
                         WS__NEED_INPUT);
        assert_memory_equal(g.log, story, strlen(g.log));
        rig_fini(&g);
    }
}

static void pieces_make_up_the_same_messages(void **state)
{
    (void)state;
    uint8_t stream[4096];
    size_t n = make_stream(stream);

    for (size_t piece = 1; piece <= 64; piece *= 2) {
        char buf[64];
        size_t at = 0, total = 0, messages = 0;
        struct rig g;

        rig_init(&g, true);
        for (;;) {
            enum ws__event event = ws__reader_piece(&g.r, &g.in, buf, piece);

            if (event == WS__NEED_INPUT && at == n)
                break;
            if (event == WS__NEED_INPUT)
                at += receive(&g, stream + at, n - at < 50 ? n - at : 50);
            total += event == WS__PIECE ? g.r.piece : 0;
            messages += event == WS__PIECE && g.r.piece == 0;
            assert_int_not_equal(event, WS__FAILED);
        }
        assert_int_equal(messages, 7);
        assert_int_equal(total, 5 + 1500 + 5 + 5 + 5 + 490);
        rig_fini(&g);
    }
}

static void the_next_message_is_seen_behind_the_borrowed_nul(void **state)
{
    (void)state;
    uint8_t stream[64];
    size_t first = put(stream, FIN | WS_TEXT, "one", 3);
    size_t n = first + put(stream + first, FIN | WS_TEXT, "two", 3);
    struct rig g;

    for (size_t k = first; k <= n; k++) {
        rig_init(&g, false);
        assert_int_equal(ws__reader_next(&g.r, &g.in), WS__NEED_INPUT);
        assert_int_equal(receive(&g, stream, k), k);
        assert_int_equal(ws__reader_next(&g.r, &g.in), WS__MESSAGE);
        assert_string_equal(g.r.message.data, "one");
        assert_int_equal(ws__reader_has_next(&g.r, &g.in), k == n);
        assert_int_equal(run(&g), WS__NEED_INPUT);
        assert_string_equal(g.log, k == n ? "text 3 two;" : "");
        rig_fini(&g);
    }
}

static void after_the_end_there_is_no_next_message(void **state)
{
    (void)state;
    uint8_t stream[64];
    size_t n = put(stream, FIN | WS_TEXT, "one", 3);
    struct rig g;

    n += put(stream + n, FIN | WS_TEXT, "two", 3);
    rig_init(&g, false);
    assert_int_equal(ws__reader_next(&g.r, &g.in), WS__NEED_INPUT);
    assert_int_equal(receive(&g, stream, n), n);
    assert_int_equal(ws__reader_next(&g.r, &g.in), WS__MESSAGE);
    assert_true(ws__reader_has_next(&g.r, &g.in));
    ws__buf_release(&g.in, g.r.buffers);
    ws__reader_fini(&g.r);
    assert_false(ws__reader_has_next(&g.r, &g.in));
    rig_fini(&g);
}

static void memory_follows_what_came_not_what_was_announced(void **state)
{
    (void)state;
    /* A frame of a gigabyte, of which ten bytes come. */
    static const uint8_t header[] = {
        0x82, 0xff, 0,   0,   0,   0,   0x40, 0,   0,   0,   1,   2,
        3,    4,    'a', 'b', 'c', 'd', 'e',  'f', 'g', 'h', 'i', 'j'
    };
    struct rig g;

    rig_init(&g, false);
    assert_int_equal(feed(&g, header, sizeof(header), 1), WS__NEED_INPUT);
    assert_true(ws__buf_size(&g.r.whole) <= IN_MAX);
    rig_fini(&g);
}

static void malformed_frames_are_refused_for_good(void **state)
{
    (void)state;
    /* Of RFC 6455. */
    static const struct {
        const char *rule;
        uint8_t bytes[16];
        size_t n;
        int error, close_code;
    } rows[] = {
        { "5.1", { 0x81, 0x00 }, 2, WS_ERR_PROTOCOL, 1002 },
        { "5.2 RSV1", { 0xc1, 0x80, 0, 0, 0, 0 }, 6, WS_ERR_PROTOCOL, 1002 },
        { "5.2 RSV2", { 0xa1, 0x80 }, 2, WS_ERR_PROTOCOL, 1002 },
        { "5.2 opcode", { 0x87, 0x80 }, 2, WS_ERR_PROTOCOL, 1002 },
        { "5.2 length",
          { 0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 },
          14,
          WS_ERR_PROTOCOL,
          1002 },
        { "5.4", { 0x80, 0x80, 0, 0, 0, 0 }, 6, WS_ERR_PROTOCOL, 1002 },
        { "5.5", { 0x09, 0x80 }, 2, WS_ERR_PROTOCOL, 1002 },
        { "8.1", { 0x81, 0x82, 0, 0, 0, 0, 0xff }, 7, WS_ERR_UTF8, 1007 },
    };

    for (size_t i = 0; i < COUNT(rows); i++)
        for (size_t step = 1; step <= 16; step += 15) {
            struct rig g;

            rig_init(&g, false);
            if (feed(&g, rows[i].bytes, rows[i].n, step) != WS__FAILED)
                fail_msg("section %s: taken", rows[i].rule);
            assert_int_equal(g.r.error, rows[i].error);
            assert_int_equal(g.r.close_code, rows[i].close_code);
            assert_non_null(g.r.text);
            assert_int_equal(run(&g), WS__FAILED);
            rig_fini(&g);
        }
}

static void every_allocation_failure_is_an_event(void **state)
{
    (void)state;
    static const uint8_t hello[] = { 0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0 };
    uint8_t stream[2048];
    char big[1500] = "";
    size_t n = put(stream, FIN | WS_BINARY, big, sizeof(big));
    bool failed = true;

    n += put(stream + n, FIN | 0x40 | WS_TEXT, hello, sizeof(hello));
    for (long k = 1; failed; k++) {
        struct rig g;

        rig_init(&g, true);
        assert_int_equal(ws__buf_lend(&g.in, &buffers), 0);
        alloc_fail_at(k);
        enum ws__event event = feed(&g, stream, n, 400);
        failed = alloc_failed();
        alloc_fail_at(0);
        assert_int_equal(event, failed ? WS__FAILED : WS__NEED_INPUT);
        assert_int_equal(g.r.error, failed ? -ENOMEM : 0);
        rig_fini(&g);
    }
}

/* What makes nothing of itself takes as long. */
static void blocks_without_bytes_are_taken_in_steps(void **state)
{
    (void)state;
    enum { BLOCKS = 12000, STEP = 20000 };
    static const uint8_t block[] = { 0, 0, 0, 0xff, 0xff };
    size_t n = BLOCKS * sizeof(block);
    uint8_t *payload = malloc(n), *stream = malloc(n + 14);
    enum ws__event event = WS__GO_ON;
    int steps = 0;
    struct rig g;

    for (size_t i = 0; i < n; i++)
        payload[i] = block[i % sizeof(block)];
    rig_init(&g, true);
    n = put(stream, FIN | 0x40 | WS_TEXT, payload, n - 4);
    assert_int_equal(ws__buf_resize(&g.in, n + 1, &buffers), 0);
    ws__buf_append(&g.in, stream, n);
    for (; event == WS__GO_ON; steps++) {
        size_t before = ws__buf_used(&g.in);
        event = ws__reader_next(&g.r, &g.in);
        assert_in_range(before - ws__buf_used(&g.in), 0, STEP);
        assert_true(g.r.effort > 0);
    }
    assert_int_equal(event, WS__MESSAGE);
    assert_int_equal(g.r.message.len, 0);
    assert_true(steps >= 3);
    free(stream);
    free(payload);
    rig_fini(&g);
}

/* ---- Messages that are not all there, compressed ------------------------ */

enum { RUN = 300 };

/* So many times 'a'. */
static const uint8_t run_of_a[] = { 0x4a, 0x4c, 0x1c, 0x05, 0xc4, 0x02, 0, 0 };

/* How many of them its first n bytes amount to, by zlib alone. */
static size_t amounts_to(size_t n)
{
    uint8_t out[RUN];
    z_stream z = { .next_in = (uint8_t *)run_of_a,
                   .avail_in = (uInt)n,
                   .next_out = out,
                   .avail_out = sizeof(out) };

    assert_int_equal(inflateInit2(&z, -15), Z_OK);
    inflate(&z, Z_SYNC_FLUSH);
    inflateEnd(&z);
    return z.total_out;
}

static size_t read_pieces(struct rig *g, size_t size)
{
    enum ws__event event = WS__PIECE;
    char piece[RUN];
    size_t n = 0;

    while (event == WS__PIECE || event == WS__GO_ON) {
        event = ws__reader_piece(&g->r, &g->in, piece, size);
        n += event == WS__PIECE ? g->r.piece : 0;
    }
    assert_int_equal(event, WS__NEED_INPUT);
    return n;
}

static void what_can_be_inflated_does_not_wait_for_more(void **state)
{
    (void)state;
    uint8_t stream[32];

    for (size_t size = 1; size <= RUN; size += 13)
        for (size_t n = 1; n <= sizeof(run_of_a); n++) {
            size_t len = put(stream, 0x40 | WS_TEXT, run_of_a, n);
            struct rig g;

            rig_init(&g, true);
            receive(&g, stream, len);
            assert_int_equal(read_pieces(&g, size), amounts_to(n));
            rig_fini(&g);
        }
}

static void a_message_is_too_large_before_its_end_has_come(void **state)
{
    (void)state;
    uint8_t stream[32];
    int refused = 0;

    for (size_t n = 1; n <= sizeof(run_of_a); n++)
        for (int64_t limit = 0; limit <= RUN; limit++) {
            size_t len = put(stream, 0x40 | WS_TEXT, run_of_a, n);
            bool over = amounts_to(n) > (size_t)limit;
            struct rig g;

            rig_init(&g, true);
            g.r.limit = limit;
            assert_int_equal(feed(&g, stream, len, len),
                             over ? WS__FAILED : WS__NEED_INPUT);
            assert_int_equal(g.r.error, over ? WS_ERR_TOO_BIG : 0);
            refused += over;
            rig_fini(&g);
        }
    assert_true(refused > RUN);
}

/* Of two faults the first one counts, however many bytes come at a time. */
static void too_large_goes_before_what_is_corrupt_behind_it(void **state)
{
    (void)state;
    static const uint8_t corrupt[] = { 0x0a, 0x0a, 0xa3, 0xff, 0xff, 0xff };
    uint8_t stream[32];
    size_t len = put(stream, FIN | 0x40 | WS_BINARY, corrupt, sizeof(corrupt));

    for (size_t step = 1; step <= len; step++) {
        struct rig g;

        rig_init(&g, true);
        g.r.limit = 1;
        assert_int_equal(feed(&g, stream, len, step), WS__FAILED);
        assert_int_equal(g.r.error, WS_ERR_TOO_BIG);
        assert_int_equal(g.r.close_code, 1009);
        rig_fini(&g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_chunking_gives_the_same_events),
        cmocka_unit_test(every_prefix_asks_for_more),
        cmocka_unit_test(pieces_make_up_the_same_messages),
        cmocka_unit_test(the_next_message_is_seen_behind_the_borrowed_nul),
        cmocka_unit_test(after_the_end_there_is_no_next_message),
        cmocka_unit_test(memory_follows_what_came_not_what_was_announced),
        cmocka_unit_test(blocks_without_bytes_are_taken_in_steps),
        cmocka_unit_test(malformed_frames_are_refused_for_good),
        cmocka_unit_test(every_allocation_failure_is_an_event),
        cmocka_unit_test(what_can_be_inflated_does_not_wait_for_more),
        cmocka_unit_test(a_message_is_too_large_before_its_end_has_come),
        cmocka_unit_test(too_large_goes_before_what_is_corrupt_behind_it),
    };

    alloc_fail_install();
    return cmocka_run_group_tests_name("reader", tests, NULL, NULL);
}
