/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <stdio.h>
#include <stdlib.h>

#include "page_end.h"
#include "proto/http_body.h"

#define LENGTH(v)                                                              \
    {                                                                          \
        { "Content-Length", v },                                               \
        {                                                                      \
            0                                                                  \
        }                                                                      \
    }
#define CODING(v)                                                              \
    {                                                                          \
        { "transfer-encoding", v },                                            \
        {                                                                      \
            0                                                                  \
        }                                                                      \
    }

static void the_fields_decide_how_a_body_is_framed(void **state)
{
    (void)state;
    /* RFC 9112, section 6. */
    static const struct {
        ws_header headers[4];
        int minor, fault;
        bool present, chunked;
        uint64_t left;
    } rows[] = {
        { { { 0 } }, 1, 0, 0, 0, 0 },
        { LENGTH("0"), 1, 0, 0, 0, 0 },
        { LENGTH("7"), 1, 0, 1, 0, 7 },
        { LENGTH("007"), 0, 0, 1, 0, 7 },
        { LENGTH("7, 7"), 1, 0, 1, 0, 7 },
        { { { "Content-Length", "7" }, { "content-length", "7" }, { 0 } },
          1,
          0,
          1,
          0,
          7 },
        { LENGTH("9223372036854775807"), 1, 0, 1, 0, INT64_MAX },
        { LENGTH("9223372036854775808"), 1, 400, 0, 0, 0 },
        { LENGTH("18446744073709551617"), 1, 400, 0, 0, 0 },
        { LENGTH(""), 1, 400, 0, 0, 0 },
        { LENGTH("+7"), 1, 400, 0, 0, 0 },
        { LENGTH("-7"), 1, 400, 0, 0, 0 },
        { LENGTH("0x7"), 1, 400, 0, 0, 0 },
        { LENGTH("7 7"), 1, 400, 0, 0, 0 },
        { LENGTH("7,"), 1, 400, 0, 0, 0 },
        { LENGTH("7, 8"), 1, 400, 0, 0, 0 },
        { { { "Content-Length", "7" }, { "content-length", "8" }, { 0 } },
          1,
          400,
          0,
          0,
          0 },
        { CODING("chunked"), 1, 0, 1, 1, 0 },
        { CODING("CHUNKED"), 1, 0, 1, 1, 0 },
        { CODING("gzip"), 1, 501, 0, 0, 0 },
        { CODING("gzip, chunked"), 1, 501, 0, 0, 0 },
        { CODING("chunked, chunked"), 1, 501, 0, 0, 0 },
        { CODING("chunked;x"), 1, 501, 0, 0, 0 },
        { CODING("xchunked"), 1, 501, 0, 0, 0 },
        { CODING("chunked"), 0, 400, 0, 0, 0 },
        { { { "Transfer-Encoding", "chunked" },
            { "Transfer-Encoding", "chunked" },
            { 0 } },
          1,
          400,
          0,
          0,
          0 },
        { { { "Transfer-Encoding", "chunked" },
            { "Content-Length", "7" },
            { 0 } },
          1,
          400,
          0,
          0,
          0 },
        { { { "Content-Length", "0" },
            { "Transfer-Encoding", "chunked" },
            { 0 } },
          1,
          400,
          0,
          0,
          0 },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ws__body b;
        int error = ws__body_init(&b, rows[i].headers, rows[i].minor);

        if (error != (rows[i].fault ? WS_ERR_HTTP : 0) ||
            b.fault != rows[i].fault)
            fail_msg("row %zu: %d, %s", i, error, b.text ? b.text : "");
        if (rows[i].fault)
            continue;
        assert_int_equal(b.present, rows[i].present);
        assert_int_equal(b.done, !rows[i].present);
        assert_int_equal(b.chunked, rows[i].chunked);
        assert_int_equal(b.left, rows[i].left);
    }
}

static const char chunked[] = "5;name=\"v\"\r\nhello\r\n"
                              "00a \t;x\ty\r\n, 0123456\r\r\n"
                              "0\r\nTrailer: x\r\nAnother: y\r\n\r\n";
static const char content[] = "hello, 0123456\r";

static void begin(struct ws__body *b)
{
    static const ws_header headers[] = CODING("chunked");

    assert_int_equal(ws__body_init(b, headers, 1), 0);
}

/* Feed up to n bytes.  Returns how many were used, or the error. */
static ptrdiff_t feed(struct ws__body *b, const char *p, size_t n, char *out,
                      size_t *len)
{
    size_t used = 0;
    ptrdiff_t k = 1;

    while (k > 0 && !b->done) {
        const char *data;
        size_t got;

        k = ws__body_next(b, at_page_end(p + used, n - used), n - used, &data,
                          &got);
        if (k < 0)
            return k;
        memcpy(out + *len, data, got);
        *len += got;
        used += (size_t)k;
    }
    return (ptrdiff_t)used;
}

static void every_prefix_of_chunks_asks_for_more(void **state)
{
    (void)state;
    for (size_t n = 0; n < sizeof(chunked) - 1; n++) {
        struct ws__body b;
        char out[64];
        size_t len = 0;

        begin(&b);
        assert_int_equal(feed(&b, chunked, n, out, &len), (int)n);
        assert_false(b.done);
    }
}

static void every_chunking_gives_the_same_body(void **state)
{
    (void)state;
    size_t n = sizeof(chunked) - 1;

    for (size_t step = 1; step <= n; step++) {
        struct ws__body b;
        char out[64];
        size_t len = 0, at = 0;

        begin(&b);
        while (!b.done) {
            size_t k = n - at < step ? n - at : step;
            assert_int_equal(feed(&b, chunked + at, k, out, &len), (int)k);
            at += k;
        }
        assert_int_equal(at, n);
        assert_int_equal(len, strlen(content));
        assert_memory_equal(out, content, len);
    }
}

static void a_body_ends_where_its_length_says(void **state)
{
    (void)state;
    static const ws_header headers[] = LENGTH("5");
    struct ws__body b;
    char out[8];
    size_t len = 0;

    assert_int_equal(ws__body_init(&b, headers, 1), 0);
    assert_int_equal(feed(&b, "hel", 3, out, &len), 3);
    assert_false(b.done);
    assert_int_equal(feed(&b, "loGET", 5, out, &len), 2);
    assert_true(b.done);
    assert_memory_equal(out, "hello", 5);
}

static void malformed_chunks_are_refused(void **state)
{
    (void)state;
    /* RFC 9112, section 7.1. */
    static const char *const rows[] = {
        "\r\n",
        "g\r\n",
        "-1\r\n",
        ";x\r\n",
        "5\nhello",
        "5\r\rhello",
        "5\r\nhelloX",
        "5\r\nhello\rX",
        "5\r\nhello\n",
        "fffffffffffffffff\r\n",
        "8000000000000000\r\n",
        "0x5\r\n",
        "5;\x01\r\n",
        "5;\x7f\r\n",
        "5 5\r\n",
        "5 x\r\n",
        "5\t \n",
        "0\r\nX\x01\r\n",
        "0\r\nX: y\n",
        "0\r\n\rX",
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ws__body b;
        char out[64];
        size_t len = 0;

        begin(&b);
        if (feed(&b, rows[i], strlen(rows[i]), out, &len) != WS_ERR_HTTP)
            fail_msg("taken: %s", rows[i]);
        assert_int_equal(b.fault, 400);
        assert_int_equal(feed(&b, "0\r\n\r\n", 5, out, &len), WS_ERR_HTTP);
    }
}

static void what_stands_between_chunks_is_limited(void **state)
{
    (void)state;
    char *p = malloc(5000);
    char out[8];

    memset(p, 'x', 5000);
    for (int trailer = 0; trailer < 2; trailer++) {
        struct ws__body b;
        size_t len = 0;

        begin(&b);
        memcpy(p, trailer ? "0\r\n" : "5; ", 3);
        assert_int_equal(feed(&b, p, 4000, out, &len), 4000);
        assert_int_equal(feed(&b, p, 5000, out, &len), WS_ERR_HTTP);
        assert_int_equal(b.fault, 413);
    }
    free(p);
}

/* Chunks of n bytes, each with ext bytes behind its size.  Returns how many are
 * taken, at most 10,000. */
static int chunks_taken(size_t n, size_t ext)
{
    char chunk[1024], out[1024];
    struct ws__body b;
    int taken = -1;
    size_t size = (size_t)sprintf(chunk, "%03zx", n);

    if (ext > 0)
        chunk[size++] = ';';
    memset(chunk + size, 'x', ext);
    size += ext;
    memcpy(chunk + size, "\r\n", 2);
    memset(chunk + size + 2, 'd', n);
    memcpy(chunk + size + 2 + n, "\r\n", 2);
    begin(&b);
    for (ptrdiff_t k = 1; k > 0 && taken < 10000; taken++) {
        size_t len = 0;
        k = feed(&b, chunk, size + n + 4, out, &len);
    }
    assert_int_equal(b.fault, taken < 10000 ? 413 : 0);
    return taken;
}

/* The same for a whole body: some send a signature with each chunk. */
static void what_stands_between_all_chunks_is_limited(void **state)
{
    (void)state;
    assert_int_equal(chunks_taken(1, 0), 10000);
    assert_int_equal(chunks_taken(1, 8), 10000);
    assert_int_equal(chunks_taken(512, 400), 10000);
    assert_in_range(chunks_taken(1, 400), 38, 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_fields_decide_how_a_body_is_framed),
        cmocka_unit_test(every_prefix_of_chunks_asks_for_more),
        cmocka_unit_test(every_chunking_gives_the_same_body),
        cmocka_unit_test(a_body_ends_where_its_length_says),
        cmocka_unit_test(malformed_chunks_are_refused),
        cmocka_unit_test(what_stands_between_chunks_is_limited),
        cmocka_unit_test(what_stands_between_all_chunks_is_limited),
    };

    return cmocka_run_group_tests_name("http_body", tests, NULL, NULL);
}
