/* SPDX-License-Identifier: MIT */

#include "test.h"

#include "base/utf8.h"
#include "page_end.h"

enum { REFUSED = -1 };

/* Can a character begin with these k bytes, of more + 1?  All code points that
 * it may turn into lie between low and high. */
static bool feasible(const uint8_t *p, unsigned k, unsigned more)
{
    static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
    uint32_t low = p[0] & (more ? 0x3fu >> more : 0x7fu), high = low;

    for (unsigned i = 1; i <= more; i++) {
        if (i < k && (p[i] & 0xc0) != 0x80)
            return false;
        low = low << 6 | (i < k ? p[i] & 0x3fu : 0);
        high = high << 6 | (i < k ? p[i] & 0x3fu : 0x3fu);
    }
    return high >= least[more] && low <= 0x10ffff &&
           !(low >= 0xd800 && high <= 0xdfff);
}

/* What RFC 3629 says, in another way: the bytes that the last character lacks;
 * or, at the byte with which no text can begin, REFUSED less its place. */
static int oracle(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n;) {
        unsigned more = p[i] < 0x80             ? 0
                        : (p[i] & 0xe0) == 0xc0 ? 1
                        : (p[i] & 0xf0) == 0xe0 ? 2
                        : (p[i] & 0xf8) == 0xf0 ? 3
                                                : 9;

        for (unsigned k = 0; k <= more && i + k < n; k++)
            if (more == 9 || !feasible(p + i, k + 1, more))
                return REFUSED - (int)(i + k);
        if (i + more >= n)
            return (int)(i + more + 1 - n);
        i += more + 1;
    }
    return 0;
}

/* How many bytes are taken before it says no; n if it does not. */
static size_t refused_at(const uint8_t *p, size_t n)
{
    struct ws__utf8 u = { 0 };

    for (size_t i = 0; i < n; i++)
        if (!ws__utf8_feed(&u, p + i, 1))
            return i;
    return n;
}

static void check(const uint8_t *p, size_t n)
{
    struct ws__utf8 u = { 0 };
    bool ok = ws__utf8_feed(&u, at_page_end(p, n), n);
    int want = oracle(p, n);

    if (ok != (want >= 0) || ws__utf8_complete(&u) != (want == 0) ||
        refused_at(p, n) != (want < 0 ? (size_t)(REFUSED - want) : n))
        fail_msg("%zu bytes: %02x %02x %02x %02x", n, p[0], p[1], p[2], p[3]);
}

static void all_short_sequences_are_judged_as_the_rfc_says(void **state)
{
    (void)state;
    uint8_t p[4] = { 0 };

    for (unsigned v = 0; v < 1 << 16; v++) {
        p[0] = (uint8_t)(v >> 8);
        p[1] = (uint8_t)v;
        check(p, 1);
        check(p, 2);
    }
    for (unsigned a = 0xc0; a < 0x100; a++)
        for (unsigned v = 0; v < 1 << 16; v += v % 256 == 255 ? 1 : 3) {
            p[0] = (uint8_t)a;
            p[1] = (uint8_t)(v >> 8);
            p[2] = (uint8_t)v;
            check(p, 3);
        }
}

static void long_sequences_are_judged_at_their_borders(void **state)
{
    (void)state;
    static const uint8_t bytes[] = { 0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f,
                                     0xa0, 0xbf, 0xc0, 0xc2, 0xe0, 0xed,
                                     0xf0, 0xf4, 0xf5, 0xff };
    uint8_t p[4];

    for (unsigned a = 0xef; a < 0x100; a++)
        for (unsigned i = 0; i < 16 * 16 * 16; i++) {
            p[0] = (uint8_t)a;
            p[1] = bytes[i >> 8];
            p[2] = bytes[i >> 4 & 15];
            p[3] = bytes[i & 15];
            check(p, 4);
        }
}

static const char text[] = "plain text that is long enough for words, "
                           "h\xc3\xa9, \xe2\x82\xac, \xf0\x9f\x98\x80, "
                           "and again plain text that is long enough";

static void every_chunking_gives_the_same(void **state)
{
    (void)state;
    size_t n = sizeof(text) - 1;

    for (size_t a = 0; a <= n; a++)
        for (size_t b = a; b <= n; b++) {
            struct ws__utf8 u = { 0 };

            assert_true(ws__utf8_feed(&u, (const uint8_t *)text, a));
            assert_true(ws__utf8_feed(&u, (const uint8_t *)text + a, b - a));
            assert_true(ws__utf8_feed(&u, (const uint8_t *)text + b, n - b));
            assert_true(ws__utf8_complete(&u));
        }
}

static void every_prefix_that_cuts_a_character_asks_for_more(void **state)
{
    (void)state;
    for (size_t n = 0; n < sizeof(text); n++) {
        struct ws__utf8 u = { 0 };
        bool cut = ((uint8_t)text[n] & 0xc0) == 0x80;

        assert_true(ws__utf8_feed(&u, at_page_end(text, n), n));
        assert_int_equal(ws__utf8_complete(&u), !cut);
    }
}

static void a_bad_byte_is_found_wherever_it_stands(void **state)
{
    (void)state;
    uint8_t p[200];

    for (size_t n = 1; n <= sizeof(p); n++)
        for (size_t i = 0; i < n; i++) {
            struct ws__utf8 u = { 0 };

            memset(p, 'a', n);
            p[i] = 0xff;
            assert_false(ws__utf8_feed(&u, at_page_end(p, n), n));
            assert_false(ws__utf8_feed(&u, (const uint8_t *)"a", 1));
            assert_false(ws__utf8_complete(&u));
        }
}

static void a_cut_goes_through_no_character(void **state)
{
    (void)state;
    static const struct {
        const char *s;
        size_t max, n;
    } rows[] = {
        { "abc", 3, 3 },
        { "abc", 2, 2 },
        { "abc", 0, 0 },
        { "a\xc3\xa9", 2, 1 },
        { "a\xc3\xa9", 3, 3 },
        { "\xe2\x82\xac", 2, 0 },
        { "\xe2\x82\xac"
          "b",
          3, 3 },
        { "\xf0\x9f\x98\x80", 3, 0 },
        { "", 5, 0 },
    };

    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(
            ws__utf8_cut(rows[i].s, strlen(rows[i].s), rows[i].max), rows[i].n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_short_sequences_are_judged_as_the_rfc_says),
        cmocka_unit_test(long_sequences_are_judged_at_their_borders),
        cmocka_unit_test(every_chunking_gives_the_same),
        cmocka_unit_test(every_prefix_that_cuts_a_character_asks_for_more),
        cmocka_unit_test(a_bad_byte_is_found_wherever_it_stands),
        cmocka_unit_test(a_cut_goes_through_no_character),
    };

    return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
