/* SPDX-License-Identifier: MIT */

#include "test.h"

#include "page_end.h"
#include "proto/header.h"

static void names_match_in_any_ascii_case(void **state)
{
    (void)state;
    static const ws_header h[] = {
        { "Host", "a" }, { "hOsT", "b" }, { "\xd6yster", "c" }, { 0 }
    };

    assert_string_equal(ws_header_get(h, "HOST"), "a");
    assert_null(ws_header_get(h, "hos"));
    assert_null(ws_header_get(h, "\xf6yster"));
    assert_null(ws_header_get(NULL, "host"));
    assert_null(ws_header_get(h, NULL));
    assert_int_equal(ws__header_count(h, "host"), 2);
    assert_int_equal(ws__header_count(h, "x"), 0);
}

static void a_token_is_found_in_a_list(void **state)
{
    (void)state;
    /* RFC 9110, section 5.6.1; a malformed element ends its line. */
    static const struct {
        const char *value;
        bool found;
    } rows[] = {
        { "WebSocket", 1 },
        { "WEBSOCKET", 1 },
        { "websocket", 1 },
        { "websockets", 0 },
        { "x websocket", 0 },
        { "websocket x", 0 },
        { "other,websocket,more", 1 },
        { "other, websocket, more", 1 },
        { ",,websocket", 1 },
        { "\tother\t,\twebsocket\t", 1 },
        { "websocket;x", 0 },
        { "x, websocket@", 0 },
        { "x@, websocket", 0 },
        { "websocket, x@", 1 },
        { "", 0 },
        { ",", 0 },
        { "\"websocket\"", 0 },
        { "web socket", 0 },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        const ws_header h[] = { { "Upgrade", rows[i].value }, { 0 } };
        const ws_header two[] = { { "upgrade", "@" },
                                  { "UPGRADE", rows[i].value },
                                  { 0 } };

        if (ws__header_has_token(h, "upgrade", "websocket") != rows[i].found)
            fail_msg("%s", rows[i].value);
        assert_int_equal(ws__header_has_token(two, "upgrade", "websocket"),
                         rows[i].found);
        assert_false(ws__header_has_token(h, "connection", "websocket"));
    }
}

/* Write what was read, as name;param=value, one extension after the other. */
static void write_params(const char *text, char *out)
{
    size_t n = strlen(text);
    struct ws__params p = { .rest = { at_page_end(text, n), n } };
    struct ws__str name, value;
    char buf[16];

    *out = '\0';
    while (ws__params_next_name(&p, &name)) {
        strncat(out, name.p, name.n);
        while (ws__params_next(&p, &name, &value, buf, sizeof(buf))) {
            strcat(out, ";");
            strncat(out, name.p, name.n);
            if (value.p) {
                strcat(out, "=");
                strncat(out, value.p, value.n);
            }
        }
        strcat(out, "|");
    }
    if (p.bad)
        strcat(out, "!");
}

static void extensions_are_read_with_their_parameters(void **state)
{
    (void)state;
    /* RFC 6455, section 9.1; '!' is where the field is malformed. */
    static const struct {
        const char *value, *read;
    } rows[] = {
        { "foo", "foo|" },
        { "foo, bar; baz=2", "foo|bar;baz=2|" },
        { "foo; bar=\"b,a;z\"", "foo;bar=b,a;z|" },
        { "foo ; bar = 1 ; baz", "foo;bar=1;baz|" },
        { "foo;bar=\"x\\\"y\\\\\"", "foo;bar=x\"y\\|" },
        { ",,foo,,", "foo|" },
        { "\tfoo\t;\tbar\t", "foo;bar|" },
        { "foo;bar=\"\"", "foo;bar=|" },
        { "", "" },
        { "foo bar", "!" },
        { "foo;bar baz, x", "foo|!" },
        { "foo;;bar", "foo|!" },
        { "foo;bar=", "foo|!" },
        { "foo;bar=\"x", "foo|!" },
        { "foo;bar=\"x\\", "foo|!" },
        { "foo;bar=\"x\"y", "foo|!" },
        { "foo;=1", "foo|!" },
        { "foo, ;", "foo|!" },
        { "a, \"b\"", "a|!" },
        { "foo;bar=\"longer than the buffer\", x",
          "foo;bar=longer than the |x|" },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        char out[128];

        write_params(rows[i].value, out);
        assert_string_equal(out, rows[i].read);
    }
}

static void every_prefix_is_read_without_going_beyond(void **state)
{
    (void)state;
    static const char text[] = "foo; a=\"b\\\"c\"; d, bar; e=f";
    char out[128], cut[sizeof(text)];

    for (size_t n = 0; n < sizeof(text); n++) {
        memcpy(cut, text, n);
        cut[n] = '\0';
        write_params(cut, out);
    }
    assert_string_equal(out, "foo;a=b\"c;d|bar;e=f|");
}

static void tokens_are_what_the_rfc_says(void **state)
{
    (void)state;
    static const char others[] = "\"(),/:;<=>?@[\\]{} \t\x7f\x80\xff";

    for (int c = 0; c < 256; c++) {
        bool token = c > ' ' && c < 0x7f && !strchr(others, c);
        assert_int_equal(ws__is_token_char((char)c), token);
    }
    assert_false(ws__is_token((struct ws__str){ "", 0 }));
    assert_true(ws__is_token(ws__str("a-b")));
    assert_false(ws__is_token(ws__str("a b")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_match_in_any_ascii_case),
        cmocka_unit_test(a_token_is_found_in_a_list),
        cmocka_unit_test(extensions_are_read_with_their_parameters),
        cmocka_unit_test(every_prefix_is_read_without_going_beyond),
        cmocka_unit_test(tokens_are_what_the_rfc_says),
    };

    return cmocka_run_group_tests_name("header", tests, NULL, NULL);
}
