/* SPDX-License-Identifier: MIT */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "test.h"

#include "alloc_fail.h"
#include "redis/codec.h"

/* As one line: what a client of tests/redis prints, too. */
static void write_reply(char *out, size_t cap, const struct ws__redis_reply *r)
{
    static const char marks[] = { [WS__REDIS_STRING] = '$',
                                  [WS__REDIS_STATUS] = '+',
                                  [WS__REDIS_ERROR] = '-' };

    switch (r->type) {
    case WS__REDIS_STRING:
    case WS__REDIS_STATUS:
    case WS__REDIS_ERROR:
        assert_int_equal(r->str[r->len], '\0');
        snprintf(out, cap, "%c%s", marks[r->type], r->str);
        break;
    case WS__REDIS_INTEGER:
        snprintf(out, cap, ":%lld", r->integer);
        break;
    case WS__REDIS_NIL:
        snprintf(out, cap, "nil");
        break;
    case WS__REDIS_ARRAY:
        snprintf(out, cap, "[");
        for (size_t i = 0; i < r->elements; i++) {
            size_t n = strlen(out);
            snprintf(out + n, cap - n, i == 0 ? "" : " ");
            n = strlen(out);
            write_reply(out + n, cap - n, r->element[i]);
        }
        snprintf(out + strlen(out), cap - strlen(out), "]");
    }
}

static const struct {
    const char *bytes;
    const char *reply;
} replies[] = {
    { "+OK\r\n", "+OK" },
    { "-NOSCRIPT No matching script.\r\n", "-NOSCRIPT No matching script." },
    { ":0\r\n", ":0" },
    { ":-9223372036854775808\r\n", ":-9223372036854775808" },
    { "$5\r\nhello\r\n", "$hello" },
    { "$0\r\n\r\n", "$" },
    { "$4\r\na\r\nb\r\n", "$a\r\nb" },
    { "$-1\r\n", "nil" },
    { "*-1\r\n", "nil" },
    { "*0\r\n", "[]" },
    { "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n", "[$message $c $hi]" },
    { "*2\r\n*2\r\n:1\r\n$-1\r\n*1\r\n+x\r\n", "[[:1 nil] [+x]]" },
    { "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:7\r\n", "[[[[[[[:7]]]]]]]" },
};

static struct ws__redis_reply *next(struct ws__redis_reader *r)
{
    struct ws__redis_reply *reply;
    ws_error err = { 0 };

    if (ws__redis_reader_next(r, &reply, &err) != 0)
        fail_msg("%s", err.text);
    return reply;
}

static void expect(struct ws__redis_reply *reply, const char *text)
{
    char out[256];

    assert_non_null(reply);
    write_reply(out, sizeof(out), reply);
    assert_string_equal(out, text);
    ws__redis_reply_free(reply);
}

static void every_chunking_gives_the_same_reply(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(replies); i++) {
        size_t n = strlen(replies[i].bytes);

        for (size_t chunk = 1; chunk <= n; chunk++) {
            struct ws__redis_reader *r = ws__redis_reader_new();

            for (size_t at = 0; at < n; at += chunk) {
                size_t part = n - at < chunk ? n - at : chunk;

                assert_null(next(r));
                assert_int_equal(
                    ws__redis_reader_feed(r, replies[i].bytes + at, part), 0);
            }
            expect(next(r), replies[i].reply);
            assert_null(next(r));
            ws__redis_reader_free(r);
        }
    }
}

static void replies_come_one_by_one(void **state)
{
    struct ws__redis_reader *r = ws__redis_reader_new();

    (void)state;
    for (int round = 0; round < 300; round++)
        for (size_t i = 0; i < COUNT(replies); i++)
            ws__redis_reader_feed(r, replies[i].bytes,
                                  strlen(replies[i].bytes));
    for (int round = 0; round < 300; round++)
        for (size_t i = 0; i < COUNT(replies); i++)
            expect(next(r), replies[i].reply);
    assert_null(next(r));
    ws__redis_reader_free(r);
}

/* What breaks RESP 2 or a limit, and what is said of it. */
static const struct {
    const char *bytes;
    const char *said;
} malformed[] = {
    { "HTTP/1.1 400 Bad Request\r\n", "got \"H\" as reply type byte" },
    { "\r\n", "as reply type byte" },
    { ":x\r\n", "Bad integer" },
    { ":9223372036854775808\r\n", "Bad integer" },
    { "$x\r\n", "Bad bulk string length" },
    { "$-2\r\n", "ulk string length out of range" },
    { "*x\r\n", "Bad multi-bulk length" },
    { "*-2\r\n", "ulti-bulk length out of range" },
    { "*1048577\r\n", "more than 1048576 elements" },
    { "*2147483647\r\n", "more than 1048576 elements" },
    { "*2\r\n*1048575\r\n", "more than 1048576 elements" },
    { "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:7\r\n", "7" },
};

static void what_is_malformed_is_refused_for_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(malformed); i++) {
        struct ws__redis_reader *r = ws__redis_reader_new();

        ws__redis_reader_feed(r, malformed[i].bytes,
                              strlen(malformed[i].bytes));
        for (int again = 0; again < 2; again++) {
            struct ws__redis_reply *reply;
            ws_error err = { 0 };

            assert_int_equal(ws__redis_reader_next(r, &reply, &err),
                             WS_ERR_REDIS);
            assert_null(reply);
            if (!strstr(err.text, malformed[i].said))
                fail_msg("%s: %s", malformed[i].bytes, err.text);
            ws__redis_reader_feed(r, "+OK\r\n", 5);
        }
        ws__redis_reader_free(r);
    }
}

static void an_announced_length_takes_no_memory(void **state)
{
    static const char *const lengths[] = { "*1048576\r\n", "$1000000000\r\n",
                                           "*2\r\n*1000000\r\n" };

    (void)state;
    for (size_t i = 0; i < COUNT(lengths); i++) {
        struct ws__redis_reader *r = ws__redis_reader_new();
        long before = alloc_live_bytes();

        ws__redis_reader_feed(r, lengths[i], strlen(lengths[i]));
        assert_null(next(r));
        assert_true(alloc_live_bytes() - before < 1024);
        ws__redis_reader_free(r);
    }
    assert_int_equal(alloc_live(), 0);
}

/* Fed in blocks until it refuses.  Returns how many bytes it took. */
static size_t feed_until_refused(struct ws__redis_reader *r, const char *begin,
                                 char filling, const char *said)
{
    enum { BLOCK = 16 * 1024 * 1024 };
    char *block = malloc(BLOCK);
    ws_error err = { 0 };
    size_t n = 0;
    int code = 0;

    assert_non_null(block);
    memset(block, filling, BLOCK);
    ws__redis_reader_feed(r, begin, strlen(begin));
    while (code == 0 && n < 2 * (size_t)WS__REDIS_REPLY_MAX) {
        struct ws__redis_reply *reply;

        assert_int_equal(ws__redis_reader_feed(r, block, BLOCK), 0);
        n += BLOCK;
        code = ws__redis_reader_next(r, &reply, &err);
        assert_null(reply);
    }
    free(block);
    assert_int_equal(code, WS_ERR_REDIS);
    assert_non_null(strstr(err.text, said));
    return n;
}

static void a_line_has_its_limit(void **state)
{
    struct ws__redis_reader *r = ws__redis_reader_new();

    (void)state;
    assert_true(feed_until_refused(r, "+", 'x', "more than 64 KiB") <
                WS__REDIS_REPLY_MAX);
    ws__redis_reader_free(r);
}

static void a_string_has_its_limit(void **state)
{
    struct ws__redis_reader *r = ws__redis_reader_new();

    (void)state;
    feed_until_refused(r, "$999999999\r\n", 'x', "more than 64 MiB");
    ws__redis_reader_free(r);
}

static void all_strings_of_a_reply_have_one_limit(void **state)
{
    enum { SIZE = 16 * 1024 * 1024, N = 5 };
    struct ws__redis_reader *r = ws__redis_reader_new();
    char *text = malloc(SIZE);
    struct ws__redis_reply *reply;
    ws_error err = { 0 };
    int code = 0;

    (void)state;
    assert_non_null(text);
    memset(text, 'x', SIZE);
    ws__redis_reader_feed(r, "*5\r\n", 4);
    for (int i = 0; i < N && code == 0; i++) {
        ws__redis_reader_feed(r, "$16777216\r\n", 11);
        ws__redis_reader_feed(r, text, SIZE);
        ws__redis_reader_feed(r, "\r\n", 2);
        code = ws__redis_reader_next(r, &reply, &err);
    }
    free(text);
    assert_int_equal(code, WS_ERR_REDIS);
    assert_non_null(strstr(err.text, "more than 64 MiB"));
    ws__redis_reader_free(r);
    assert_int_equal(alloc_live(), 0);
}

/* Two replies of so many elements are not one of twice as many. */
static void the_limits_begin_anew_with_each_reply(void **state)
{
    static const char head[] = "*600000\r\n";
    struct ws__redis_reader *r = ws__redis_reader_new();
    char block[4 * 10000];

    (void)state;
    for (size_t at = 0; at < sizeof(block); at += 4)
        memcpy(block + at, ":7\r\n", 4);
    ws__redis_reader_feed(r, head, sizeof(head) - 1);
    for (int i = 0; i < 60; i++)
        ws__redis_reader_feed(r, block, sizeof(block));
    struct ws__redis_reply *reply = next(r);
    assert_non_null(reply);
    assert_int_equal(reply->elements, 600000);
    ws__redis_reply_free(reply);

    ws__redis_reader_feed(r, head, sizeof(head) - 1);
    assert_null(next(r));
    ws__redis_reader_free(r);
}

static void every_failed_allocation_is_survived(void **state)
{
    static const char bytes[] =
        "*3\r\n$1\r\na\r\n*3\r\n:1\r\n+x\r\n-e\r\n$-1\r\n";
    bool failed = true;

    (void)state;
    for (long at = 1; failed; at++) {
        struct ws__redis_reply *reply = NULL;

        alloc_fail_at(at);
        struct ws__redis_reader *r = ws__redis_reader_new();
        if (r) {
            ws__redis_reader_feed(r, bytes, sizeof(bytes) - 1);
            int code = ws__redis_reader_next(r, &reply, NULL);
            assert_int_equal(code, alloc_failed() ? -ENOMEM : 0);
        }
        failed = alloc_failed();
        alloc_fail_at(0);
        ws__redis_reply_free(reply);
        ws__redis_reader_free(r);
        assert_int_equal(alloc_live(), 0);
    }
}

static void a_command_is_written_with_the_length_of_each_word(void **state)
{
    const struct ws__str words[] = {
        ws__str("SET"), { "a\r\nb", 4 }, ws__str(""), { "\0", 1 }
    };
    static const char expected[] =
        "*4\r\n$3\r\nSET\r\n$4\r\na\r\nb\r\n$0\r\n\r\n"
        "$1\r\n\0\r\n";
    char *bytes;
    size_t n;

    (void)state;
    assert_int_equal(
        ws__redis_format(&(struct ws__redis_command){ .n = 4, .words = words },
                         &bytes, &n),
        0);
    assert_int_equal(n, sizeof(expected) - 1);
    assert_memory_equal(bytes, expected, n);
    ws__redis_format_free(bytes);
}

static void a_command_has_its_limits(void **state)
{
    struct ws__str words[WS__REDIS_WORDS + 1];
    char *bytes;
    size_t n;

    (void)state;
    for (int i = 0; i <= WS__REDIS_WORDS; i++)
        words[i] = ws__str("x");
    struct ws__redis_command c = { .n = WS__REDIS_WORDS + 1, .words = words };
    assert_int_equal(ws__redis_format(&c, &bytes, &n), WS_ERR_INVALID);
    c.n = 0;
    assert_int_equal(ws__redis_format(&c, &bytes, &n), WS_ERR_INVALID);

    /* Nothing is read of them. */
    words[1].n = WS__REDIS_COMMAND_MAX;
    c.n = 2;
    assert_int_equal(ws__redis_format(&c, &bytes, &n), WS_ERR_TOO_BIG);
    words[1].n = SIZE_MAX;
    assert_int_equal(ws__redis_format(&c, &bytes, &n), WS_ERR_TOO_BIG);
    c.n = WS__REDIS_WORDS;
    words[1].n = 1;
    assert_int_equal(ws__redis_format(&c, &bytes, &n), 0);
    ws__redis_format_free(bytes);
}

static void what_a_reply_says_is_read_from_any(void **state)
{
    struct ws__redis_reader *r = ws__redis_reader_new();
    static const char bytes[] = "*5\r\n$2\r\n42\r\n:7\r\n+x1\r\n-ERR no\r\n$-1"
                                "\r\n";

    (void)state;
    ws__redis_reader_feed(r, bytes, sizeof(bytes) - 1);
    struct ws__redis_reply *reply = next(r);
    assert_int_equal(ws__redis_reply_number(ws__redis_reply_at(reply, 0)), 42);
    assert_int_equal(ws__redis_reply_number(ws__redis_reply_at(reply, 1)), 7);
    for (size_t i = 2; i < 7; i++)
        assert_true(ws__redis_reply_number(ws__redis_reply_at(reply, i)) < 0);
    assert_int_equal(ws__redis_reply_str(reply).n, 0);
    assert_null(ws__redis_reply_at(ws__redis_reply_at(reply, 0), 0));
    assert_true(ws__redis_reply_is_error(ws__redis_reply_at(reply, 3), "ERR"));
    assert_false(ws__redis_reply_is_error(ws__redis_reply_at(reply, 3), "ER"));
    assert_false(ws__redis_reply_is_error(ws__redis_reply_at(reply, 2), "x1"));
    assert_false(ws__redis_reply_is_error(NULL, "x1"));
    ws__redis_reply_free(reply);
    ws__redis_reader_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_chunking_gives_the_same_reply),
        cmocka_unit_test(replies_come_one_by_one),
        cmocka_unit_test(what_is_malformed_is_refused_for_good),
        cmocka_unit_test(an_announced_length_takes_no_memory),
        cmocka_unit_test(a_line_has_its_limit),
        cmocka_unit_test(a_string_has_its_limit),
        cmocka_unit_test(all_strings_of_a_reply_have_one_limit),
        cmocka_unit_test(the_limits_begin_anew_with_each_reply),
        cmocka_unit_test(every_failed_allocation_is_survived),
        cmocka_unit_test(a_command_is_written_with_the_length_of_each_word),
        cmocka_unit_test(a_command_has_its_limits),
        cmocka_unit_test(what_a_reply_says_is_read_from_any),
    };

    alloc_fail_install();
    return cmocka_run_group_tests_name("redis_codec", tests, NULL, NULL);
}
