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
        { { .path = "/", .handler = handler }, NULL },
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_longest_that_matches_is_found),
        cmocka_unit_test(one_that_is_of_no_use_is_an_error),
    };

    return cmocka_run_group_tests_name("route", tests, NULL, NULL);
}
