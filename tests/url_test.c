/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <errno.h>

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
        { "ws://u@a/", "user information" },
        { "ws://u:p@a/", "user information" },
        { "ws://a/#b", "a fragment" },
        { "ws://a#", "a fragment" },
        { "ws://a b/", "a space or control byte" },
        { "ws://a/\r\nX: y", "a space or control byte" },
        { "ws://a/\x7f", "a space or control byte" },
        { "ws://\xc3\xa9/", "not ASCII" },
        { "ws://a/\xc3\xa9", "not ASCII" },
        { "ws://a:0/", "not 1 to 65535" },
        { "ws://a:65536/", "not a host and a port" },
        { "ws://a:x/", "not a host and a port" },
        { "ws://a:1:2/", "not a host and a port" },
        { "ws://::1/", "not a host and a port" },
        { "ws://[::1/", "not a host and a port" },
        { "ws://[::1]x/", "not a host and a port" },
        { "ws://[fe80::1%25eth0]/", "not a host and a port" },
        { "ws://a<b/", "not a host and a port" },
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
        cmocka_unit_test(what_is_no_ws_url_is_refused),
        cmocka_unit_test(every_prefix_is_taken_or_refused),
        cmocka_unit_test(an_allocation_failure_is_survived),
    };

    alloc_fail_install();
    return cmocka_run_group_tests_name("url", tests, NULL, NULL);
}
