/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <errno.h>
#include <stdio.h>

#include "alloc_fail.h"
#include "proto/url.h"

static void urls_are_taken_apart(void **state)
{
    (void)state;
    /* RFC 6455, section 3. */
    static const struct {
        const char *url;
        bool tls;
        const char *host, *port, *host_port, *target;
    } rows[] = {
        { "ws://a", 0, "a", "80", "a", "/" },
        { "WS://A.b/", 0, "A.b", "80", "A.b", "/" },
        { "wss://a/b?c=d", 1, "a", "443", "a", "/b?c=d" },
        { "ws://a:80/x", 0, "a", "80", "a", "/x" },
        { "ws://a:443/", 0, "a", "443", "a:443", "/" },
        { "wss://a:443", 1, "a", "443", "a", "/" },
        { "wss://a:80", 1, "a", "80", "a:80", "/" },
        { "ws://a:", 0, "a", "80", "a", "/" },
        { "ws://a?b", 0, "a", "80", "a", "/?b" },
        { "ws://[::1]", 0, "::1", "80", "[::1]", "/" },
        { "ws://[::1]:8080/x", 0, "::1", "8080", "[::1]:8080", "/x" },
        { "ws://127.0.0.1:65535", 0, "127.0.0.1", "65535", "127.0.0.1:65535",
          "/" },
        { "ws://a//b", 0, "a", "80", "a", "//b" },
        { "ws://a:0080/", 0, "a", "80", "a", "/" },
        { "wss://a:0443/", 1, "a", "443", "a", "/" },
        { "ws://a:00000000443/", 0, "a", "443", "a:443", "/" },
        { "ws://a_b.c~d!$&'()*+,;=", 0, "a_b.c~d!$&'()*+,;=", "80",
          "a_b.c~d!$&'()*+,;=", "/" },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ws__url u;
        ws_error err = { 0 };

        if (ws__url_parse(&u, rows[i].url, &err) != 0)
            fail_msg("%s: %s", rows[i].url, err.text);
        assert_int_equal(u.tls, rows[i].tls);
        assert_string_equal(u.host, rows[i].host);
        assert_string_equal(u.port, rows[i].port);
        assert_string_equal(u.host_port, rows[i].host_port);
        assert_string_equal(u.target, rows[i].target);
        ws__url_fini(&u);
    }
}

static void a_local_socket_has_a_path(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        bool tls;
        const char *path, *target;
    } rows[] = {
        { "ws+unix:/run/a.sock:/b?c=d", 0, "/run/a.sock", "/b?c=d" },
        { "wss+unix:/run/a.sock:/b", 1, "/run/a.sock", "/b" },
        { "WS+UNIX:///run/a.sock:/b", 0, "/run/a.sock", "/b" },
        { "ws+unix:/run/a.sock", 0, "/run/a.sock", "/" },
        { "ws+unix:/run/a.sock:", 0, "/run/a.sock", "/" },
        { "ws+unix:/run/a.sock:?b", 0, "/run/a.sock", "/?b" },
        { "ws+unix:/run/a.sock:/b:c", 0, "/run/a.sock", "/b:c" },
        { "ws+unix:a.sock:/b c", 0, "a.sock", "/b%20c" },
        { "ws+unix:/%3A%25%20 :/", 0, "/:%  ", "/" },
        { "ws+unix:@name:/", 0, "@name", "/" },
    };
    static const char *const bad[] = {
        "ws+unix:",      "ws+unix://",    "ws+unix::/b",
        "ws+unix:/a?b",  "ws+unix:/%00:", "ws+unix:/%zz:/",
        "ws+unix:/a:/%", "ws+unix:/a:/#", "ws+unix",
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ws__url u;
        ws_error err = { 0 };

        if (ws__url_parse(&u, rows[i].url, &err) != 0)
            fail_msg("%s: %s", rows[i].url, err.text);
        assert_int_equal(u.tls, rows[i].tls);
        assert_string_equal(u.path, rows[i].path);
        assert_string_equal(u.target, rows[i].target);
        assert_string_equal(u.host_port, "localhost");
        ws__url_fini(&u);
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct ws__url u;
        ws_error err = { 0 };

        assert_int_equal(ws__url_parse(&u, bad[i], &err), WS_ERR_URL);
        ws__url_fini(&u);
    }
}

static void a_target_is_sent_as_rfc_3986_has_it(void **state)
{
    (void)state;
    /* Sections 3.3, 3.4 and 2.1. */
    static const struct {
        const char *url, *target;
    } rows[] = {
        { "ws://a/b c", "/b%20c" },
        { "ws://a/?b c", "/?b%20c" },
        { "ws://a?b c ", "/?b%20c%20" },
        { "ws://a/b\\c?d\\e", "/b%5Cc?d%5Ce" },
        { "ws://a/\xc3\xa9?\xe2\x82\xac", "/%C3%A9?%E2%82%AC" },
        { "ws://a/\xe9", "/%E9" },
        { "ws://a/a|b", "/a%7Cb" },
        { "ws://a/{id}", "/%7Bid%7D" },
        { "ws://a/x?filter={\"a\":[1]}", "/x?filter=%7B%22a%22:%5B1%5D%7D" },
        { "ws://a/x?q=<b>^`", "/x?q=%3Cb%3E%5E%60" },
        { "ws://a/%41%2f%c3", "/%41%2f%c3" },
        { "ws://a/-._~!$&'()*+,;=:@/?/?", "/-._~!$&'()*+,;=:@/?/?" },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ws__url u;
        ws_error err = { 0 };

        if (ws__url_parse(&u, rows[i].url, &err) != 0)
            fail_msg("%s: %s", rows[i].url, err.text);
        assert_string_equal(u.target, rows[i].target);
        ws__url_fini(&u);
    }
}

/* RFC 6874, sections 2 and 3; RFC 9844. */
static void a_zone_is_for_the_resolver_alone(void **state)
{
    (void)state;
    static const struct {
        const char *url, *host, *name, *host_port, *authority;
    } rows[] = {
        { "[fe80::1%25eth0]", "fe80::1%eth0", "fe80::1", "[fe80::1]",
          "[fe80::1]:80" },
        { "[fe80::1%25eth0]:81", "fe80::1%eth0", "fe80::1", "[fe80::1]:81",
          "[fe80::1]:81" },
        { "[fe80::1%eth0]", "fe80::1%eth0", "fe80::1", "[fe80::1]",
          "[fe80::1]:80" },
        { "[fe80::1%251]", "fe80::1%1", "fe80::1", "[fe80::1]",
          "[fe80::1]:80" },
        { "[fe80::1%1]", "fe80::1%1", "fe80::1", "[fe80::1]", "[fe80::1]:80" },
        { "[::1%25lo]", "::1", "::1", "[::1]", "[::1]:80" },
        { "[fe80::1%25a%2Fb%25]", "fe80::1%a/b%", "fe80::1", "[fe80::1]",
          "[fe80::1]:80" },
    };

    for (size_t i = 0; i < COUNT(rows); i++)
        for (int proxy = 0; proxy < 2; proxy++) {
            char url[64];
            struct ws__url u;
            ws_error err = { 0 };

            snprintf(url, sizeof(url), "%s://u:p@%s", proxy ? "http" : "ws",
                     rows[i].url);
            if ((proxy ? ws__url_parse_proxy : ws__url_parse)(&u, url, &err))
                fail_msg("%s: %s", url, err.text);
            assert_string_equal(u.host, rows[i].host);
            assert_string_equal(u.name, rows[i].name);
            assert_string_equal(u.host_port, rows[i].host_port);
            assert_string_equal(u.authority, rows[i].authority);
            assert_string_equal(u.credentials, "u:p");
            ws__url_fini(&u);
        }
}

static void what_is_no_ws_url_is_refused(void **state)
{
    (void)state;
    /* RFC 6455, section 3; RFC 3986, section 3. */
    static const struct {
        const char *url, *text;
    } rows[] = {
        { "", "neither ws nor wss" },
        { "a", "neither ws nor wss" },
        { "http://a/", "neither ws nor wss" },
        { "wsx://a/", "neither ws nor wss" },
        { "ws:a", "no \"://\"" },
        { "ws:/a", "no \"://\"" },
        { "ws://", "no host" },
        { "ws:///a", "no host" },
        { "ws://:80/", "no host" },
        { "ws://u:p%4@a/", "a malformed escape" },
        { "ws://u:p%@a/", "a malformed escape" },
        { "ws://u%4x:p@a/", "a malformed escape" },
        { "ws://u:p%0d%0aX:y@a/", "a control byte" },
        { "ws://u:p%00@a/", "a control byte" },
        { "ws://u%7F@a/", "a control byte" },
        { "ws://u%3a:p@a/", "a colon in the user's name" },
        { "ws://u%3Ap@a/", "a colon in the user's name" },
        { "ws://u:p@/", "no host" },
        { "ws://u@a@", "one of @, [ and ] in the user information" },
        { "ws://u:p@q@a/", "one of @, [ and ] in the user information" },
        { "ws://u[:p@a/", "one of @, [ and ] in the user information" },
        { "ws://a/#b", "a fragment" },
        { "ws://a#", "a fragment" },
        { "ws://a b/", "a space before the path" },
        { "ws://u v@b/", "a space before the path" },
        { " ws://a/", "neither ws nor wss" },
        { "ws://a/\r\nX: y", "a control byte" },
        { "ws://a/\x7f", "a control byte" },
        { "ws://a\t/", "a control byte" },
        { "ws://\xc3\xa9/", "not ASCII" },
        { "ws://\xef\xbc\x8f/", "not ASCII" },
        { "ws://u:\xc3\xa9@a/", "not ASCII" },
        /* Browsers dial 127.0.0.1, others other.test. */
        { "ws://127.0.0.1:80\\@other.test/", "a backslash before the path" },
        { "ws://a\\b/", "a backslash before the path" },
        { "ws://a\\?b", "a backslash before the path" },
        { "ws:\\\\a/", "no \"://\"" },
        { "ws://a|b/", "a character before the path" },
        { "ws://a^b/", "a character before the path" },
        { "ws://u`:\"{}@b/", "a character before the path" },
        { "ws://%61/", "an escape in the host" },
        { "ws://a%2fb/", "an escape in the host" },
        { "ws://a%4/", "not a host and a port" },
        { "ws://a/%zz", "a malformed escape in path or query" },
        { "ws://a/x?y=100%", "a malformed escape in path or query" },
        { "ws://a/%4", "a malformed escape in path or query" },
        { "ws://a?%g0", "a malformed escape in path or query" },
        { "ws://a:0/", "not 1 to 65535" },
        { "ws://a:00/", "not 1 to 65535" },
        { "ws://a:65536/", "not a host and a port" },
        { "ws://a:x/", "not a host and a port" },
        { "ws://a:1:2/", "not a host and a port" },
        { "ws://::1/", "not a host and a port" },
        { "ws://[::1/", "not a host and a port" },
        { "ws://[::1]x/", "not a host and a port" },
        { "ws://[127.0.0.1]/", "not an IPv6 address" },
        { "ws://[1:2:3]/", "not an IPv6 address" },
        { "ws://[fe80::1%]/", "not a host and a port" },
        { "ws://[fe80::1%25]/", "a zone is written [fe80::1%25eth0]" },
        { "ws://[fe80::1%de0]/", "a zone is written [fe80::1%25eth0]" },
        { "ws://[fe80::1%25a b]/", "a space before the path" },
        { "ws://[fe80::1%25a%20]/", "a control byte or space in the zone" },
        { "ws://[fe80::1%25%00]/", "a control byte or space in the zone" },
        { "ws://[fe80::1%25a%7f]/", "a control byte or space in the zone" },
        { "ws://[fe80::1%25a%4]/", "not a host and a port" },
        { "ws://[%25eth0]/", "not a host and a port" },
        { "ws://[1:2:3%25eth0]/", "not an IPv6 address" },
        { "ws://a<b/", "a character before the path" },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ws__url u;
        ws_error err = { 0 };

        if (ws__url_parse(&u, rows[i].url, &err) != WS_ERR_URL)
            fail_msg("taken: %s", rows[i].url);
        if (!strstr(err.text, rows[i].text))
            fail_msg("%s: %s", rows[i].url, err.text);
        assert_null(u.memory);
        ws__url_fini(&u);
    }
}

static void credentials_are_decoded(void **state)
{
    (void)state;
    /* RFC 3986, section 3.2.1; RFC 7617, section 2. */
    static const struct {
        const char *url, *credentials;
        size_t user_len;
    } rows[] = {
        { "ws://a", NULL, 0 },
        { "ws://@a", NULL, 0 },
        { "ws://u@a", "u:", 1 },
        { "ws://u:@a", "u:", 1 },
        { "ws://:p@a", ":p", 0 },
        { "ws://u:p@a", "u:p", 1 },
        { "ws://u:p:q@a", "u:p:q", 1 },
        { "ws://u:p%40q@a", "u:p@q", 1 },
        { "ws://user%20name:%3a%2F%40%c3%A9+@a", "user name::/@\xc3\xa9+", 9 },
        { "ws://u:p@a/@b", "u:p", 1 },
        { "ws://u:p@a?@b", "u:p", 1 },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ws__url u;

        assert_int_equal(ws__url_parse(&u, rows[i].url, NULL), 0);
        assert_string_equal(u.host, "a");
        assert_string_equal(u.host_port, "a");
        assert_int_equal(u.user_len, rows[i].user_len);
        if (rows[i].credentials)
            assert_string_equal(u.credentials, rows[i].credentials);
        else
            assert_null(u.credentials);
        ws__url_fini(&u);
    }
}

static void proxies_are_taken_apart(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        bool tls, socks;
        const char *host, *port, *authority, *credentials;
    } rows[] = {
        { "http://p", 0, 0, "p", "80", "p:80", NULL },
        { "HTTPS://p/", 1, 0, "p", "443", "p:443", NULL },
        { "socks5://p", 0, 1, "p", "1080", "p:1080", NULL },
        { "socks5h://p:1", 0, 1, "p", "1", "p:1", NULL },
        { "p", 0, 0, "p", "80", "p:80", NULL },
        { "p:3128", 0, 0, "p", "3128", "p:3128", NULL },
        { "u:p@p:3128", 0, 0, "p", "3128", "p:3128", "u:p" },
        { "[::1]:3128", 0, 0, "::1", "3128", "[::1]:3128", NULL },
        { "http://p:03128", 0, 0, "p", "3128", "p:3128", NULL },
        { "socks5://u:p%40@[::1]", 0, 1, "::1", "1080", "[::1]:1080", "u:p@" },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ws__url u;

        assert_int_equal(ws__url_parse_proxy(&u, rows[i].url, NULL), 0);
        assert_int_equal(u.tls, rows[i].tls);
        assert_int_equal(u.socks, rows[i].socks);
        assert_string_equal(u.host, rows[i].host);
        assert_string_equal(u.port, rows[i].port);
        assert_string_equal(u.authority, rows[i].authority);
        if (rows[i].credentials)
            assert_string_equal(u.credentials, rows[i].credentials);
        else
            assert_null(u.credentials);
        ws__url_fini(&u);
    }
}

static void what_is_no_proxy_url_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *url, *text;
    } rows[] = {
        { "", "no host" },
        { "http://", "no host" },
        { "ws://p", "none of http, https, socks5, socks5h" },
        { "socks4://p", "none of http, https, socks5, socks5h" },
        { "ftp://p", "none of http, https, socks5, socks5h" },
        { "://p", "none of http, https, socks5, socks5h" },
        { "p:0", "not 1 to 65535" },
        { "p:x", "not a host and a port" },
        { "http://p\r\nX: y", "a control byte" },
        { "p p", "a space before the path" },
        { "http://p\\@q", "a backslash before the path" },
        { "http://u:p^@q", "a character before the path" },
        { "\xc3\xa9:3128", "not ASCII" },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ws__url u;
        ws_error err = { 0 };

        if (ws__url_parse_proxy(&u, rows[i].url, &err) != WS_ERR_URL)
            fail_msg("taken: %s", rows[i].url);
        assert_non_null(strstr(err.text, "malformed proxy URL: "));
        if (!strstr(err.text, rows[i].text))
            fail_msg("%s: %s", rows[i].url, err.text);
        ws__url_fini(&u);
    }
}

static void a_password_is_never_shown(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "ws://u:secret@a:0/",    "ws://u:secret@/",
        "ws://u:sec/secret@a",   "ws://u:sec#secret@a",
        "ws://u:secret%@a",      "wx://u:secret@a",
        "ws:u:secret@a",         "http://u:secret@a b",
        "u:secret%0a@a",         "ws://u:secret@x:secret@a:x",
        "ws://u:secret\xc3@a:x",
    };

    for (size_t i = 0; i < COUNT(urls); i++) {
        struct ws__url u;
        ws_error err[2] = { { 0 }, { 0 } };

        assert_int_equal(ws__url_parse(&u, urls[i], &err[0]), WS_ERR_URL);
        ws__url_parse_proxy(&u, urls[i], &err[1]);
        ws__url_fini(&u);
        assert_null(strstr(err[0].text, "secret"));
        assert_null(strstr(err[1].text, "secret"));
        assert_non_null(strstr(err[0].text, "\"...@"));
    }
}

/* The memory is measured from the text alone. */
static void urls_of_any_length_fit(void **state)
{
    (void)state;
    static const char *const forms[] = {
        "ws://%.*s",
        "ws://a/%.*s",
        "ws://%.*s@[::1]:65535",
        "ws://a:%.*s@b",
        "ws://[fe80::1%%25%.*s]:65535",
    };

    for (size_t i = 0; i < COUNT(forms); i++)
        for (int n = 1; n < 200; n++) {
            char name[200], url[256];
            struct ws__url u;

            memset(name, i == 1 ? ' ' : 'x', sizeof(name));
            snprintf(url, sizeof(url), forms[i], n, name);
            assert_int_equal(ws__url_parse(&u, url, NULL), 0);
            ws__url_fini(&u);
        }
}

static void every_prefix_is_taken_or_refused(void **state)
{
    (void)state;
    static const char url[] = "wss://[2001:db8::1]:8443/a?b";

    for (size_t n = 0; n < sizeof(url); n++) {
        char cut[sizeof(url)] = "";
        struct ws__url u;

        memcpy(cut, url, n);
        int error = ws__url_parse(&u, cut, NULL);
        assert_int_equal(error, n < 19 ? WS_ERR_URL : 0);
        ws__url_fini(&u);
    }
}

static void an_allocation_failure_is_survived(void **state)
{
    (void)state;
    struct ws__url u;
    ws_error err = { 0 };

    alloc_fail_at(1);
    assert_int_equal(ws__url_parse(&u, "ws://a/", &err), -ENOMEM);
    alloc_fail_at(0);
    assert_int_equal(err.code, -ENOMEM);
    ws__url_fini(&u);
    assert_int_equal(alloc_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_are_taken_apart),
        cmocka_unit_test(a_local_socket_has_a_path),
        cmocka_unit_test(a_target_is_sent_as_rfc_3986_has_it),
        cmocka_unit_test(a_zone_is_for_the_resolver_alone),
        cmocka_unit_test(what_is_no_ws_url_is_refused),
        cmocka_unit_test(credentials_are_decoded),
        cmocka_unit_test(proxies_are_taken_apart),
        cmocka_unit_test(what_is_no_proxy_url_is_refused),
        cmocka_unit_test(a_password_is_never_shown),
        cmocka_unit_test(urls_of_any_length_fit),
        cmocka_unit_test(every_prefix_is_taken_or_refused),
        cmocka_unit_test(an_allocation_failure_is_survived),
    };

    alloc_fail_install();
    return cmocka_run_group_tests_name("url", tests, NULL, NULL);
}
