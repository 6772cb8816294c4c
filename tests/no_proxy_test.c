/* SPDX-License-Identifier: MIT */

#include "test.h"

#include "page_end.h"
#include "proto/no_proxy.h"

static const struct {
    const char *list, *host, *port;
    bool direct;
} rows[] = {
    /* Without an entry. */
    { NULL, "a.example", "80", false },
    { "", "a.example", "80", false },
    { " , ,", "a.example", "80", false },
    { NULL, "localhost", "80", true },
    { NULL, "LocalHost.", "80", true },
    { NULL, "127.0.0.1", "80", true },
    { NULL, "127.9.9.9", "80", true },
    { NULL, "::1", "80", true },
    { NULL, "localhost.example", "80", false },
    /* Everything. */
    { "*", "a.example", "80", true },
    { "b.example, *", "2001:db8::1", "80", true },
    { "*a.example", "ba.example", "80", false },
    /* Names, and what ends in them. */
    { "a.example", "a.example", "80", true },
    { "a.example", "A.Example", "80", true },
    { "A.EXAMPLE", "a.example.", "80", true },
    { "a.example.", "a.example", "80", true },
    { "a.example", "x.y.a.example", "80", true },
    { "a.example", "xa.example", "80", false },
    { "a.example", "example", "80", false },
    { "a.example", "a.example.net", "80", false },
    { ".a.example", "x.a.example", "80", true },
    { ".a.example", "a.example", "80", false },
    { ".a.example", "xa.example", "80", false },
    { "*.a.example", "x.a.example", "80", true },
    { "*.a.example", "a.example", "80", false },
    { "*.", "a.example", "80", false },
    { ".", "a.example", "80", false },
    { "x.example,a.example", "a.example", "80", true },
    { " x.example \ta.example ", "a.example", "80", true },
    { "x.example,y.example", "a.example", "80", false },
    /* Ports. */
    { "a.example:80", "a.example", "80", true },
    { "a.example:80", "x.a.example", "80", true },
    { "a.example:80", "a.example", "81", false },
    { ".a.example:81", "x.a.example", "81", true },
    { "a.example:", "a.example", "80", false },
    { "192.0.2.1:80", "192.0.2.1", "80", true },
    { "192.0.2.1:80", "192.0.2.1", "8", false },
    { "[2001:db8::1]:80", "2001:db8::1", "80", true },
    { "[2001:db8::1]:80", "2001:db8::1", "81", false },
    { "[2001:db8::1]x80", "2001:db8::1", "80", false },
    /* Addresses. */
    { "192.0.2.1", "192.0.2.1", "80", true },
    { "192.0.2.1", "192.0.2.11", "80", false },
    { "192.0.2.1", "x.192.0.2.1", "80", false },
    { "0.2.1", "192.0.2.1", "80", false },
    { "2001:db8::1", "2001:DB8:0::1", "80", true },
    { "[2001:db8::1]", "2001:db8::1", "80", true },
    { "[2001:db8::1", "2001:db8::1", "80", false },
    { "[", "2001:db8::1", "80", false },
    { "::ffff:192.0.2.1", "192.0.2.1", "80", true },
    /* Networks (RFC 4632, section 3.1; RFC 4291, section 2.3). */
    { "192.0.2.0/24", "192.0.2.255", "80", true },
    { "192.0.2.0/24", "192.0.3.0", "80", false },
    { "192.0.2.77/24", "192.0.2.1", "80", true },
    { "10.0.0.0/8", "10.1.2.3", "80", true },
    { "10.0.0.0/9", "10.128.0.0", "80", false },
    { "0.0.0.0/0", "192.0.2.1", "80", true },
    { "0.0.0.0/0", "2001:db8::1", "80", false },
    { "0.0.0.0/0", "a.example", "80", false },
    { "2001:db8::/32", "2001:db8:ffff::1", "80", true },
    { "2001:db8::/33", "2001:db8:ffff::1", "80", false },
    { "::/0", "192.0.2.1", "80", false },
    { "10.0.0.0/33", "10.0.0.0", "80", false },
    { "10.0.0.0/", "10.0.0.0", "80", false },
    { "10.0.0.0/x", "10.0.0.0", "80", false },
    { "10.0.0.0/8/8", "10.0.0.0", "80", false },
    { "/8", "10.0.0.0", "80", false },
    { "a.example/8", "a.example", "80", false },
};

static void entries_decide_who_is_reached_directly(void **state)
{
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *list = rows[i].list;

        if (list)
            list = at_page_end(list, strlen(list) + 1);
        if (ws__no_proxy(list, rows[i].host, rows[i].port) != rows[i].direct)
            fail_msg("\"%s\", %s:%s: expected %d", rows[i].list, rows[i].host,
                     rows[i].port, rows[i].direct);
    }
}

/* Whatever stands before an entry, and behind it, changes nothing. */
static void entries_stand_for_themselves(void **state)
{
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        char list[128] = "[,/,:,[]:,other.example:1,";

        if (!rows[i].list)
            continue;
        strcat(strcat(list, rows[i].list), ",[::2]:,*x,..,1.2.3.4/99");
        assert_int_equal(ws__no_proxy(list, rows[i].host, rows[i].port),
                         rows[i].direct);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_decide_who_is_reached_directly),
        cmocka_unit_test(entries_stand_for_themselves),
    };

    return cmocka_run_group_tests_name("no_proxy", tests, NULL, NULL);
}
