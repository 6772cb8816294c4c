/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <errno.h>
#include <stdlib.h>

#include <zlib.h>

#include "alloc_fail.h"
#include "base/alloc.h"
#include "proto/reader.h"

enum { IN_MAX = 64 * 1024, OUT_MAX = 256 * 1024 };

static struct ws__pool buffers = { .make = ws__alloc,
                                   .destroy = ws_free,
                                   .size = IN_MAX };
static struct ws__pool inflaters = { .make = ws__inflate_make,
                                     .destroy = ws__inflate_destroy };

/* A client that compresses, and a server's reader for it. */
struct rig {
    z_stream z;
    bool obeys; /* it keeps no window */
    struct ws__lookback lookback;
    struct ws__reader r;
    struct ws__buf in;
    uint8_t out[OUT_MAX];
};

static struct rig *rig_with(int bits, bool obeys, int level)
{
    struct rig *g = calloc(1, sizeof(*g));

    g->obeys = obeys;
    g->lookback.on = true;
    g->r = (struct ws__reader){ .compression = true,
                                .lookback = &g->lookback,
                                .limit = -1,
                                .in_max = IN_MAX,
                                .buffers = &buffers,
                                .inflaters = &inflaters };
    assert_int_equal(
        deflateInit2(&g->z, level, Z_DEFLATED, -bits, 8, Z_DEFAULT_STRATEGY),
        Z_OK);
    return g;
}

static struct rig *rig_new(bool obeys, int level)
{
    return rig_with(15, obeys, level);
}

static void rig_free(struct rig *g)
{
    deflateEnd(&g->z);
    ws__lookback_fini(&g->lookback);
    ws__reader_fini(&g->r);
    ws__buf_release(&g->in, &buffers);
    free(g);
    ws__pool_fini(&buffers);
    ws__pool_fini(&inflaters);
}

/* Returns the length of the payload in g->out (RFC 7692, section 7.2.1). */
static size_t squeeze(struct rig *g, const char *text, size_t n)
{
    if (g->obeys)
        deflateReset(&g->z);
    if (n == 0) { /* zlib flushes nothing but once */
        g->out[0] = 0;
        return 1;
    }
    g->z.next_in = (z_const Bytef *)text;
    g->z.avail_in = (uInt)n;
    g->z.next_out = g->out;
    g->z.avail_out = sizeof(g->out);
    assert_int_equal(deflate(&g->z, Z_SYNC_FLUSH), Z_OK);
    assert_int_equal(g->z.avail_in, 0);
    return sizeof(g->out) - g->z.avail_out - 4;
}

static void feed(struct rig *g, const void *p, size_t n)
{
    assert_int_equal(ws__buf_reserve(&g->in, n + WS__WHOLE_TAIL, 1 << 20, NULL),
                     0);
    ws__buf_append(&g->in, p, n);
}

/* In frames of so many bytes, which stay as they are: the key is 0. */
static void send_frames(struct rig *g, size_t n, size_t step)
{
    for (size_t at = 0; at < n || at == 0; at += step) {
        size_t len = n - at < step ? n - at : step;
        uint8_t first = at + len == n ? 0x80 : 0;
        uint8_t head[8] = { at == 0 ? first | 0x41 : first };
        bool small = len < 126;

        head[1] = (uint8_t)(0x80 | (small ? len : 126));
        head[2] = small ? 0 : (uint8_t)(len >> 8);
        head[3] = small ? 0 : (uint8_t)len;
        feed(g, head, small ? 6 : 8);
        feed(g, g->out + at, len);
        if (n == 0)
            break;
    }
}

static enum ws__event next(struct rig *g)
{
    enum ws__event event;

    do
        event = ws__reader_next(&g->r, &g->in);
    while (event == WS__GO_ON);
    return event;
}

static enum ws__event next_piece(struct rig *g, void *buf, size_t n)
{
    enum ws__event event;

    do
        event = ws__reader_piece(&g->r, &g->in, buf, n);
    while (event == WS__GO_ON);
    return event;
}

static void exchange(struct rig *g, const char *text, size_t n, size_t step)
{
    send_frames(g, squeeze(g, text, n), step);
    if (next(g) != WS__MESSAGE)
        fail_msg("%zu bytes: %s", n, g->r.text);
    assert_int_equal(g->r.message.len, n);
    assert_memory_equal(g->r.message.data, text, n);
    ws__reader_idle(&g->r, true);
}

static void exchange_in_pieces(struct rig *g, const char *text, size_t n,
                               size_t step)
{
    char piece[777];
    size_t got = 0;

    send_frames(g, squeeze(g, text, n), step);
    do {
        if (next_piece(g, piece, sizeof(piece)) != WS__PIECE)
            fail_msg("%zu bytes: %s", n, g->r.text);
        assert_true(got + g->r.piece <= n);
        assert_memory_equal(piece, text + got, g->r.piece);
        got += g->r.piece;
    } while (g->r.piece > 0);
    assert_int_equal(got, n);
}

/* Text of n bytes that repeats itself, and more so what came before. */
static char *text_of(size_t n, unsigned seed)
{
    static const char often[] = "{\"type\":\"message\",\"room\":\"lobby\"}";
    char *p = malloc(n + 1);

    for (size_t i = 0; i < n; i++) {
        seed = seed * 1103515245u + 12345u;
        p[i] = i % 64 < 40 ? often[i % (sizeof(often) - 1)]
                           : (char)('a' + (seed >> 16) % 26);
    }
    p[n] = '\0';
    return p;
}

static const size_t sizes[] = { 5,    5,   0,     1,   20,  20,    300, 300,
                                4000, 250, 40000, 300, 300, 33000, 0,   64 };

static void a_window_that_was_to_be_forgotten_is_read(void **state)
{
    (void)state;
    static const size_t steps[] = { 60000, 100, 7 };

    for (int level = 1; level <= 9; level += 4)
        for (size_t s = 0; s < COUNT(steps); s++)
            for (int pieces = 0; pieces < 2; pieces++) {
                struct rig *g = rig_new(false, level);

                for (size_t i = 0; i < 3 * COUNT(sizes); i++) {
                    size_t n = sizes[i % COUNT(sizes)];
                    char *text = text_of(n, (unsigned)i / 2);
                    (pieces ? exchange_in_pieces : exchange)(g, text, n,
                                                             steps[s]);
                    free(text);
                    assert_true(g->lookback.len <= 32 * 1024);
                }
                assert_true(g->lookback.on);
                rig_free(g);
            }
}

static void one_that_was_forgotten_is_read(void **state)
{
    (void)state;
    for (int pieces = 0; pieces < 2; pieces++) {
        struct rig *g = rig_new(true, 6);

        for (size_t i = 0; i < 3 * COUNT(sizes); i++) {
            size_t n = sizes[i % COUNT(sizes)];
            char *text = text_of(n, (unsigned)i / 2);
            (pieces ? exchange_in_pieces : exchange)(g, text, n, 60000);
            free(text);
        }
        rig_free(g);
    }
}

/* libdeflate tells, as far as it is there, and what is compressed so. */
static void whoever_keeps_no_window_costs_no_memory(void **state)
{
    (void)state;
    struct rig *g = rig_new(true, 6);
    void *whole = ws__whole_inflate_make();

    exchange(g, "{\"a\": 1}, and so on", 19, 1000);
    assert_int_equal(g->lookback.len, 19);
    exchange(g, "{\"a\": 1}, and so forth", 22, 1000);
    assert_int_equal(g->lookback.on, whole == NULL);
    assert_int_equal(g->lookback.p == NULL, whole != NULL);
    exchange(g, "{\"a\": 1}, and so on", 19, 1000);
    ws__whole_inflate_destroy(whole);
    rig_free(g);
}

/* A run of one byte is better found in itself: no proof of anything. */
static void a_run_shows_nothing(void **state)
{
    (void)state;
    for (int level = 1; level <= 9; level++) {
        struct rig *g = rig_new(false, level);

        exchange(g, "aaaaaaaaaab and more", 20, 1000);
        exchange(g, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 50,
                 1000);
        assert_true(g->lookback.on);
        exchange(g, "aaaaaaaaaab and more", 20, 1000);
        rig_free(g);
    }
}

static void messages_unlike_the_last_show_nothing(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "0123456789ABCDEFGHIJ",
        "!=%&/()?<>;:_,.-#+*'",
        "0123456789ABCDEFGHIJ",
        "short",
        "other",
        "!=%&/()?<>;:_,.-#+*'",
        "short",
        "other",
    };
    struct rig *g = rig_new(false, 6);

    for (size_t i = 0; i < COUNT(texts); i++)
        exchange(g, texts[i], strlen(texts[i]), 1000);
    assert_true(g->lookback.on);
    rig_free(g);
}

/* Of a message larger than a window its end is kept. */
static void the_end_of_a_large_message_is_kept(void **state)
{
    (void)state;
    enum { RUN = 36000, END = 4000 };
    struct rig *g = rig_new(false, 6);
    char *end = text_of(END, 1), *text = malloc(RUN + END);

    memset(text, 'x', RUN);
    memcpy(text + RUN, end, END);
    exchange(g, text, RUN + END, 60000);
    assert_int_equal(g->lookback.len, 32 * 1024);
    exchange(g, end, END, 60000);
    exchange(g, text + RUN - 1, END, 60000);
    assert_true(g->lookback.on);
    free(end);
    free(text);
    rig_free(g);
}

/* A window may be smaller than it has to be. */
static void what_is_out_of_reach_shows_nothing(void **state)
{
    (void)state;
    struct rig *g = rig_with(12, false, 6);
    char *text = text_of(5000, 1);

    memcpy(text, "#$%&~^@`", 8); /* stands nowhere else */
    exchange(g, text, 5000, 60000);
    exchange(g, text, 8, 60000);
    assert_true(g->lookback.on);
    exchange(g, text, 8, 60000);
    exchange(g, text, 8, 60000);
    free(text);
    rig_free(g);
}

static void what_looks_back_at_nothing_is_corrupt(void **state)
{
    (void)state;
    static const char text[] = "abcdefghijklmnopqrstuvwxyz";
    struct rig *g = rig_new(false, 6);

    squeeze(g, text, sizeof(text)); /* does not arrive */
    send_frames(g, squeeze(g, text, sizeof(text)), 1000);
    assert_int_equal(next(g), WS__FAILED);
    assert_int_equal(g->r.error, WS_ERR_DEFLATE);
    rig_free(g);
}

static void an_allocation_failure_is_survived(void **state)
{
    (void)state;
    for (size_t step = 5; step < 2000; step += 1000) {
        bool failed = true;

        for (long at = 1; failed; at++) {
            struct rig *g = rig_new(false, 6);
            enum ws__event event = WS__MESSAGE;

            for (int i = 0; i < 3 && event == WS__MESSAGE; i++) {
                char *text = text_of(1000, (unsigned)i);

                send_frames(g, squeeze(g, text, 1000), step);
                free(text);
                alloc_fail_at(i == 1 ? at : 0);
                event = next(g);
                failed = i == 1 ? alloc_failed() : failed;
                alloc_fail_at(0);
            }
            assert_int_equal(g->r.error, failed ? -ENOMEM : 0);
            rig_free(g);
            assert_int_equal(alloc_live(), 0);
        }
    }
}

/* Only then: libdeflate before 1.19 is not used with an allocator. */
static int install(void **state)
{
    (void)state;
    alloc_fail_install();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_window_that_was_to_be_forgotten_is_read),
        cmocka_unit_test(one_that_was_forgotten_is_read),
        cmocka_unit_test(whoever_keeps_no_window_costs_no_memory),
        cmocka_unit_test(a_run_shows_nothing),
        cmocka_unit_test(messages_unlike_the_last_show_nothing),
        cmocka_unit_test(the_end_of_a_large_message_is_kept),
        cmocka_unit_test(what_is_out_of_reach_shows_nothing),
        cmocka_unit_test(what_looks_back_at_nothing_is_corrupt),
        cmocka_unit_test_setup(an_allocation_failure_is_survived, install),
    };

    return cmocka_run_group_tests_name("lookback", tests, NULL, NULL);
}
