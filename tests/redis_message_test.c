/* SPDX-License-Identifier: MIT */

#include "test.h"

#include "base/alloc.h"
#include "hub/redis_message.h"
#include "hub/redis_names.h"

static void a_payload_says_what_was_published(void **state)
{
    static const ws_publication all[] = {
        { .type = WS_TEXT, .data = "hello", .len = 5 },
        { .type = WS_BINARY, .data = "\0 \n", .len = 3, .key = "EUR/USD 1" },
        { .type = WS_TEXT, .data = "", .len = 0, .key = "k" },
        { .type = WS_BINARY },
    };
    struct ws__redis_key key;

    (void)state;
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
        struct ws__str payload = ws__redis_payload(&all[i]);
        ws_publication p = { .type = WS_TEXT };

        assert_non_null(payload.p);
        assert_true(ws__redis_payload_read(&p, payload, &key));
        assert_int_equal(p.type, all[i].type);
        assert_int_equal(p.len, all[i].len);
        if (p.len > 0)
            assert_memory_equal(p.data, all[i].data, p.len);
        assert_true(all[i].key ? strcmp(p.key, all[i].key) == 0 : !p.key);
        ws_free((void *)payload.p);
    }
}

static void a_payload_that_is_none_is_refused(void **state)
{
    static const char *const wrong[] = {
        "", "t", "t0", "x0 a", "t a", "t-1 a", "t5 a", "t256 a", "t1x a",
    };
    struct ws__redis_key key;
    ws_publication p;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        if (ws__redis_payload_read(&p, ws__str(wrong[i]), &key))
            fail_msg("\"%s\" was read", wrong[i]);
}

static void a_message_has_its_place_before_the_payload(void **state)
{
    static const char *const wrong[] = { "",    "1",    "1 2",    "0 2 t0 a",
                                         "1  ", "x 2 ", "1 x t0", " 1 2 " };
    struct ws__str payload;
    ws_place place;

    (void)state;
    assert_true(ws__redis_message_read(&place, &payload,
                                       ws__str("9007199254740991 12 t0 a b")));
    assert_true(place.epoch == 9007199254740991 && place.offset == 12);
    assert_true(ws__str_is(payload, "t0 a b"));
    assert_true(ws__redis_message_read(&place, &payload, ws__str("1 0 ")));
    assert_int_equal(payload.n, 0);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        if (ws__redis_message_read(&place, &payload, ws__str(wrong[i])))
            fail_msg("\"%s\" was read", wrong[i]);
}

/* In a cluster, what stands between the first '{' and the first '}' says where
 * a key is; nothing there would be all of it. */
static void all_keys_of_a_topic_have_one_hash_tag(void **state)
{
    static const char *const topics[][2] = {
        { "news", "ws:{news}" },   { "}", "ws:{%7D}" },
        { "a}b", "ws:{a%7Db}" },   { "{a}", "ws:{{a%7D}" },
        { "100%", "ws:{100%25}" }, { "%7D", "ws:{%257D}" },
        { "a:s", "ws:{a:s}" },
    };
    char topic[64];

    (void)state;
    for (size_t i = 0; i < sizeof(topics) / sizeof(*topics); i++) {
        struct ws__redis_names *n =
            ws__redis_names_new(ws__str("ws:"), ws__str(topics[i][0]));

        assert_true(ws__str_is(n->channel, topics[i][1]));
        assert_memory_equal(n->hash.p, n->channel.p, n->channel.n);
        assert_memory_equal(n->hash.p + n->channel.n, ":m", 2);
        assert_memory_equal(n->stream.p, n->channel.p, n->channel.n);
        assert_memory_equal(n->stream.p + n->channel.n, ":s", 2);
        size_t len = ws__redis_topic_of(ws__str("ws:"), n->channel, topic);
        assert_int_equal(len, strlen(topics[i][0]));
        assert_memory_equal(topic, topics[i][0], len);
        ws_free(n);
    }
}

static void a_channel_of_others_has_no_topic(void **state)
{
    static const char *const others[] = { "",       "ws:",   "ws:{}",
                                          "ws:{a",  "ws:a}", "other:{a}",
                                          "ws{a}:", "ws:[a]" };
    char topic[64];

    (void)state;
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
        assert_int_equal(
            ws__redis_topic_of(ws__str("ws:"), ws__str(others[i]), topic), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_payload_says_what_was_published),
        cmocka_unit_test(a_payload_that_is_none_is_refused),
        cmocka_unit_test(a_message_has_its_place_before_the_payload),
        cmocka_unit_test(all_keys_of_a_topic_have_one_hash_tag),
        cmocka_unit_test(a_channel_of_others_has_no_topic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
