/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <stdio.h>
#include <stdlib.h>

#include "redis/codec.h"
#include "redis/slot.h"

/* As redis-server says by CLUSTER KEYSLOT. */
static const struct {
    const char *key;
    int slot;
} slots[] = {
    { "", 0 },
    { "123456789", 0x31c3 },
    { "k1", 12706 },
    { "foo", 12182 },
    { "{foo}", 12182 },
    { "a{foo}b", 12182 },
    { "{foo}{bar}", 12182 },
    { "foo{}{bar}", 8363 },
    { "foo{{bar}}zap", 4015 },
    { "foo{bar}{zap}", 5061 },
    { "bar", 5061 },
    { "{bar", 4015 },
};

static void a_key_has_the_slot_that_redis_gives_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(slots); i++)
        if (ws__redis_slot(ws__str(slots[i].key)) != slots[i].slot)
            fail_msg("%s: %d", slots[i].key,
                     ws__redis_slot(ws__str(slots[i].key)));
}

static struct ws__redis_reply *reply_of(const char *text)
{
    struct ws__redis_reader *r = ws__redis_reader_new();
    struct ws__redis_reply *reply;

    ws__redis_reader_feed(r, text, strlen(text));
    assert_int_equal(ws__redis_reader_next(r, &reply, NULL), 0);
    assert_non_null(reply);
    ws__redis_reader_free(r);
    return reply;
}

static const struct ws__redis_host from = { .name = "asked", .port = "1" };

static void a_redirection_names_a_slot_and_a_host(void **state)
{
    static const struct {
        const char *text;
        const char *to; /* NULL: it is none */
    } rows[] = {
        { "-MOVED 3999 127.0.0.1:6381\r\n", "127.0.0.1:6381" },
        { "-MOVED 3999 ::1:6381\r\n", "[::1]:6381" },
        { "-MOVED 3999 redis.test:6381\r\n", "redis.test:6381" },
        { "-MOVED 3999 :6381\r\n", "asked:6381" },
        { "-MOVED 16383 a:1 more\r\n", "a:1" },
        { "-MOVED\r\n", NULL },
        { "-MOVED 3999\r\n", NULL },
        { "-MOVED 16384 a:1\r\n", NULL },
        { "-MOVED x a:1\r\n", NULL },
        { "-MOVED 3999 a\r\n", NULL },
        { "-MOVED 3999 a:\r\n", NULL },
        { "-MOVED 3999 a:0\r\n", NULL },
        { "-MOVED 3999 a:65536\r\n", NULL },
        { "-MOVED 3999 \x7f:1\r\n", NULL },
        { "-ASK 3999 a:1\r\n", NULL },
        { "+MOVED 3999 a:1\r\n", NULL },
        { ":3999\r\n", NULL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ws__redis_reply *reply = reply_of(rows[i].text);
        char text[WS__REDIS_HOST_LEN];
        struct ws__redis_host to;
        int slot;

        bool is = ws__redis_redirect(reply, "MOVED", &from, &slot, &to);
        if (is != (rows[i].to != NULL))
            fail_msg("%s", rows[i].text);
        if (is)
            assert_string_equal(ws__redis_host_text(text, &to), rows[i].to);
        ws__redis_reply_free(reply);
    }
}

static void a_range_has_bounds_and_a_master(void **state)
{
    static const char text[] =
        "*12\r\n"
        "*4\r\n:0\r\n:10\r\n*2\r\n$1\r\na\r\n:1\r\n*2\r\n$1\r\nb\r\n:2\r\n"
        "*3\r\n:16383\r\n:16383\r\n*3\r\n$0\r\n\r\n:1\r\n$2\r\nid\r\n"
        "*3\r\n:5\r\n:5\r\n*2\r\n$-1\r\n:7\r\n"
        /* and what is none */
        "*3\r\n:5\r\n:4\r\n*2\r\n$1\r\na\r\n:1\r\n"
        "*3\r\n:5\r\n:16384\r\n*2\r\n$1\r\na\r\n:1\r\n"
        "*3\r\n:-5\r\n:5\r\n*2\r\n$1\r\na\r\n:1\r\n"
        "*3\r\n:5\r\n:5\r\n*2\r\n$1\r\na\r\n:0\r\n"
        "*3\r\n:5\r\n:5\r\n*2\r\n$1\r\na\r\n:65536\r\n"
        "*3\r\n:5\r\n:5\r\n*2\r\n$1\r\n\n\r\n:1\r\n"
        "*2\r\n:5\r\n:5\r\n"
        "*0\r\n"
        ":5\r\n";
    static const char *const masters[] = { "a:1", "asked:1", "asked:7" };
    struct ws__redis_reply *reply = reply_of(text);

    (void)state;
    for (size_t i = 0; i < 14; i++) {
        char host[WS__REDIS_HOST_LEN];
        struct ws__redis_range range;

        assert_int_equal(ws__redis_range(reply, i, &from, &range), i < 3);
        if (i < 3)
            assert_string_equal(ws__redis_host_text(host, &range.master),
                                masters[i]);
    }
    ws__redis_reply_free(reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_has_the_slot_that_redis_gives_it),
        cmocka_unit_test(a_redirection_names_a_slot_and_a_host),
        cmocka_unit_test(a_range_has_bounds_and_a_master),
    };

    return cmocka_run_group_tests_name("redis_slot", tests, NULL, NULL);
}
