/* SPDX-License-Identifier: MIT */

/* deflate and inflate, against each other and the RFC's bytes. */

#include "test.h"

#include <errno.h>
#include <stdlib.h>

#include <zlib.h>

#include "alloc_fail.h"
#include "base/alloc.h"
#include "page_end.h"
#include "proto/alone.h"
#include "proto/deflate.h"
#include "proto/inflate.h"

static struct ws__pool pool = { .make = ws__alloc,
                                .destroy = ws_free,
                                .size = 256 };

static uint8_t *make_data(size_t n)
{
    uint8_t *p = malloc(n + 1);

    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)('a' + (i * i / 7 + i / 300) % 26);
    return p;
}

/* Inflate a message, step bytes in and step bytes out at a time.  Returns its
 * length, or the error. */
static ptrdiff_t read_back(struct ws__inflate *f, const uint8_t *p, size_t n,
                           bool keep, size_t step, uint8_t *out, size_t cap)
{
    size_t at = 0, len = 0, made;
    int code = 0;

    ws__inflate_begin(f, keep);
    while (at < n) {
        struct ws__inflated done;
        size_t in = n - at < step ? n - at : step;
        size_t room = cap - len < step ? cap - len : step;

        code = ws__inflate_step(f, at_page_end(p + at, in), in, out + len, room,
                                &done);
        if (code != 0)
            return code;
        assert_true(done.taken + done.made > 0);
        at += done.taken;
        len += done.made;
    }
    do {
        assert_true(len < cap);
        size_t room = cap - len < step ? cap - len : step;
        code = ws__inflate_finish(f, out + len, room, &made);
        len += code < 0 ? 0 : made;
    } while (code == 0);
    return code < 0 ? code : (ptrdiff_t)len;
}

static void all_levels_and_windows_are_read_back(void **state)
{
    (void)state;
    static const size_t sizes[] = { 0, 1, 0, 0, 100, 40000 };
    uint8_t *data = make_data(40000), *back = malloc(40001);
    struct ws__inflate *f = ws__inflate_make(0);

    for (size_t bits = 9; bits <= 15; bits++)
        for (int keep = 0; keep < 2; keep++) {
            struct ws__deflate *d = ws__deflate_make(bits);

            ws__inflate_begin(f, false);
            for (int level = -2; level <= 9; level++)
                for (size_t i = 0; i < COUNT(sizes); i++) {
                    struct ws__buf out = { 0 };
                    bool first = level == -2 && i == 0;

                    ws__deflate_begin(d, level, keep);
                    assert_int_equal(ws__deflate_run(d, data, sizes[i],
                                                     WS__LAST, &out, &pool),
                                     0);
                    assert_true(ws__buf_used(&out) > 0);
                    assert_int_equal(read_back(f, out.pos, ws__buf_used(&out),
                                               keep && !first, 4096, back,
                                               40001),
                                     sizes[i]);
                    assert_memory_equal(back, data, sizes[i]);
                    ws__buf_release(&out, &pool);
                }
            ws__deflate_destroy(d);
        }
    ws__inflate_destroy(f);
    ws__pool_fini(&pool);
    free(data);
    free(back);
}

static void every_chunking_is_read_back(void **state)
{
    (void)state;
    uint8_t *data = make_data(600), back[601];
    struct ws__deflate *d = ws__deflate_make(15);
    struct ws__inflate *f = ws__inflate_make(0);

    for (size_t step = 1; step <= 600; step += step < 10 ? 1 : 59)
        for (int flush = 0; flush < 2; flush++) {
            struct ws__buf out = { 0 };

            ws__deflate_begin(d, 6, false);
            for (size_t at = 0; at < 600; at += step) {
                size_t n = 600 - at < step ? 600 - at : step;
                assert_int_equal(ws__deflate_run(d, data + at, n,
                                                 flush ? WS__FLUSH : WS__MORE,
                                                 &out, &pool),
                                 0);
            }
            assert_int_equal(ws__deflate_run(d, NULL, 0, WS__LAST, &out, &pool),
                             0);
            assert_int_equal(read_back(f, out.pos, ws__buf_used(&out), false,
                                       step, back, 601),
                             600);
            assert_memory_equal(back, data, 600);
            ws__buf_release(&out, &pool);
        }
    ws__deflate_destroy(d);
    ws__inflate_destroy(f);
    ws__pool_fini(&pool);
    free(data);
}

static void messages_that_stand_alone_are_read_back(void **state)
{
    (void)state;
    static const size_t sizes[] = { 0,   1,    63,   64,    65,    127,  255,
                                    256, 1023, 1024, 16384, 40000, 65536 };
    uint8_t *data = make_data(65536), *back = malloc(65537);
    struct ws__inflate *f = ws__inflate_make(0);

    for (size_t bits = 9; bits <= 15; bits++) {
        struct ws__deflate *d = ws__deflate_make(bits);
        for (size_t i = 0; i < 2 * COUNT(sizes); i++) {
            size_t n = sizes[i / 2];
            const uint8_t *p = at_page_end(data, n);
            struct ws__buf out = { 0 };

            ws__deflate_begin(d, i % 2 ? 1 : 6, false);
            assert_int_equal(ws__deflate_alone(d, p, n, &out, &pool), 0);
            assert_true(ws__buf_used(&out) > 0);
            assert_int_equal(read_back(f, out.pos, ws__buf_used(&out), false,
                                       65537, back, 65537),
                             n);
            assert_memory_equal(back, data, n);
            ws__buf_release(&out, &pool);
        }
        ws__deflate_destroy(d);
    }
    ws__inflate_destroy(f);
    ws__pool_fini(&pool);
    free(data);
    free(back);
}

/* Nor does it write where there is no room; with less than it knows to be
 * enough, it may give up.  Without ISA-L there is nothing to try. */
static void what_may_not_fit_is_left_to_zlib(void **state)
{
    (void)state;
    enum { N = 300 };
    uint8_t *data = make_data(N), whole[2 * N], room[2 * N] = { 0 };
    void *alone = ws__alone_make(15);
    size_t n = alone ? ws__alone_deflate(alone, data, N, whole, 2 * N) : 0;
    bool fits = false;

    assert_int_equal(n > 0, alone != NULL);
    for (size_t cap = 0; alone && cap <= N; cap++) {
        uint8_t *out = at_page_end(room, cap);
        size_t made = ws__alone_deflate(alone, data, N, out, cap);

        assert_true(made == n || (made == 0 && !fits));
        assert_memory_equal(out, whole, made);
        fits = made > 0;
    }
    assert_int_equal(fits, alone != NULL);
    ws__alone_destroy(alone);
    free(data);
}

/* How many bytes noise takes that is repeated at this distance. */
static size_t repeated(struct ws__deflate *d, size_t distance)
{
    static uint8_t data[100000];
    struct ws__buf out = { 0 };
    uint32_t x = 1;

    for (size_t i = 0; i < 2 * distance; i++) {
        x = x * 1664525 + 1013904223;
        data[i] = i < distance ? (uint8_t)(x >> 24) : data[i - distance];
    }
    ws__deflate_begin(d, 1, false);
    assert_int_equal(ws__deflate_alone(d, data, 2 * distance, &out, &pool), 0);
    size_t n = ws__buf_used(&out);
    ws__buf_release(&out, &pool);
    return n;
}

/* zlib itself stays 262 bytes below. */
static void nothing_looks_back_beyond_the_window(void **state)
{
    (void)state;
    for (size_t bits = 9; bits <= 15; bits++) {
        size_t out = ((size_t)1 << bits) + 1, in = out - 263;
        struct ws__deflate *d = ws__deflate_make(bits);

        assert_true(repeated(d, out) > 2 * out);
        if (bits <= 12) /* ISA-L remembers some thousand places, not all */
            assert_true(repeated(d, in) < 2 * in);
        ws__deflate_destroy(d);
    }
    ws__pool_fini(&pool);
}

/* RFC 7692, section 7.2.3. */
static const struct {
    uint8_t bytes[16];
    size_t n;
    const char *text;
} examples[] = {
    { { 0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00 }, 7, "Hello" },
    { { 0x00, 0x05, 0x00, 0xfa, 0xff, 'H', 'e', 'l', 'l', 'o', 0x00 },
      11,
      "Hello" },
    { { 0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00 }, 8, "Hello" },
    { { 0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07,
        0x00 },
      13,
      "Hello" },
    { { 0x00 }, 1, "" },
    /* Not of the RFC, but sent: nothing at all, and a last block alone. */
    { { 0x00 }, 0, "" },
    { { 0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00 }, 7, "Hello" },
    /* The empty block at the end is a last one. */
    { { 0x01 }, 1, "" },
    { { 0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x04 }, 7, "Hello" },
};

static void the_examples_of_the_rfc_are_read(void **state)
{
    (void)state;
    struct ws__inflate *f = ws__inflate_make(0);
    uint8_t out[16];

    for (size_t i = 0; i < COUNT(examples); i++)
        for (size_t step = 1; step < 16; step++) {
            assert_int_equal(read_back(f, examples[i].bytes, examples[i].n,
                                       false, step, out, 16),
                             strlen(examples[i].text));
            assert_memory_equal(out, examples[i].text,
                                strlen(examples[i].text));
        }
    ws__inflate_destroy(f);
}

static void a_window_that_is_kept_is_looked_back_at(void **state)
{
    (void)state;
    /* RFC 7692, section 7.2.3.2. */
    static const uint8_t again[] = { 0xf2, 0x00, 0x11, 0x00, 0x00 };
    struct ws__inflate *f = ws__inflate_make(0);
    uint8_t out[16];

    for (int last = 0; last < 2; last++) { /* also behind a last block */
        size_t row = last ? 2 : 0;
        assert_int_equal(read_back(f, examples[row].bytes, examples[row].n,
                                   false, 16, out, 16),
                         5);
        assert_int_equal(read_back(f, again, 5, true, 16, out, 16), 5);
        assert_memory_equal(out, "Hello", 5);
    }
    assert_int_equal(read_back(f, again, 5, false, 16, out, 16),
                     WS_ERR_DEFLATE);
    ws__inflate_destroy(f);
}

/* A peer may end a stream with every second byte. */
static void a_final_block_takes_no_memory(void **state)
{
    (void)state;
    static const uint8_t streams[] = { 0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07,
                                       0x00, 0xf2, 0x00, 0x11, 0x00, 0x00 };
    struct ws__inflate *f = ws__inflate_make(0);
    char out[16];

    for (long n = 0; n < 2; n++) { /* the first makes the window */
        alloc_fail_at(n);
        ptrdiff_t len = read_back(f, streams, sizeof(streams), false,
                                  sizeof(out), (uint8_t *)out, sizeof(out));
        alloc_fail_at(0);
        assert_int_equal(len, 10);
        assert_memory_equal(out, "HelloHello", 10);
    }
    ws__inflate_destroy(f);
}

/* So many times 'a', in one block that is the last.  Returns its size. */
static size_t make_last_block(size_t n, uint8_t *out, size_t room)
{
    uint8_t text[64];
    z_stream z = { .next_in = text,
                   .avail_in = (uInt)n,
                   .next_out = out,
                   .avail_out = (uInt)room };

    memset(text, 'a', sizeof(text));
    assert_int_equal(
        deflateInit2(&z, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return z.total_out;
}

/* Its room may be used up just as the input is. */
static void a_last_block_ends_a_message_whatever_the_room(void **state)
{
    (void)state;
    struct ws__inflate *f = ws__inflate_make(0);
    uint8_t block[64], out[128];

    for (size_t len = 1; len <= 64; len++)
        for (size_t room = 1; room <= len + 1; room++) {
            size_t n = make_last_block(len, block, sizeof(block));
            size_t taken = 0, made = 0, more;
            struct ws__inflated done;
            int code = 0;

            ws__inflate_begin(f, false);
            for (; taken < n; made += done.made, taken += done.taken)
                assert_int_equal(ws__inflate_step(f, block + taken, n - taken,
                                                  out + made, room, &done),
                                 0);
            for (; code == 0; made += more)
                code = ws__inflate_finish(f, out + made, room, &more);
            assert_int_equal(code, 1);
            assert_int_equal(made, len);
        }
    ws__inflate_destroy(f);
}

static void every_prefix_of_a_message_is_cut_short(void **state)
{
    (void)state;
    struct ws__inflate *f = ws__inflate_make(0);
    uint8_t out[16];

    for (size_t n = 1; n + 1 < examples[0].n; n++)
        assert_int_equal(read_back(f, examples[0].bytes, n, false, 16, out, 16),
                         WS_ERR_DEFLATE);
    ws__inflate_destroy(f);
}

static void malformed_streams_are_refused(void **state)
{
    (void)state;
    /* RFC 1951, section 3.2; RFC 7692, section 7.2.2. */
    static const struct {
        uint8_t bytes[12];
        size_t n;
    } rows[] = {
        { { 0xff }, 1 },                         /* block type 3 */
        { { 0x00, 0x05, 0x00, 0xfa, 0xfe }, 5 }, /* lengths that differ */
        { { 0xf2, 0x48, 0xff, 0xff, 0xff, 0xff }, 6 },
        { { 0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 'x', 'y' }, 9 },
        { { 0x04, 0x00, 0x00, 0x00 }, 4 }, /* a dynamic block of nothing */
    };
    struct ws__inflate *f = ws__inflate_make(0);
    uint8_t out[4096];

    for (size_t i = 0; i < COUNT(rows); i++)
        for (size_t step = 1; step < 16; step++)
            assert_int_equal(read_back(f, rows[i].bytes, rows[i].n, false, step,
                                       out, sizeof(out)),
                             WS_ERR_DEFLATE);
    assert_int_equal(
        read_back(f, examples[0].bytes, examples[0].n, false, 16, out, 16), 5);
    ws__inflate_destroy(f);
}

static void levels_are_judged(void **state)
{
    (void)state;
    for (int level = -5; level <= 15; level++)
        assert_int_equal(ws__deflate_level_valid(level),
                         level >= -2 && level <= 9);
}

static void every_allocation_failure_is_survived(void **state)
{
    (void)state;
    uint8_t *data = make_data(5000), back[5001];
    bool failed = true;

    for (long n = 1; failed; n++) {
        struct ws__buf out = { 0 };

        alloc_fail_at(n);
        struct ws__deflate *d = ws__deflate_make(15);
        struct ws__inflate *f = ws__inflate_make(0);
        int error = d && f ? 0 : -ENOMEM;
        if (error == 0)
            error = ws__deflate_run(d, data, 5000, WS__LAST, &out, &pool);
        if (error == 0) {
            ptrdiff_t len = read_back(f, out.pos, ws__buf_used(&out), false,
                                      5000, back, 5001);
            error = len < 0 ? (int)len : 0;
            if (error == 0)
                assert_memory_equal(back, data, 5000);
        }
        failed = alloc_failed();
        alloc_fail_at(0);
        assert_int_equal(error, failed ? -ENOMEM : 0);
        ws__buf_release(&out, &pool);
        ws__deflate_destroy(d);
        ws__inflate_destroy(f);
        ws__pool_fini(&pool);
        assert_int_equal(alloc_live(), 0);
    }
    free(data);
}

static void a_message_that_stands_alone_survives_them_too(void **state)
{
    (void)state;
    uint8_t *data = make_data(5000), back[5001];
    struct ws__deflate *d = ws__deflate_make(15);
    struct ws__inflate *f = ws__inflate_make(0);
    bool failed = true;

    for (long n = 1; failed; n++) {
        struct ws__buf out = { 0 };

        ws__deflate_begin(d, 1, false);
        alloc_fail_at(n);
        int error = ws__deflate_alone(d, data, 5000, &out, &pool);
        failed = alloc_failed();
        alloc_fail_at(0);
        assert_true(error == 0 || (failed && error == -ENOMEM));
        if (error == 0) {
            assert_int_equal(read_back(f, out.pos, ws__buf_used(&out), false,
                                       5000, back, 5001),
                             5000);
            assert_memory_equal(back, data, 5000);
        }
        ws__buf_release(&out, &pool);
        ws__pool_fini(&pool);
    }
    ws__deflate_destroy(d);
    ws__inflate_destroy(f);
    free(data);
    assert_int_equal(alloc_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_levels_and_windows_are_read_back),
        cmocka_unit_test(every_chunking_is_read_back),
        cmocka_unit_test(messages_that_stand_alone_are_read_back),
        cmocka_unit_test(what_may_not_fit_is_left_to_zlib),
        cmocka_unit_test(nothing_looks_back_beyond_the_window),
        cmocka_unit_test(the_examples_of_the_rfc_are_read),
        cmocka_unit_test(a_window_that_is_kept_is_looked_back_at),
        cmocka_unit_test(a_final_block_takes_no_memory),
        cmocka_unit_test(a_last_block_ends_a_message_whatever_the_room),
        cmocka_unit_test(every_prefix_of_a_message_is_cut_short),
        cmocka_unit_test(malformed_streams_are_refused),
        cmocka_unit_test(levels_are_judged),
        cmocka_unit_test(every_allocation_failure_is_survived),
        cmocka_unit_test(a_message_that_stands_alone_survives_them_too),
    };

    alloc_fail_install();
    return cmocka_run_group_tests_name("deflate", tests, NULL, NULL);
}
