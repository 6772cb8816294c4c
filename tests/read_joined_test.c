/* SPDX-License-Identifier: MIT */

#include "pair.h"
#include "mode.h"

static const char *const texts[] = { "hello", "", "big", "world", "" };

enum { TEXTS = 5 };

static void say_fragmented(int raw, const char *text)
{
    size_t n = strlen(text);

    say_frame(raw, WS_TEXT, true, text, n / 2);
    say_frame(raw, 0, true, "", 0);
    say_frame(raw, FIN | WS_PING, true, "between", 7);
    say_frame(raw, FIN, true, text + n / 2, n - n / 2);
}

/* Read until the end, n bytes at a time.  Returns the code of the end. */
static ptrdiff_t read_all(ws_conn *c, const char *term, size_t n, char *out)
{
    size_t at = 0;
    ptrdiff_t given;

    while ((given = ws_read_joined(c, term, out + at, n)) > 0) {
        assert_true((size_t)given <= n);
        at += (size_t)given;
    }
    out[at] = '\0';
    return given;
}

static void messages_come_as_one_stream(void **state)
{
    (void)state;
    static const struct {
        const char *term;
        const char *want;
    } rows[] = {
        { NULL, "hellobigworld" },
        { "", "hellobigworld" },
        { "|", "hello||big|world||" },
        { "<-->", "hello<--><-->big<-->world<--><-->" },
    };

    for (size_t i = 0; i < COUNT(rows); i++)
        for (size_t n = 1; n <= 8; n++) {
            char got[256];
            int raw;
            ws_conn *c = with_raw(&raw, NULL);

            for (int k = 0; k < TEXTS; k++)
                if (n % 2)
                    say_text(raw, texts[k]);
                else
                    say_fragmented(raw, texts[k]);
            say_frame(raw, FIN | WS_CLOSE, true, "\3\xe8", 2);
            assert_int_equal(read_all(c, rows[i].term, n, got), WS_ERR_CLOSED);
            assert_string_equal(got, rows[i].want);
            assert_int_equal(ws_read_joined(c, "", got, 1), WS_ERR_CLOSED);
            close(raw);
            ws_close(c);
        }
}

static void compressed_ones_as_well(void **state)
{
    (void)state;
    char *text = make_text(20000), *got = malloc(61004);
    ws_conn *server, *client;

    both(&server, &client, true);
    for (int i = 0; i < 3; i++)
        assert_int_equal(ws_write_text(client, text), 0);
    assert_int_equal(ws_write_close(client, 1000, NULL), 0);
    assert_int_equal(read_all(server, "\n", 1000, got), WS_ERR_CLOSED);
    assert_int_equal(strlen(got), 60003);
    for (size_t i = 0; i < 3; i++) {
        assert_memory_equal(got + i * 20001, text, 20000);
        assert_int_equal(got[i * 20001 + 20000], '\n');
    }
    free(got);
    free(text);
    ws_close(client);
    ws_close(server);
}

static void an_end_inside_a_message_has_no_terminator(void **state)
{
    (void)state;
    char got[64];
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    say_text(raw, "whole");
    say_frame(raw, WS_TEXT, true, "ha", 2);
    close(raw);
    assert_int_equal(read_all(c, "|", 4, got), WS_ERR_EOF);
    assert_string_equal(got, "whole|ha");
    assert_int_equal(ws_close_code(c), WS_CLOSE_ABNORMAL);
    ws_close(c);
}

static void a_timeout_at_every_byte_loses_nothing(void **state)
{
    (void)state;
    uint8_t bytes[64];
    char got[64];
    size_t len = 0, at = 0;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    len += make_frame(bytes, WS_TEXT, true, "ab", 2);
    len += make_frame(bytes + len, FIN, true, "cd", 2);
    len += make_frame(bytes + len, FIN | WS_TEXT, true, "", 0);
    len += make_frame(bytes + len, FIN | WS_BINARY, true, "ef", 2);
    ws_set_read_deadline(c, 1);
    for (size_t i = 0; i < len; i++) {
        ptrdiff_t given;
        say(raw, bytes + i, 1);
        while ((given = ws_read_joined(c, "--", got + at, 1)) > 0)
            at += (size_t)given;
        assert_int_equal(given, WS_ERR_TIMEOUT);
    }
    got[at] = '\0';
    assert_string_equal(got, "abcd----ef--");
    close(raw);
    ws_close(c);
}

static void it_goes_on_with_what_was_begun(void **state)
{
    (void)state;
    char got[64];
    ws_type type;
    ws_message m;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    say_text(raw, "begun");
    say_text(raw, "next");
    assert_int_equal(ws_next_reader(c, &type), 0);
    assert_int_equal(ws_read(c, got, 2), 2);
    assert_int_equal(ws_read_joined(c, "|", got, 64), 3);
    assert_memory_equal(got, "gun", 3);
    assert_int_equal(ws_read_joined(c, "|", got, 64), 1);
    assert_memory_equal(got, "|", 1);
    assert_int_equal(ws_read_message(c, &m), 0);
    assert_string_equal(m.data, "next");
    close(raw);
    ws_close(c);
}

static void nothing_to_read_into_is_invalid(void **state)
{
    (void)state;
    char got[8];
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    assert_int_equal(ws_read_joined(NULL, "", got, 1), WS_ERR_INVALID);
    assert_int_equal(ws_read_joined(c, "", NULL, 1), WS_ERR_INVALID);
    assert_int_equal(ws_read_joined(c, "", got, 0), WS_ERR_INVALID);
    close(raw);
    ws_close(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_come_as_one_stream),
        cmocka_unit_test(compressed_ones_as_well),
        cmocka_unit_test(an_end_inside_a_message_has_no_terminator),
        cmocka_unit_test(a_timeout_at_every_byte_loses_nothing),
        cmocka_unit_test(it_goes_on_with_what_was_begun),
        cmocka_unit_test(nothing_to_read_into_is_invalid),
    };

    return run_in_mode("joined", tests, NULL, NULL);
}
