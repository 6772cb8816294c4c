/* SPDX-License-Identifier: MIT */

/* libdeflate against zlib, which judges.  The allocator is not replaced here:
 * older libdeflates are not used then. */

#include "test.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "page_end.h"
#include "proto/deflate.h"
#include "proto/reader.h"

enum { SIZE = 40000, ROOM = 64 * 1024 };

static struct ws__pool buffers = { .make = ws__alloc,
                                   .destroy = ws_free,
                                   .size = ROOM };
static struct ws__pool inflaters = { .make = ws__inflate_make,
                                     .destroy = ws__inflate_destroy };

/* Text that can be compressed, at many distances. */
static uint8_t *make_data(size_t n)
{
    uint8_t *p = malloc(n + 1);

    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)('a' + (i * i / 7 + i / 300) % 26);
    return p;
}

/* A message by zlib in p, which has room for it and the tail. */
static size_t zlib_message(int level, const uint8_t *data, size_t n, uint8_t *p)
{
    struct ws__deflate *d = ws__deflate_make(15);
    struct ws__buf out = { 0 };

    ws__deflate_begin(d, level, false);
    assert_int_equal(ws__deflate_run(d, data, n, WS__LAST, &out, &buffers), 0);
    size_t made = ws__buf_used(&out);
    assert_true(made + WS__WHOLE_TAIL <= ROOM);
    memcpy(p, out.pos, made);
    ws__buf_release(&out, &buffers);
    ws__deflate_destroy(d);
    return made;
}

/* What zlib makes of a message: its length, or an error. */
static ptrdiff_t zlib_reads(struct ws__inflate *f, const uint8_t *p, size_t n,
                            uint8_t *out, size_t cap)
{
    struct ws__inflated done;
    size_t made;

    ws__inflate_begin(f, false);
    int code = ws__inflate_step(f, p, n, out, cap, &done);
    if (code < 0 || done.taken < n)
        return code < 0 ? code : -1;
    code = ws__inflate_finish(f, out + done.made, cap - done.made, &made);
    return code == 1 ? (ptrdiff_t)(done.made + made) : code < 0 ? code : -1;
}

static void what_zlib_made_is_inflated_in_one_go(void **state)
{
    (void)state;
    static const size_t sizes[] = { 1, 2, 100, 1024, SIZE };
    uint8_t *data = make_data(SIZE), *message = malloc(ROOM);
    struct ws__inflate *f = ws__inflate_make(0);

    for (int level = -2; level <= 9; level++)
        for (size_t i = 0; i < COUNT(sizes); i++) {
            size_t n = zlib_message(level, data, sizes[i], message), made;
            uint8_t *out = at_page_end(data, sizes[i]);

            memset(out, 0, sizes[i]);
            memcpy(message + n, "next one!", WS__WHOLE_TAIL);
            assert_true(ws__inflate_whole(f, message, n, out, sizes[i], &made));
            assert_int_equal(made, sizes[i]);
            assert_memory_equal(out, data, made);
            assert_memory_equal(message + n, "next one!", WS__WHOLE_TAIL);
            assert_false(
                ws__inflate_whole(f, message, n, out, sizes[i] - 1, &made));
            assert_memory_equal(message + n, "next one!", WS__WHOLE_TAIL);
        }
    ws__inflate_destroy(f);
    ws__pool_fini(&buffers);
    free(data);
    free(message);
}

/* RFC 7692, section 7.2.3. */
static void the_endings_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        bool whole;
        uint8_t n;
        uint8_t bytes[24];
    } rows[] = {
        { true, 7, { 0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00 } },
        { true, 11, "\0\5\0\xfa\xffHello" },
        { true, 8, { 0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00 } },
        { true,
          13,
          { 0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9,
            0x07, 0x00 } },
        /* A last block and nothing behind it. */
        { true, 7, { 0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00 } },
        /* For zlib: cut short; a last block, and another stream; bytes that
         * are nothing. */
        { false, 5, { 0xf2, 0x48, 0xcd, 0xc9, 0xc9 } },
        { false,
          14,
          { 0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0xf2, 0x48, 0xcd, 0xc9,
            0xc9, 0x07, 0x00 } },
        { false, 9, { 0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 'x', 'y' } },
        { false, 8, { 0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 'x' } },
        { false, 1, { 0xff } },
    };
    struct ws__inflate *f = ws__inflate_make(0);

    for (size_t i = 0; i < COUNT(rows); i++) {
        uint8_t message[sizeof(rows[i].bytes) + WS__WHOLE_TAIL], out[16];
        size_t made;

        memcpy(message, rows[i].bytes, sizeof(rows[i].bytes));
        assert_int_equal(
            ws__inflate_whole(f, message, rows[i].n, out, sizeof(out), &made),
            rows[i].whole);
        if (rows[i].whole) {
            assert_int_equal(made, 5);
            assert_memory_equal(out, "Hello", 5);
        }
    }
    ws__inflate_destroy(f);
}

/* What libdeflate reads of bytes that were tampered with, zlib reads too: of these,
 * and of nearly all others (docs/compression.md). */
static void corrupt_messages_are_no_others_than_for_zlib(void **state)
{
    (void)state;
    enum { N = 300, CAP = 2000 };
    uint8_t *data = make_data(N), good[ROOM], out[CAP], same[CAP];
    struct ws__inflate *f = ws__inflate_make(0);
    uint32_t x = 1;
    int read = 0;

    for (int level = 0; level < 10; level++) {
        size_t n = zlib_message(level, data, N, good);
        for (int i = 0; i < 10000; i++) {
            uint8_t message[2 * N];
            size_t made;

            memcpy(message, good, n);
            for (uint32_t changes = 1 + (x >> 30); changes > 0; changes--) {
                x = x * 1664525 + 1013904223;
                message[(x >> 16) % n] ^= (uint8_t)(1 << (x >> 13) % 8);
            }
            size_t len = n - (x >> 8) % 4;
            if (!ws__inflate_whole(f, message, len, out, CAP, &made))
                continue;
            read++;
            assert_int_equal(zlib_reads(f, message, len, same, CAP), made);
            assert_memory_equal(out, same, made);
        }
    }
    assert_true(read > 1000);
    ws__inflate_destroy(f);
    ws__pool_fini(&buffers);
    free(data);
}

/* ---- In the reader ------------------------------------------------------ */

/* Read a compressed message by a server's reader, with another behind it. */
static enum ws__event read_framed(struct ws__reader *r, struct ws__buf *in,
                                  int type, const uint8_t *data, size_t n)
{
    static uint8_t message[ROOM];
    size_t made = zlib_message(6, data, n, message);
    struct ws__frame f = {
        .opcode = (uint8_t)type, .fin = true, .rsv1 = true, .len = made
    };

    r->client = r->compression = true;
    r->in_max = ROOM;
    r->buffers = &buffers;
    r->inflaters = &inflaters;
    assert_int_equal(ws__buf_lend(in, &buffers), 0);
    in->last += ws__frame_encode(&f, in->last);
    ws__buf_append(in, message, made);
    ws__buf_append(in, (const uint8_t *)"\x81\2hi", 4);
    enum ws__event event = WS__GO_ON;
    while (event == WS__GO_ON)
        event = ws__reader_next(r, in);
    return event;
}

static void give_back(struct ws__reader *r, struct ws__buf *in)
{
    ws__reader_fini(r);
    ws__buf_release(in, &buffers);
    ws__pool_fini(&buffers);
    ws__pool_fini(&inflaters);
}

static void the_reader_inflates_in_one_go_up_to_the_limit(void **state)
{
    (void)state;
    uint8_t *data = make_data(SIZE);

    for (size_t n = 4; n <= SIZE; n *= 4)
        for (int over = 0; over < 2; over++) {
            struct ws__reader r = { .limit = (int64_t)n - over };
            struct ws__buf in = { 0 };

            enum ws__event event = read_framed(&r, &in, WS_TEXT, data, n);
            if (over) {
                assert_int_equal(event, WS__FAILED);
                assert_int_equal(r.error, WS_ERR_TOO_BIG);
            } else {
                assert_int_equal(event, WS__MESSAGE);
                assert_int_equal(r.message.len, n);
                assert_memory_equal(r.message.data, data, n);
                assert_int_equal(r.message.data[n], '\0');
                assert_int_equal(ws__reader_next(&r, &in), WS__MESSAGE);
                assert_string_equal(r.message.data, "hi");
            }
            give_back(&r, &in);
        }
    free(data);
}

static void the_reader_inflates_what_does_not_fit_at_first(void **state)
{
    (void)state;
    size_t n = 1 << 20; /* far more than a buffer, of few bytes */
    uint8_t *data = calloc(1, n);
    struct ws__reader r = { .limit = -1 };
    struct ws__buf in = { 0 };

    assert_int_equal(read_framed(&r, &in, WS_BINARY, data, n), WS__MESSAGE);
    assert_int_equal(r.message.len, n);
    assert_memory_equal(r.message.data, data, n);
    give_back(&r, &in);
    free(data);
}

static void text_inflated_in_one_go_is_checked(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum ws__event event;
    } rows[] = {
        { "gr\xc3\xb6\xc3\x9f" /* größ */, WS__MESSAGE },
        { "gr\xc3", WS__FAILED },
        { "gr\xffnow", WS__FAILED },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ws__reader r = { .limit = -1 };
        struct ws__buf in = { 0 };
        const uint8_t *text = (const uint8_t *)rows[i].text;

        assert_int_equal(
            read_framed(&r, &in, WS_TEXT, text, strlen(rows[i].text)),
            rows[i].event);
        assert_int_equal(r.error,
                         rows[i].event == WS__FAILED ? WS_ERR_UTF8 : 0);
        give_back(&r, &in);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_zlib_made_is_inflated_in_one_go),
        cmocka_unit_test(the_endings_are_told_apart),
        cmocka_unit_test(corrupt_messages_are_no_others_than_for_zlib),
        cmocka_unit_test(the_reader_inflates_in_one_go_up_to_the_limit),
        cmocka_unit_test(the_reader_inflates_what_does_not_fit_at_first),
        cmocka_unit_test(text_inflated_in_one_go_is_checked),
    };

    return cmocka_run_group_tests_name("whole", tests, NULL, NULL);
}
