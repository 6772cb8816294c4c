/* SPDX-License-Identifier: MIT */

/* examples/common/json over a connection. */

#include "json.h"
#include "pair.h"

static void values_go_there_and_back(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{\"name\":\"Jan\",\"emails\":[\"ja@newmarch.name\"]}",
        "[1,2.5,true,false,null]",
        "\"größer, 你好\"",
        "{}",
        "null",
    };
    ws_conn *server, *client;

    both(&server, &client, false);
    for (size_t i = 0; i < COUNT(texts); i++) {
        json_t *value = json_loads(texts[i], JSON_DECODE_ANY, NULL), *got;
        ws_message m;

        assert_int_equal(ws_send(client, &json_codec, value), 0);
        assert_int_equal(ws_receive(server, &json_codec, &got), 0);
        assert_true(json_equal(value, got));
        assert_int_equal(ws_send(server, &json_codec, got), 0);
        assert_int_equal(ws_read_message(client, &m), 0);
        assert_int_equal(m.type, WS_TEXT);
        assert_string_equal(m.data, texts[i]);
        json_decref(value);
        json_decref(got);
    }
    ws_close(server);
    ws_close(client);
}

static void refuse(ws_conn *server, ws_conn *client, const char *text, size_t n)
{
    json_t *got = NULL;

    assert_int_equal(ws_write_message(client, WS_BINARY, text, n), 0);
    if (ws_receive(server, &json_codec, &got) != WS_ERR_CODEC)
        fail_msg("taken: %s", text);
    assert_null(got);
}

static void malformed_messages_are_refused_and_the_next_is_read(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",         "{",           "{\"a\":1,}",
        "{'a':1}",  "{\"a\":1}{}", "{\"a\":1,\"a\":2}",
        "[1",       "nul",         "01",
        "\"\xff\"", "\"\\ud800\"", "\"\\u0000\"",
        "1e999",
    };
    ws_conn *server, *client;
    json_t *got;

    both(&server, &client, false);
    for (size_t i = 0; i < COUNT(rows); i++)
        refuse(server, client, rows[i], strlen(rows[i]));
    refuse(server, client, "{}\0{}", 5);
    assert_int_equal(ws_write_text(client, "[]"), 0);
    assert_int_equal(ws_receive(server, &json_codec, &got), 0);
    assert_true(json_is_array(got));
    json_decref(got);
    ws_close(server);
    ws_close(client);
}

/* Brackets, brackets in a string, and brackets that follow each other. */
static void nesting_is_bounded(void **state)
{
    (void)state;
    char text[2048];
    ws_conn *server, *client;
    json_t *got;

    both(&server, &client, false);
    for (size_t depth = 255; depth <= 257; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        if (depth > 256) {
            refuse(server, client, text, 2 * depth);
            continue;
        }
        assert_int_equal(ws_write_message(client, WS_TEXT, text, 2 * depth), 0);
        assert_int_equal(ws_receive(server, &json_codec, &got), 0);
        json_decref(got);
    }
    memset(text, '[', sizeof(text));
    memcpy(text, "\"\\\"", 3);
    text[sizeof(text) - 1] = '"';
    assert_int_equal(ws_write_message(client, WS_TEXT, text, sizeof(text)), 0);
    assert_int_equal(ws_receive(server, &json_codec, &got), 0);
    assert_int_equal(json_string_length(got), sizeof(text) - 3);
    json_decref(got);
    for (size_t i = 0; i < 300; i++)
        memcpy(text + 1 + 3 * i, "[],", 3);
    text[0] = '[';
    memcpy(text + 901, "1]", 2);
    assert_int_equal(ws_write_message(client, WS_TEXT, text, 903), 0);
    assert_int_equal(ws_receive(server, &json_codec, &got), 0);
    assert_int_equal(json_array_size(got), 301);
    json_decref(got);
    ws_close(server);
    ws_close(client);
}

static void what_is_no_json_is_not_sent(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);
    json_t *loop = json_array(), *inner = json_array();

    json_array_append_new(loop, inner);
    json_array_append(inner, loop);
    assert_int_equal(ws_send(c, &json_codec, loop), WS_ERR_CODEC);
    assert_int_equal(ws_send(c, &json_codec, NULL), WS_ERR_CODEC);
    assert_int_equal(ready(raw), 0);
    json_array_clear(inner);
    json_decref(loop);
    close(raw);
    ws_close(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_go_there_and_back),
        cmocka_unit_test(malformed_messages_are_refused_and_the_next_is_read),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(what_is_no_json_is_not_sent),
    };

    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
