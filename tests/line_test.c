/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <errno.h>
#include <stdio.h>

#include "base/error.h"
#include "base/line.h"
#include "base/log.h"
#include "base/utf8.h"
#include "line.h"
#include "page_end.h"

static void format(char *out, size_t cap, const char *fmt, ...) WS_PRINTF(3, 4);
static void format(char *out, size_t cap, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    ws__line_format(out, cap, fmt, ap);
    va_end(ap);
}

static void what_is_no_text_is_escaped(void **state)
{
    (void)state;
    static const struct {
        const char *text, *line;
    } rows[] = {
        { "", "" },
        { "plain \"text\" \\ %s", "plain \"text\" \\ %s" },
        { "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
          "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80" },
        { "a\r\nb\tc", "a\\r\\nb\\tc" },
        { "\x01\x1b[2J\x7f", "\\x01\\x1b[2J\\x7f" },
        { "\xc2\x80\xc2\x85\xc2\x9f\xc2\xa0",
          "\\xc2\\x80\\xc2\\x85\\xc2\\x9f\xc2\xa0" },
        { "\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xae\xe2\x80\xaf",
          "\xe2\x80\xa7\\xe2\\x80\\xa8\\xe2\\x80\\xae\xe2\x80\xaf" },
        { "\xe2\x81\xa5\xe2\x81\xa6\xe2\x81\xa9\xe2\x81\xaa",
          "\xe2\x81\xa5\\xe2\\x81\\xa6\\xe2\\x81\\xa9\xe2\x81\xaa" },
        /* No UTF-8 (RFC 3629): alone, cut short, too long, a surrogate, beyond
         * U+10FFFF. */
        { "\x80z\xff", "\\x80z\\xff" },
        { "\xe2\x82(\xe2", "\\xe2\\x82(\\xe2" },
        { "\xc0\x8a", "\\xc0\\x8a" },
        { "\xed\xa0\x80", "\\xed\\xa0\\x80" },
        { "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" },
        /* Twice is as good as once. */
        { "\\r\\n\\x1b", "\\r\\n\\x1b" },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        char out[256];

        format(out, sizeof(out), "%s", rows[i].text);
        assert_string_equal(out, rows[i].line);
    }
}

static bool is_utf8(const char *s)
{
    struct ws__utf8 u = { 0 };

    return ws__utf8_feed(&u, (const uint8_t *)s, strlen(s)) &&
           ws__utf8_complete(&u);
}

/* Of "\x9b" or the like nothing is left, or all. */
static bool ends_in_half_an_escape(const char *s)
{
    const char *escape = strrchr(s, '\\');

    return escape && escape[1] != 'r' && escape[1] != 'n' && escape[1] != 't' &&
           strlen(escape) < 4;
}

static void no_cut_goes_through_a_character_or_an_escape(void **state)
{
    (void)state;
    static const char text[] =
        "\xc3\xa9\xf0\x9f\x98\x80" LINE_BREAKERS "\xe2\x82\xac";

    for (size_t cap = 1; cap < 160; cap++) {
        char out[160];

        memset(out, 'x', sizeof(out));
        format(out, cap, "%s", text);
        assert_true(strlen(out) < cap);
        assert_true(is_utf8(out));
        assert_true(is_one_line(out));
        assert_false(ends_in_half_an_escape(out));
    }
}

/* The end of what was formatted falls into the middle of a character. */
static void a_line_of_any_length_is_cut_between_characters(void **state)
{
    (void)state;
    char text[2 * WS__LINE_MAX + 1], out[WS__LINE_MAX];

    for (size_t first = 0; first < 4; first++) {
        memset(text, 'x', first);
        for (size_t i = first; i + 4 < sizeof(text); i += 4)
            memcpy(text + i, "\xf0\x9f\x98\x80", 5);
        format(out, sizeof(out), "%s", text);
        assert_true(is_utf8(out));
        assert_in_range(strlen(out), sizeof(out) - 4, sizeof(out) - 1);
        assert_null(strchr(out, '\\'));
    }
}

static void a_quotation_shows_where_it_was_cut(void **state)
{
    (void)state;
    char s[200], out[WS__QUOTED];

    for (size_t n = 0; n < sizeof(s); n++) {
        memset(s, 'q', n);
        s[n] = '\0';
        size_t len = strlen(ws__quote(out, ws__str(s)));
        assert_int_equal(len, n < WS__QUOTED ? n : WS__QUOTED - 1);
        assert_int_equal(strstr(out, "...") != NULL, n >= WS__QUOTED);
    }
    for (size_t n = 0; n < sizeof(LINE_BREAKERS); n++) {
        ws__quote(out, (struct ws__str){ LINE_BREAKERS, n });
        assert_true(is_utf8(out));
        assert_true(is_one_line(out));
    }
    assert_string_equal(ws__quote(out, (struct ws__str){ "a\0b", 3 }),
                        "a\\x00b");
}

/* The bytes of a network end where they end. */
static void a_quotation_reads_no_further(void **state)
{
    (void)state;
    static const char s[] = "ab\xf0\x9f\x98";

    for (size_t n = 0; n < sizeof(s); n++) {
        char out[WS__QUOTED];

        ws__quote(out, (struct ws__str){ at_page_end(s, n), n });
        assert_true(is_utf8(out));
    }
}

static void keep(const char *line, void *arg)
{
    snprintf(arg, WS__LINE_MAX, "%s", line);
}

static void an_error_and_a_line_of_the_log_are_one_line(void **state)
{
    (void)state;
    ws_error err = { 0 };
    char line[WS__LINE_MAX] = "";

    ws__fail(&err, -EIO, "the peer says: %s", LINE_BREAKERS);
    assert_true(is_one_line(err.text));
    assert_non_null(strstr(err.text, "a\\r\\n\\x1b[2J"));

    ws_set_log(keep, line);
    ws__log(WS__LOG(WS_LOG_INFO, "test"), "the peer says: %s", LINE_BREAKERS);
    ws_set_log(NULL, NULL);
    assert_true(is_one_line(line));
    assert_non_null(strstr(line, "a\\r\\n\\x1b[2J"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_text_is_escaped),
        cmocka_unit_test(no_cut_goes_through_a_character_or_an_escape),
        cmocka_unit_test(a_line_of_any_length_is_cut_between_characters),
        cmocka_unit_test(a_quotation_shows_where_it_was_cut),
        cmocka_unit_test(a_quotation_reads_no_further),
        cmocka_unit_test(an_error_and_a_line_of_the_log_are_one_line),
    };

    return cmocka_run_group_tests_name("line", tests, NULL, NULL);
}
