/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <silverback/upgrade.h>

#include "http/route.h"

static void handler(ws_request *r, void *arg)
{
    (void)r;
    (void)arg;
}

static void socket(ws_conn *c, void *arg)
{
    (void)c;
    (void)arg;
}

#define X16 "XXXXXXXXXXXXXXXX"
#define X64 X16 X16 X16 X16
#define X256 X64 X64 X64 X64

static void the_longest_that_matches_is_found(void **state)
{
    (void)state;
    static const ws_route routes[] = {
        { .path = "/" },
        { .path = "/a/b/" },
        { .path = "/a" },
        { .path = "/a/" },
        { 0 },
    };
    static const struct {
        const char *path, *route;
    } table[] = {
        { "/", "/" },         { "/x", "/" },           { "/a", "/a" },
        { "/ab", "/" },       { "/a/", "/a/" },        { "/a/b", "/a/" },
        { "/a/b/", "/a/b/" }, { "/a/b/c/d", "/a/b/" },
    };

    for (size_t i = 0; i < COUNT(table); i++)
        assert_string_equal(ws__route_find(routes, table[i].path)->path,
                            table[i].route);
    assert_null(ws__route_find(routes + 1, "/"));
    assert_null(ws__route_find(NULL, "/"));
}

static void one_that_is_of_no_use_is_an_error(void **state)
{
    (void)state;
    static const char *const good[] = { "null", "https://a.example/", NULL };
    static const char *const bad[] = { "https://a.example", "a.example", NULL };
    static const ws_upgrader open = { .allowed_origins = good };
    static const ws_upgrader misspelt = { .allowed_origins = bad };
    static const struct {
        ws_route route;
        const char *text; /* NULL: it is good */
    } table[] = {
        { { .path = "/b", .handler = handler }, NULL },
        { { .path = "/a", .socket = socket }, NULL },
        { { .path = "/a", .socket = socket, .upgrader = &open }, NULL },
        { { .path = "a", .handler = handler },
          "route \"a\": expected a path that begins with '/'" },
        { { .path = "", .handler = handler },
          "route \"\": expected a path that begins with '/'" },
        { { .path = "/a" },
          "route /a: expected a handler or a socket, got neither" },
        { { .path = "/a", .handler = handler, .socket = socket },
          "route /a: expected a handler or a socket, got both" },
        { { .path = "/a", .socket = socket, .upgrader = &misspelt },
          "route /a: allowed_origins: expected scheme://host[:port], \"null\" "
          "or \"*\", got \"a.example\"" },
        { { .path = "/a", .handler = handler, .method = "GET" }, NULL },
        { { .path = "/", .handler = handler, .method = "GET" }, NULL },
        { { .path = "/a", .socket = socket, .method = "GET" }, NULL },
        { { .path = "/a", .handler = handler, .method = "M-SEARCH" }, NULL },
        { { .path = "/", .handler = handler },
          "route /: stands twice for all methods" },
        { { .path = "/a", .handler = handler, .method = "get" },
          "route /a: expected a method as it is sent, such as GET, got "
          "\"get\"" },
        { { .path = "/a", .handler = handler, .method = "" },
          "route /a: expected a method as it is sent, such as GET, got \"\"" },
        { { .path = "/a", .handler = handler, .method = "GET, POST" },
          "route /a: expected a method as it is sent, such as GET, got "
          "\"GET, POST\"" },
        { { .path = "/a", .socket = socket, .method = "POST" },
          "route /a: a socket's method is GET, got POST" },
        { { .path = "/a", .handler = handler, .method = X256 },
          "route /a: its methods need more than 255 bytes" },
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        const ws_route routes[] = { { .path = "/", .handler = handler },
                                    table[i].route,
                                    { 0 } };
        ws_error err = { 0 };

        assert_int_equal(ws__routes_check(routes, &err),
                         table[i].text ? WS_ERR_INVALID : 0);
        assert_string_equal(err.text, table[i].text ? table[i].text : "");
    }
    assert_int_equal(ws__routes_check(NULL, NULL), 0);
}

static void one_that_stands_twice_is_an_error(void **state)
{
    (void)state;
    static const struct {
        ws_route a, b;
        const char *text;
    } table[] = {
        { { .path = "/a", .handler = handler, .method = "GET" },
          { .path = "/a", .handler = handler, .method = "GET" },
          "route /a: stands twice for GET" },
        { { .path = "/a", .socket = socket },
          { .path = "/a", .socket = socket },
          "route /a: stands twice for GET" },
        { { .path = "/a", .socket = socket },
          { .path = "/a", .handler = handler, .method = "GET" },
          "route /a: stands twice for GET" },
        { { .path = "/a", .handler = handler },
          { .path = "/a", .handler = handler },
          "route /a: stands twice for all methods" },
        { { .path = "/a", .handler = handler },
          { .path = "/a", .handler = handler, .method = "GET" },
          NULL },
        { { .path = "/a", .handler = handler, .method = "GET" },
          { .path = "/a", .handler = handler, .method = "HEAD" },
          NULL },
        { { .path = "/a", .socket = socket },
          { .path = "/a", .handler = handler },
          NULL },
        { { .path = "/a", .handler = handler },
          { .path = "/a/", .handler = handler },
          NULL },
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        const ws_route routes[] = {
            table[i].a, { .path = "/", .handler = handler }, table[i].b, { 0 }
        };
        ws_error err = { 0 };

        assert_int_equal(ws__routes_check(routes, &err),
                         table[i].text ? WS_ERR_INVALID : 0);
        assert_string_equal(err.text, table[i].text ? table[i].text : "");
    }
}

static void a_method_has_its_route(void **state)
{
    (void)state;
    static const ws_route routes[] = {
        { .path = "/all", .handler = handler },
        { .path = "/some", .handler = handler, .method = "POST" },
        { .path = "/", .handler = handler },
        { .path = "/all", .handler = handler, .method = "POST" },
        { .path = "/some", .handler = handler, .method = "GET" },
        { .path = "/own", .handler = handler, .method = "GET" },
        { .path = "/own", .handler = handler, .method = "HEAD" },
        { .path = "/own", .handler = handler, .method = "OPTIONS" },
        { .path = "/socket", .socket = socket },
        { .path = "/both", .handler = handler, .method = "POST" },
        { .path = "/both", .socket = socket },
        { 0 },
    };
    static const struct {
        const char *path, *method;
        int route; /* -1: none */
    } table[] = {
        { "/all", "GET", 0 },       { "/all", "POST", 3 },
        { "/all", "post", 0 },      { "/all", "OPTIONS", 0 },
        { "/some", "POST", 1 },     { "/some", "GET", 4 },
        { "/some", "HEAD", 4 },     { "/some", "PUT", -1 },
        { "/some", "OPTIONS", -1 }, { "/some", "get", -1 },
        { "/own", "HEAD", 6 },      { "/own", "OPTIONS", 7 },
        { "/socket", "GET", 8 },    { "/socket", "HEAD", -1 },
        { "/socket", "POST", -1 },  { "/both", "GET", 10 },
        { "/both", "POST", 9 },     { "/both", "HEAD", -1 },
        { "/x", "PUT", 2 },
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        const ws_route *found = ws__route_choose(
            ws__route_find(routes, table[i].path), table[i].method);

        if (found != (table[i].route < 0 ? NULL : &routes[table[i].route]))
            fail_msg("%s %s", table[i].method, table[i].path);
    }

    static const char *const allowed[][2] = {
        { "/some", "POST, GET, HEAD, OPTIONS" },
        { "/own", "GET, HEAD, OPTIONS" },
        { "/socket", "GET, OPTIONS" },
        { "/both", "POST, GET, OPTIONS" },
    };
    for (size_t i = 0; i < COUNT(allowed); i++) {
        char allow[WS__ALLOW_SIZE];

        assert_true(
            ws__route_allow(ws__route_find(routes, allowed[i][0]), allow));
        assert_string_equal(allow, allowed[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_longest_that_matches_is_found),
        cmocka_unit_test(one_that_is_of_no_use_is_an_error),
        cmocka_unit_test(one_that_stands_twice_is_an_error),
        cmocka_unit_test(a_method_has_its_route),
    };

    return cmocka_run_group_tests_name("route", tests, NULL, NULL);
}
