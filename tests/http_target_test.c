/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <stdlib.h>

#include "page_end.h"
#include "proto/http_target.h"

static struct ws__str fenced(const char *s)
{
    size_t n = strlen(s);

    return (struct ws__str){ .p = at_page_end(s, n), .n = n };
}

static void targets_are_taken_apart_or_refused(void **state)
{
    (void)state;
    /* RFC 9112, section 3.2; path NULL: refused. */
    static const struct {
        const char *target, *authority, *path, *query;
    } rows[] = {
        { "/", "", "/", "" },
        { "/a/b?c=d?e", "", "/a/b", "c=d?e" },
        { "/a?", "", "/a", "" },
        { "//a", "", "//a", "" },
        { "http://a", "a", "/", "" },
        { "HTTP://a/b?c", "a", "/b", "c" },
        { "ws://a?c", "a", "/", "c" },
        { "https://[::1]:8/x", "[::1]:8", "/x", "" },
        { "/http://a", "", "/http://a", "" },
        { "/\xc3\xa9?\xff", "", "/\xc3\xa9", "\xff" },
        { "http://a/\x80", "a", "/\x80", "" },
        { "http://a\xc3\xa9/", "", NULL, "" },
        { "\xc3\xa9", "", NULL, "" },
        { "*", "", "*", "" },
        { "**", "", NULL, "" },
        { "*?a", "", NULL, "" },
        { "*/", "", NULL, "" },
        { "", "", NULL, "" },
        { "a", "", NULL, "" },
        { "a:80", "", NULL, "" },
        { "?a", "", NULL, "" },
        { "ftp://a/", "", NULL, "" },
        { "http:/a", "", NULL, "" },
        { "http://", "", NULL, "" },
        { "http:///a", "", NULL, "" },
        { "http://u@a/", "", NULL, "" },
        { "http://a b/", "", NULL, "" },
        { "/a#b", "", NULL, "" },
        { "/a b", "", NULL, "" },
        { "/\x7f", "", NULL, "" },
        { "/\x01", "", NULL, "" },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ws__target t;
        bool ok = ws__target_split(fenced(rows[i].target), &t);

        if (ok != (rows[i].path != NULL))
            fail_msg("%s", rows[i].target);
        if (!ok)
            continue;
        assert_true(ws__str_is(t.authority, rows[i].authority));
        assert_true(ws__str_is(t.path, rows[i].path));
        assert_true(ws__str_is(t.query, rows[i].query));
    }
}

static void paths_are_decoded_once_and_stay_under_the_root(void **state)
{
    (void)state;
    /* RFC 3986, sections 2.1 and 5.2.4; NULL: malformed. */
    static const struct {
        const char *path, *decoded;
    } rows[] = {
        { "", "/" },
        { "/", "/" },
        { "/a", "/a" },
        { "/a/", "/a/" },
        { "/a//b", "/a//b" },
        { "/%41%62", "/Ab" },
        { "/%c3%A9", "/\xc3\xa9" },
        { "/\xc3\xa9/../\xff", "/\xff" },
        { "*", "*" },
        { "**", NULL },
        { "/%2541", "/%41" },
        { "/a/./b", "/a/b" },
        { "/a/.", "/a/" },
        { "/a/..", "/" },
        { "/a/b/..", "/a/" },
        { "/a/../b", "/b" },
        { "/..", "/" },
        { "/../../etc/passwd", "/etc/passwd" },
        { "/%2e%2e/%2E%2e/x", "/x" },
        { "/a%2f..%2f..%2fx", "/x" },
        { "/a/b/../../..", "/" },
        { "/...", "/..." },
        { "/.a", "/.a" },
        { "/a..", "/a.." },
        { "/..a/..", "/" },
        { "/\\..\\x", "/\\..\\x" },
        { "/%", NULL },
        { "/%4", NULL },
        { "/%4x", NULL },
        { "/%x4", NULL },
        { "/%00", NULL },
        { "/a%00.html", NULL },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        size_t room = strlen(rows[i].path) + 1;
        char *out = malloc(room > 2 ? room : 2);
        ptrdiff_t n = ws__target_path(out, fenced(rows[i].path));

        if (rows[i].decoded) {
            assert_string_equal(out, rows[i].decoded);
            assert_int_equal(n, strlen(out));
        } else {
            assert_int_equal(n, -1);
        }
        free(out);
    }
}

static void every_prefix_of_a_path_is_taken_or_refused(void **state)
{
    (void)state;
    static const char path[] = "/a/%2e%2e/../b%2Fc/./..";
    char cut[sizeof(path)], out[sizeof(path)];

    for (size_t n = 1; n < sizeof(path); n++) {
        memcpy(cut, path, n);
        cut[n] = '\0';
        ptrdiff_t len = ws__target_path(out, fenced(cut));
        bool in_escape =
            n == 4 || n == 5 || n == 7 || n == 8 || n == 15 || n == 16;
        assert_int_equal(len < 0, in_escape);
        assert_true(len < 0 || out[0] == '/');
    }
}

static void hosts_are_judged(void **state)
{
    (void)state;
    /* RFC 9110, section 7.2; RFC 3986, section 3.2.2. */
    static const struct {
        const char *host;
        bool valid;
    } rows[] = {
        { "", 1 },         { "a", 1 },        { "a.b-c_d~", 1 },
        { "a:80", 1 },     { "a:", 1 },       { "127.0.0.1:65535", 1 },
        { "[::1]", 1 },    { "[::1]:80", 1 }, { "[::ffff:1.2.3.4]", 1 },
        { "%41", 1 },      { "%4", 0 },       { "h%4x", 0 },
        { "a:65536", 0 },  { "a:x", 0 },      { "a:-1", 0 },
        { "a:1:2", 0 },    { "[::1", 0 },     { "[]", 0 },
        { "[::1]x", 0 },   { "[::g]", 0 },    { "::1", 0 },
        { "a b", 0 },      { "a/b", 0 },      { "u@a", 0 },
        { "a?b", 0 },      { "a#b", 0 },      { "a\\b", 0 },
        { "\xc3\xa9", 0 }, { "a\tb", 0 },     { "<a>", 0 },
    };

    for (size_t i = 0; i < COUNT(rows); i++)
        if (ws__host_valid(fenced(rows[i].host)) != rows[i].valid)
            fail_msg("%s", rows[i].host);
}

/* RFC 6874, section 2; RFC 9844, section 4. */
static void a_host_may_have_a_zone(void **state)
{
    (void)state;
    static const char *const good[] = { "[fe80::1%25eth0]:80",
                                        "[fe80::1%eth0]" };
    static const char *const bad[] = { "[fe80::1%]", "[%25eth0]",
                                       "[fe80::1%25e%4]", "[fe80::1%25e/f]" };

    for (size_t i = 0; i < COUNT(good); i++)
        assert_true(ws__host_valid(fenced(good[i])));
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(ws__host_valid(fenced(bad[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(targets_are_taken_apart_or_refused),
        cmocka_unit_test(paths_are_decoded_once_and_stay_under_the_root),
        cmocka_unit_test(every_prefix_of_a_path_is_taken_or_refused),
        cmocka_unit_test(hosts_are_judged),
        cmocka_unit_test(a_host_may_have_a_zone),
    };

    return cmocka_run_group_tests_name("http_target", tests, NULL, NULL);
}
