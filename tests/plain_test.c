/* SPDX-License-Identifier: MIT */

/* examples/common/plain over a connection. */

#include "pair.h"
#include "plain.h"

static void text_and_bytes_go_there_and_back(void **state)
{
    (void)state;
    static char bytes[] = { 0, 1, (char)0xff, 0, 2 };
    static const ws_message rows[] = {
        { .type = WS_TEXT, .data = (char *)"größer", .len = 8 },
        { .type = WS_TEXT, .data = (char *)"", .len = 0 },
        { .type = WS_BINARY, .data = bytes, .len = sizeof(bytes) },
    };
    ws_conn *server, *client;

    both(&server, &client, false);
    for (size_t i = 0; i < COUNT(rows); i++) {
        ws_message got;

        assert_int_equal(ws_send(client, &plain_codec, &rows[i]), 0);
        assert_int_equal(ws_receive(server, &plain_codec, &got), 0);
        assert_int_equal(got.type, rows[i].type);
        assert_int_equal(got.len, rows[i].len);
        assert_memory_equal(got.data, rows[i].data, got.len);
        assert_int_equal(got.data[got.len], '\0');
        free(got.data);
    }
    ws_close(server);
    ws_close(client);
}

static void what_is_no_data_is_not_sent(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);
    const ws_message ping = { .type = WS_PING, .data = (char *)"", .len = 0 };
    const ws_message zero = { 0 };

    assert_int_equal(ws_send(c, &plain_codec, &ping), WS_ERR_CODEC);
    assert_int_equal(ws_send(c, &plain_codec, &zero), WS_ERR_CODEC);
    assert_int_equal(ready(raw), 0);
    close(raw);
    ws_close(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_and_bytes_go_there_and_back),
        cmocka_unit_test(what_is_no_data_is_not_sent),
    };

    return cmocka_run_group_tests_name("plain", tests, NULL, NULL);
}
