/* SPDX-License-Identifier: MIT */

#include "test.h"

#include "page_end.h"
#include "proto/query.h"

/* What is read of text, as name=value; each, decoded. */
static void write_pairs(const char *text, size_t n, char out[static 256])
{
    struct ws__str rest = { at_page_end(text, n), n }, name, value;

    *out = '\0';
    while (ws__query_next(&rest, &name, &value)) {
        char decoded[256];

        strncat(out, decoded, ws__query_decode(decoded, name));
        strcat(out, "=");
        strncat(out, decoded, ws__query_decode(decoded, value));
        strcat(out, ";");
    }
}

/* WHATWG URL, section 5.1. */
static void pairs_are_read_and_decoded(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        { "", "" },
        { "a", "a=;" },
        { "a=", "a=;" },
        { "=a", "=a;" },
        { "=", "=;" },
        { "a=1&b=2", "a=1;b=2;" },
        { "&&a=1&&&b=2&&", "a=1;b=2;" },
        { "&", "" },
        { "a=1&a=2&A=3", "a=1;a=2;A=3;" },
        { "a=b=c", "a=b=c;" },
        { "a+b=c+d", "a b=c d;" },
        { "a%2Bb=%20%2b", "a+b= +;" },
        { "a%3Db=%26%3d", "a=b=&=;" },
        { "gr%C3%B6%c3%9fe=\xc3\xb6", "gr\xc3\xb6\xc3\x9f"
                                      "e=\xc3\xb6;" },
        { "a;b=1;2", "a;b=1;2;" }, /* no separator any more */
        /* what is no escape */
        { "a=%", "a=%;" },
        { "a=%4", "a=%4;" },
        { "a=%4x", "a=%4x;" },
        { "a=%x4", "a=%x4;" },
        { "a=%%41", "a=%A;" },
        { "a=%2541", "a=%41;" }, /* once */
        { "a=100%", "a=100%;" },
        /* what no string can hold */
        { "a%00b=c%00d", "a%00b=c%00d;" },
        { "a=%0d%0a", "a=\r\n;" },
    };
    char got[256];

    for (size_t i = 0; i < COUNT(rows); i++) {
        write_pairs(rows[i][0], strlen(rows[i][0]), got);
        assert_string_equal(got, rows[i][1]);
    }
}

static void every_prefix_is_read_to_its_end_and_no_further(void **state)
{
    (void)state;
    static const char text[] = "&a%41=%c3%b6+&&b&=%%4&c=%zz&d=e=f%";
    char got[256];

    for (size_t n = 0; n < sizeof(text); n++) {
        write_pairs(text, n, got);
        assert_true(strlen(got) <= n + 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_are_read_and_decoded),
        cmocka_unit_test(every_prefix_is_read_to_its_end_and_no_further),
    };

    return cmocka_run_group_tests_name("query", tests, NULL, NULL);
}
