/* SPDX-License-Identifier: MIT */

#include "test.h"

#include "page_end.h"
#include "proto/cookie.h"

static void write_cookies(const char *text, size_t n, char out[static 256])
{
    struct ws__str rest = { at_page_end(text, n), n }, name, value;

    *out = '\0';
    while (ws__cookie_next(&rest, &name, &value)) {
        strncat(out, name.p, name.n);
        strcat(out, ">");
        strncat(out, value.p, value.n);
        strcat(out, "|");
    }
}

/* RFC 6265, section 4.2.1, and what clients send beside it. */
static void cookies_are_read(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        { "SID=31d4d96e407aad42", "SID>31d4d96e407aad42|" },
        { "SID=31d4; lang=en-US", "SID>31d4|lang>en-US|" },
        { "a=1; a=2; A=3", "a>1|a>2|A>3|" },
        { "a=1;b=2", "a>1|b>2|" },
        { "a=1 ;\t b = 2 ", "a>1|b>2|" },
        { "a=", "a>|" },
        { "a=b=c==", "a>b=c==|" },
        { "a=\"b c\"", "a>b c|" },
        { "a=\"\"", "a>|" },
        { "a=\"", "a>\"|" },
        { "a=\"b", "a>\"b|" },
        { "a=b\"c\"", "a>b\"c\"|" },
        { "a=%41+", "a>%41+|" }, /* no encoding that all agree on */
        { "a=b,c", "a>b,c|" },
        { "__Host-a=1", "__Host-a>1|" },
        /* no name */
        { "", "" },
        { ";", "" },
        { "; ;;", "" },
        { "a", "" },
        { "=a", "" },
        { " =a; b=2", "b>2|" },
        { "a; b=2; c", "b>2|" },
        { "a=1;", "a>1|" },
    };
    char got[256];

    for (size_t i = 0; i < COUNT(rows); i++) {
        write_cookies(rows[i][0], strlen(rows[i][0]), got);
        assert_string_equal(got, rows[i][1]);
    }
}

static void every_prefix_is_read_to_its_end_and_no_further(void **state)
{
    (void)state;
    static const char text[] = "; a=\"1\";b; =c;;d = \"e; f=g=h ; \"";
    char got[256];

    for (size_t n = 0; n < sizeof(text); n++) {
        write_cookies(text, n, got);
        assert_true(strlen(got) <= n + 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cookies_are_read),
        cmocka_unit_test(every_prefix_is_read_to_its_end_and_no_further),
    };

    return cmocka_run_group_tests_name("cookie", tests, NULL, NULL);
}
