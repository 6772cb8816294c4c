/* SPDX-License-Identifier: MIT */

#include "pair.h"
#include "mode.h"

#include <stdio.h>

/* ---- A codec: a number as text ------------------------------------------ */

static int released;

static void release(void *data)
{
    released++;
    free(data);
}

static int marshal(const void *value, ws_type *type, char **data, size_t *len)
{
    const int *number = value;

    (void)type;
    if (*number < 0)
        return WS_ERR_CODEC;
    *data = malloc(16);
    *len = (size_t)snprintf(*data, 16, "%d", *number);
    return 0;
}

static int marshal_binary(const void *value, ws_type *type, char **data,
                          size_t *len)
{
    *type = WS_BINARY;
    return marshal(value, type, data, len);
}

static int marshal_nothing(const void *value, ws_type *type, char **data,
                           size_t *len)
{
    (void)value;
    (void)type;
    (void)data;
    (void)len;
    return 0;
}

static int unmarshal(const ws_message *m, void *value)
{
    return sscanf(m->data, "%d", (int *)value) == 1 ? 0 : WS_ERR_CODEC;
}

static const ws_codec number = { marshal, unmarshal, release };
static const ws_codec freed = { marshal_binary, unmarshal, NULL };
static const ws_codec nothing = { marshal_nothing, unmarshal, NULL };

/* ------------------------------------------------------------------------- */

static void hear_message(int raw, uint8_t first, const char *text)
{
    struct heard h;

    assert_true(hear_frame(raw, &h));
    assert_int_equal(h.first, first);
    assert_string_equal(h.payload, text);
    free(h.payload);
}

static void values_go_and_come(void **state)
{
    (void)state;
    ws_conn *server, *client;

    released = 0;
    both(&server, &client, false);
    for (int i = 0; i < 5; i++) {
        int got = -1;
        assert_int_equal(ws_send(client, &number, &i), 0);
        assert_int_equal(released, i + 1);
        assert_int_equal(ws_receive(server, &number, &got), 0);
        assert_int_equal(got, i);
    }
    ws_close(client);
    ws_close(server);
}

static void marshal_chooses_the_type(void **state)
{
    (void)state;
    const int value = 42;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    assert_int_equal(ws_send(c, &number, &value), 0);
    hear_message(raw, FIN | WS_TEXT, "42");
    assert_int_equal(ws_send(c, &freed, &value), 0);
    hear_message(raw, FIN | WS_BINARY, "42");
    assert_int_equal(ws_send(c, &nothing, &value), 0);
    hear_message(raw, FIN | WS_TEXT, "");
    close(raw);
    ws_close(c);
}

static void a_refused_value_is_not_sent(void **state)
{
    (void)state;
    const int bad = -1, good = 7;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    released = 0;
    assert_int_equal(ws_send(c, &number, &bad), WS_ERR_CODEC);
    assert_int_equal(released, 0);
    assert_int_equal(ready(raw), 0);
    assert_int_equal(ws_conn_error(c)->code, 0);
    assert_int_equal(ws_send(c, &number, &good), 0);
    hear_message(raw, FIN | WS_TEXT, "7");
    close(raw);
    ws_close(c);
}

static void a_refused_message_is_gone_and_the_next_one_comes(void **state)
{
    (void)state;
    int raw, got = 0;
    ws_conn *c = with_raw(&raw, NULL);

    say_text(raw, "seven");
    say_frame(raw, WS_TEXT, true, "1", 1);
    say_frame(raw, FIN, true, "23", 2);
    assert_int_equal(ws_receive(c, &number, &got), WS_ERR_CODEC);
    assert_int_equal(ws_conn_error(c)->code, 0);
    assert_int_equal(ws_receive(c, &number, &got), 0);
    assert_int_equal(got, 123);
    close(raw);
    ws_close(c);
}

static void what_ends_the_connection_is_told(void **state)
{
    (void)state;
    const int value = 1;
    int raw, got = 0;
    ws_conn *c = with_raw(&raw, NULL);

    released = 0;
    say_frame(raw, FIN | WS_CLOSE, true, "\3\xe8", 2);
    assert_int_equal(ws_receive(c, &number, &got), WS_ERR_CLOSED);
    assert_int_equal(ws_send(c, &number, &value), WS_ERR_CLOSE_SENT);
    assert_int_equal(released, 1);
    close(raw);
    ws_close(c);
}

static void half_a_codec_is_invalid_the_other_way(void **state)
{
    (void)state;
    const ws_codec out = { .marshal = marshal },
                   in = { .unmarshal = unmarshal };
    int raw, value = 1;
    ws_conn *c = with_raw(&raw, NULL);

    assert_int_equal(ws_send(c, &in, &value), WS_ERR_INVALID);
    assert_int_equal(ws_receive(c, &out, &value), WS_ERR_INVALID);
    assert_int_equal(ws_send(c, NULL, &value), WS_ERR_INVALID);
    assert_int_equal(ws_receive(c, NULL, &value), WS_ERR_INVALID);
    assert_int_equal(ws_send(NULL, &number, &value), WS_ERR_INVALID);
    assert_int_equal(ws_receive(NULL, &number, &value), WS_ERR_INVALID);
    assert_int_equal(ready(raw), 0);
    close(raw);
    ws_close(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_go_and_come),
        cmocka_unit_test(marshal_chooses_the_type),
        cmocka_unit_test(a_refused_value_is_not_sent),
        cmocka_unit_test(a_refused_message_is_gone_and_the_next_one_comes),
        cmocka_unit_test(what_ends_the_connection_is_told),
        cmocka_unit_test(half_a_codec_is_invalid_the_other_way),
    };

    return run_in_mode("codec", tests, NULL, NULL);
}
