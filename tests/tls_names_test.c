/* SPDX-License-Identifier: MIT */

/* Which certificate has a name. */

#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "alloc_fail.h"
#include "certs.h"
#include "io/tls_names.h"

static const char *const sans[] = {
    "DNS:one.test,DNS:*.wild.test,IP:192.0.2.1,email:me@mail.test",
    "DNS:Two.Test,DNS:one.test,DNS:deep.wild.test,DNS:dot.test.",
    NULL,
    "DNS:*.deep.wild.test,DNS:*",
};

enum { FOUND_MAX = 16 };

static struct cert certs[COUNT(sans)];

/* The certificates that are found, as digits. */
static void find(const struct ws__tls_names *names, const char *name,
                 char found[FOUND_MAX])
{
    const struct ws__tls_name *first = NULL;
    size_t n = ws__tls_names_find(names, name, &first);

    assert_true(n < FOUND_MAX);
    memset(found, '\0', FOUND_MAX);
    for (size_t i = 0; i < n && i < FOUND_MAX; i++)
        found[i] = (char)('0' + first[i].whose);
}

static int add_all(struct ws__tls_names *names)
{
    for (size_t i = 0; i < COUNT(certs); i++)
        if (ws__tls_names_add(names, certs[i].x509, i) != 0)
            return -ENOMEM;
    ws__tls_names_sort(names);
    return 0;
}

static void a_name_leads_to_its_certificates(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *found;
    } rows[] = {
        { "one.test", "01" },
        { "ONE.test", "01" },
        { "one.test.", "01" },
        { "two.test", "1" },
        { "dot.test", "1" },
        { "a.wild.test", "0" },
        { "A.WILD.TEST", "0" },
        { "deep.wild.test", "1" }, /* before the wildcard */
        { "a.deep.wild.test", "3" },
        { "a.b.wild.test", "" },
        { "wild.test", "" },
        { "test", "" }, /* "*" stands for no host */
        { "three.test", "" },
        { "192.0.2.1", "" },
        { "mail.test", "" },
        { "", "" },
        { ".", "" },
        { ".wild.test", "0" },
    };
    struct ws__tls_names names = { 0 };

    assert_int_equal(add_all(&names), 0);
    for (size_t i = 0; i < COUNT(rows); i++) {
        char found[FOUND_MAX];

        find(&names, rows[i].name, found);
        assert_string_equal(found, rows[i].found);
    }
    ws__tls_names_fini(&names);
}

static void no_name_is_too_long_to_look_for(void **state)
{
    (void)state;
    struct ws__tls_names names = { 0 };
    char name[512], found[16];

    assert_int_equal(add_all(&names), 0);
    for (size_t n = 0; n < sizeof(name); n++) {
        memset(name, 'x', n);
        name[n] = '\0';
        find(&names, name, found);
        assert_string_equal(found, "");
        if (n > 10) {
            memcpy(name + n - 10, ".wild.test", 10);
            find(&names, name, found);
            assert_string_equal(found, n <= 253 ? "0" : "");
        }
    }
    ws__tls_names_fini(&names);
}

static void an_empty_list_has_none(void **state)
{
    (void)state;
    struct ws__tls_names names = { 0 };
    char found[FOUND_MAX];

    ws__tls_names_sort(&names);
    find(&names, "one.test", found);
    assert_string_equal(found, "");
    ws__tls_names_fini(&names);
}

static void every_failed_allocation_is_survived(void **state)
{
    (void)state;
    bool failed = true;

    for (long n = 1; failed; n++) {
        struct ws__tls_names names = { 0 };

        alloc_fail_at(n);
        int error = add_all(&names);
        failed = alloc_failed();
        alloc_fail_at(0);
        assert_int_equal(error, failed ? -ENOMEM : 0);
        ws__tls_names_fini(&names);
    }
}

static int make_certs(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(certs); i++)
        certs[i] = cert_make(
            (struct cert_spec){ .cn = "three.test", .san = sans[i] }, NULL);
    return 0;
}

static int free_certs(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(certs); i++)
        cert_free(&certs[i]);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_leads_to_its_certificates),
        cmocka_unit_test(no_name_is_too_long_to_look_for),
        cmocka_unit_test(an_empty_list_has_none),
        cmocka_unit_test(every_failed_allocation_is_survived),
    };

    alloc_fail_install();
    return cmocka_run_group_tests_name("tls_names", tests, make_certs,
                                       free_certs);
}
