/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <errno.h>
#include <stdlib.h>

#include "alloc_fail.h"
#include "io/proxy.h"

#define SET_MAX 4

struct row {
    const char *set[SET_MAX]; /* "NAME=value" */
    const char *to;
    const char *found; /* the proxy's authority; NULL: none */
};

static int clear_environment(void **state)
{
    static const char *const names[] = {
        "HTTP_PROXY",  "http_proxy", "HTTPS_PROXY",
        "https_proxy", "ALL_PROXY",  "all_proxy",
        "NO_PROXY",    "no_proxy",   "REQUEST_METHOD",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(names); i++)
        unsetenv(names[i]);
    return 0;
}

/* setenv keeps no pointer. */
static void set(const char *assignment)
{
    char name[32] = "";
    const char *equals = strchr(assignment, '=');

    memcpy(name, assignment, (size_t)(equals - assignment));
    setenv(name, equals + 1, 1);
}

static int find(struct ws__url *proxy, const char *given, const char *to,
                ws_error *err)
{
    struct ws__url url;

    assert_int_equal(ws__url_parse(&url, to, NULL), 0);
    int r = ws__proxy_find(proxy, given, &url, err);
    ws__url_fini(&url);
    return r;
}

static void check(const struct row *row)
{
    struct ws__url proxy;

    clear_environment(NULL);
    for (size_t i = 0; i < SET_MAX && row->set[i]; i++)
        set(row->set[i]);
    assert_int_equal(find(&proxy, NULL, row->to, NULL), row->found != NULL);
    if (row->found) {
        assert_string_equal(proxy.authority, row->found);
        ws__url_fini(&proxy);
    }
}

static void the_environment_names_a_proxy(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { { NULL }, "ws://a.test/", NULL },
        { { "HTTP_PROXY=http://p:1" }, "ws://a.test/", "p:1" },
        { { "http_proxy=http://p:1" }, "ws://a.test/", "p:1" },
        { { "HTTP_PROXY=http://p:1" }, "wss://a.test/", NULL },
        { { "HTTPS_PROXY=http://p:1" }, "wss://a.test/", "p:1" },
        { { "https_proxy=http://p:1" }, "wss://a.test/", "p:1" },
        { { "HTTPS_PROXY=http://p:1" }, "ws://a.test/", NULL },
        { { "HTTPS_PROXY=s:1", "HTTP_PROXY=p:1" }, "ws://a.test/", "p:1" },
        { { "HTTPS_PROXY=s:1", "HTTP_PROXY=p:1" }, "wss://a.test/", "s:1" },
        { { "http_proxy=low:1", "HTTP_PROXY=up:1" }, "ws://a.test/", "up:1" },
        { { "http_proxy=low:1", "HTTP_PROXY=" }, "ws://a.test/", "low:1" },
        { { "http_proxy=", "HTTP_PROXY=" }, "ws://a.test/", NULL },
        { { "ALL_PROXY=socks5://s" }, "ws://a.test/", "s:1080" },
        { { "all_proxy=socks5://s" }, "wss://a.test/", "s:1080" },
        { { "ALL_PROXY=socks5://s", "http_proxy=p:1" }, "ws://a.test/", "p:1" },
        { { "HTTP_PROXY=p:1", "NO_PROXY=a.test" }, "ws://a.test/", NULL },
        { { "HTTP_PROXY=p:1", "no_proxy=a.test" }, "ws://a.test/", NULL },
        { { "HTTP_PROXY=p:1", "NO_PROXY=b.test" }, "ws://a.test/", "p:1" },
        { { "ALL_PROXY=p:1", "NO_PROXY=.test" }, "ws://a.test/", NULL },
        { { "HTTP_PROXY=p:1", "NO_PROXY=a.test:80" }, "ws://a.test/", NULL },
        { { "HTTPS_PROXY=p:1", "NO_PROXY=a.test:80" }, "wss://a.test/", "p:1" },
        { { "HTTPS_PROXY=p:1", "NO_PROXY=a.test:443" }, "wss://a.test/", NULL },
        { { "HTTP_PROXY=p:1", "NO_PROXY=2001:db8::/32" },
          "ws://[2001:db8::1]/",
          NULL },
        { { "HTTP_PROXY=p:1", "no_proxy=10.0.0.0/8" }, "ws://10.1.2.3/", NULL },
        { { "HTTP_PROXY=p:1", "NO_PROXY=*" }, "ws://a.test/", NULL },
        { { "HTTP_PROXY=p:1", "NO_PROXY=" }, "ws://a.test/", "p:1" },
        { { "HTTP_PROXY=p:1" }, "ws://localhost:8080/", NULL },
        { { "HTTP_PROXY=p:1" }, "ws://127.0.0.1:8080/", NULL },
        { { "HTTP_PROXY=p:1" }, "ws://[::1]:8080/", NULL },
        { { "HTTP_PROXY=p:1", "NO_PROXY=fe80::/10" },
          "ws://[fe80::1%25eth0]/",
          NULL },
    };

    for (size_t i = 0; i < COUNT(rows); i++)
        check(&rows[i]);
}

/* CVE-2016-5388 and its kin. */
static void a_cgi_programs_client_does_not_choose_the_proxy(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { { "REQUEST_METHOD=GET", "HTTP_PROXY=p:1" }, "ws://a.test/", NULL },
        { { "REQUEST_METHOD=GET", "HTTP_PROXY=p:1", "http_proxy=q:1" },
          "ws://a.test/",
          "q:1" },
        { { "REQUEST_METHOD=GET", "HTTP_PROXY=p:1", "ALL_PROXY=q:1" },
          "ws://a.test/",
          "q:1" },
        { { "REQUEST_METHOD=GET", "HTTPS_PROXY=p:1" }, "wss://a.test/", "p:1" },
        { { "REQUEST_METHOD=", "HTTP_PROXY=p:1" }, "ws://a.test/", "p:1" },
    };

    for (size_t i = 0; i < COUNT(rows); i++)
        check(&rows[i]);
}

static void a_given_proxy_is_taken_whatever_the_environment_says(void **state)
{
    (void)state;
    struct ws__url proxy;

    set("HTTP_PROXY=p:1");
    set("NO_PROXY=*");
    assert_int_equal(find(&proxy, "socks5://q", "ws://a.test/", NULL), 1);
    assert_string_equal(proxy.authority, "q:1080");
    assert_true(proxy.socks);
    ws__url_fini(&proxy);
    assert_int_equal(find(&proxy, "q:2", "ws://localhost/", NULL), 1);
    assert_string_equal(proxy.authority, "q:2");
    ws__url_fini(&proxy);
    set("NO_PROXY=");
    assert_int_equal(find(&proxy, "", "ws://a.test/", NULL), 0);
}

static void what_is_no_proxy_is_an_error_not_a_detour(void **state)
{
    (void)state;
    static const char *const rows[] = { "ftp://p", "http://", "p:0", "p q",
                                        "http://me:pw@p:x" };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ws__url proxy;
        ws_error err[2] = { { 0 }, { 0 } };

        assert_int_equal(find(&proxy, rows[i], "ws://a.test/", &err[0]),
                         WS_ERR_URL);
        setenv("ALL_PROXY", rows[i], 1);
        assert_int_equal(find(&proxy, NULL, "ws://a.test/", &err[1]),
                         WS_ERR_URL);
        for (int k = 0; k < 2; k++) {
            assert_non_null(strstr(err[k].text, "malformed proxy URL"));
            assert_null(strstr(err[k].text, "pw"));
        }
    }
}

static void an_allocation_failure_is_survived(void **state)
{
    (void)state;
    struct ws__url proxy, to;

    assert_int_equal(ws__url_parse(&to, "ws://a.test/", NULL), 0);
    alloc_fail_at(1);
    assert_int_equal(ws__proxy_find(&proxy, "p", &to, NULL), -ENOMEM);
    alloc_fail_at(0);
    ws__url_fini(&to);
}

#define TEST(name) cmocka_unit_test_setup(name, clear_environment)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_environment_names_a_proxy),
        TEST(a_cgi_programs_client_does_not_choose_the_proxy),
        TEST(a_given_proxy_is_taken_whatever_the_environment_says),
        TEST(what_is_no_proxy_is_an_error_not_a_detour),
        TEST(an_allocation_failure_is_survived),
    };

    alloc_fail_install();
    return cmocka_run_group_tests_name("proxy", tests, NULL, NULL);
}
