/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <errno.h>
#include <stdio.h>

#include "alloc_fail.h"
#include "base/alloc.h"
#include "proto/trusted.h"

static bool has(const struct ws__trusted *t, const char *text)
{
    struct ws__ip ip;

    assert_true(ws__ip_parse(&ip, ws__str(text)));
    return ws__trusted_has(t, &ip);
}

static void an_empty_list_trusts_nobody(void **state)
{
    (void)state;
    static const char *const empty[] = { NULL };
    struct ws__trusted *t;

    assert_int_equal(ws__trusted_new(&t, NULL, NULL), 0);
    assert_null(t);
    assert_int_equal(ws__trusted_new(&t, empty, NULL), 0);
    assert_null(t);
    assert_false(has(NULL, "127.0.0.1"));
}

static void what_is_listed_is_trusted(void **state)
{
    (void)state;
    static const char *const list[] = { "10.0.0.0/8", "192.0.2.1", "fd00::/8",
                                        NULL };
    struct ws__trusted *t;

    assert_int_equal(ws__trusted_new(&t, list, NULL), 0);
    assert_true(has(t, "10.1.2.3"));
    assert_true(has(t, "::ffff:10.1.2.3"));
    assert_true(has(t, "192.0.2.1"));
    assert_true(has(t, "fd12::1"));
    assert_false(has(t, "192.0.2.2"));
    assert_false(has(t, "127.0.0.1"));
    assert_false(has(t, "::1"));
    assert_false(t->local);
    ws_free(t);
}

static void unix_sockets_are_listed_by_name(void **state)
{
    (void)state;
    static const char *const list[] = { "unix", NULL };
    struct ws__trusted *t;

    assert_int_equal(ws__trusted_new(&t, list, NULL), 0);
    assert_true(t->local);
    assert_false(has(t, "127.0.0.1"));
    ws_free(t);
}

static void a_bad_entry_is_named(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "localhost", "10.0.0.0/33", "unix:/run/x", "10.0.0.1:80", "*"
    };

    for (size_t i = 0; i < COUNT(bad); i++) {
        const char *const list[] = { "10.0.0.0/8", bad[i], NULL };
        char quoted[64];
        struct ws__trusted *t;
        ws_error err = { 0 };

        snprintf(quoted, sizeof(quoted), "got \"%s\"", bad[i]);
        assert_int_equal(ws__trusted_new(&t, list, &err), WS_ERR_INVALID);
        assert_null(t);
        assert_non_null(strstr(err.text, "trusted_proxies: expected"));
        assert_non_null(strstr(err.text, quoted));
    }
}

static void no_memory_is_said(void **state)
{
    (void)state;
    static const char *const list[] = { "10.0.0.0/8", NULL };
    struct ws__trusted *t;
    ws_error err = { 0 };

    alloc_fail_at(1);
    assert_int_equal(ws__trusted_new(&t, list, &err), -ENOMEM);
    alloc_fail_at(0);
    assert_null(t);
    assert_int_equal(err.code, -ENOMEM);
}

int main(void)
{
    alloc_fail_install();

    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_list_trusts_nobody),
        cmocka_unit_test(what_is_listed_is_trusted),
        cmocka_unit_test(unix_sockets_are_listed_by_name),
        cmocka_unit_test(a_bad_entry_is_named),
        cmocka_unit_test(no_memory_is_said),
    };

    return cmocka_run_group_tests_name("trusted", tests, NULL, NULL);
}
