/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "page_end.h"
#include "proto/ip.h"

static bool parse(struct ws__ip *ip, const char *s)
{
    size_t n = strlen(s);

    return ws__ip_parse(ip, (struct ws__str){ at_page_end(s, n), n });
}

/* RFC 4291, section 2.2. */
static const char *const good[] = {
    "0.0.0.0",
    "127.0.0.1",
    "255.255.255.255",
    "192.0.2.33",
    "::",
    "::1",
    "1::",
    "ABCD:EF01:2345:6789:ABCD:EF01:2345:6789",
    "2001:db8:0:0:8:800:200c:417a",
    "2001:DB8::8:800:200C:417A",
    "ff01::101",
    "1:2:3:4:5:6:7::",
    "::2:3:4:5:6:7:8",
    "1::8",
    "::13.1.68.3",
    "1:2:3:4:5:6:13.1.68.3",
    "64:ff9b::192.0.2.33",
};

static void addresses_are_what_the_system_says(void **state)
{
    (void)state;

    for (size_t i = 0; i < COUNT(good); i++) {
        bool v6 = strchr(good[i], ':');
        uint8_t want[16];
        struct ws__ip ip;

        if (!parse(&ip, good[i]))
            fail_msg("refused: %s", good[i]);
        assert_int_equal(inet_pton(v6 ? AF_INET6 : AF_INET, good[i], want), 1);
        assert_int_equal(ip.n, v6 ? 16 : 4);
        assert_memory_equal(ip.bytes, want, ip.n);
    }
}

static void what_is_no_address_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "1",
        "1.2.3",
        "1.2.3.4.5",
        "1.2.3.256",
        "1.2.3.",
        ".1.2.3",
        "1..2.3",
        "01.2.3.4",
        "1.2.3.00",
        "0x1.2.3.4",
        " 1.2.3.4",
        "1.2.3.4 ",
        "a.b.c.d",
        "localhost",
        ":",
        ":::",
        "1:",
        ":1",
        "1:2:3:4:5:6:7",
        "1::2::3",
        "12345::",
        "g::",
        "1:2:3:4:5:6:7:8:9",
        "1:2:3:4:5:6:7:8::",
        "::1:2:3:4:5:6:7:8",
        "1:2:3:4::5:6:7:8",
        "1:2:3:4:5:6:7:1.2.3.4",
        "::1.2.3",
        "1.2.3.4::",
        "::1.2.3.4:5",
        "[::1]",
        "::1%eth0",
        "fe80::1/64",
        "1:2:3:4:5:6:7:",
    };

    for (size_t i = 0; i < COUNT(bad); i++) {
        struct ws__ip ip;

        if (parse(&ip, bad[i]))
            fail_msg("taken: %s", bad[i]);
    }
}

/* Every prefix ends at an unmapped page, and is what the system says of it. */
static void every_prefix_is_judged_as_the_system_does(void **state)
{
    (void)state;

    for (size_t i = 0; i < COUNT(good); i++)
        for (size_t n = 0; n <= strlen(good[i]); n++) {
            char cut[64] = "";
            uint8_t want[16];
            struct ws__ip ip;

            memcpy(cut, good[i], n);
            bool known = inet_pton(AF_INET, cut, want) == 1 ||
                         inet_pton(AF_INET6, cut, want) == 1;
            assert_int_equal(parse(&ip, cut), known);
        }
}

static void random_texts_are_judged_as_the_system_does(void **state)
{
    (void)state;
    static const char alphabet[] = "::::0123f.";
    uint32_t x = 7;

    for (int i = 0; i < 200000; i++) {
        char text[24] = "";
        uint8_t want[16];
        struct ws__ip ip;

        x = x * 1664525 + 1013904223;
        for (uint32_t n = 0, y = x >> 8; n < 2 + (x >> 28); n++) {
            y = y * 1664525 + 1013904223;
            text[n] = alphabet[(y >> 24) % (sizeof(alphabet) - 1)];
        }
        bool known = inet_pton(AF_INET6, text, want) == 1;
        if (parse(&ip, text) != known && !strchr(text, '.'))
            fail_msg("%s: expected %d", text, known);
        if (known && ip.n == 16)
            assert_memory_equal(ip.bytes, want, 16);
    }
}

static void an_ipv4_address_in_ipv6_is_ipv4(void **state)
{
    (void)state;
    static const char *const forms[] = { "::ffff:192.0.2.33", "::FFFF:c000:221",
                                         "0:0:0:0:0:ffff:c000:0221" };

    /* RFC 4291, section 2.5.5.2. */
    for (size_t i = 0; i < COUNT(forms); i++) {
        struct ws__ip ip;

        assert_true(parse(&ip, forms[i]));
        assert_int_equal(ip.n, 4);
        assert_memory_equal(ip.bytes, ((uint8_t[]){ 192, 0, 2, 33 }), 4);
    }
}

static void loopback_is_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *ip;
        bool loopback;
    } rows[] = {
        { "127.0.0.1", true },  { "127.255.255.255", true },
        { "::1", true },        { "::ffff:127.0.0.1", true },
        { "126.0.0.1", false }, { "128.0.0.1", false },
        { "::", false },        { "::2", false },
        { "1::1", false },      { "0.0.0.0", false },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ws__ip ip;

        assert_true(parse(&ip, rows[i].ip));
        assert_int_equal(ws__ip_is_loopback(&ip), rows[i].loopback);
    }
}

static void link_local_addresses_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *ip;
        bool link_local;
    } rows[] = {
        { "fe80::", true },       { "febf:ffff::1", true },
        { "fe7f::1", false },     { "fec0::1", false },
        { "::1", false },         { "ff02::1", false },
        { "169.254.0.1", false }, /* needs no zone */
        { "254.128.0.1", false },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ws__ip ip;

        assert_true(parse(&ip, rows[i].ip));
        assert_int_equal(ws__ip_is_link_local(&ip), rows[i].link_local);
    }
}

static void prefixes_are_compared_by_bits(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        size_t bits; /* the longest prefix that is the same */
    } rows[] = {
        { "10.0.0.0", "138.0.0.0", 0 },     { "10.0.0.0", "10.0.0.1", 31 },
        { "10.0.0.0", "10.0.16.0", 19 },    { "10.0.0.0", "10.0.0.0", 32 },
        { "2001:db8::", "2001:db9::", 31 }, { "::", "::1", 127 },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ws__ip a, b;

        assert_true(parse(&a, rows[i].a));
        assert_true(parse(&b, rows[i].b));
        for (size_t bits = 0; bits <= 130; bits++)
            assert_int_equal(ws__ip_same_prefix(&a, &b, bits),
                             bits <= rows[i].bits);
    }
}

static void two_families_have_no_prefix_in_common(void **state)
{
    (void)state;
    struct ws__ip a, b;

    assert_true(parse(&a, "0.0.0.0"));
    assert_true(parse(&b, "::"));
    assert_false(ws__ip_same_prefix(&a, &b, 0));
}

static void assert_text(const char *ip, int port, const char *text)
{
    char out[WS__ENDPOINT_LEN];
    struct ws__ip parsed;

    assert_true(parse(&parsed, ip));
    ws__endpoint_text(out, &parsed, port);
    assert_string_equal(out, text);
}

/* RFC 5952, section 4. */
static void addresses_have_one_text(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        { "192.0.2.33", "192.0.2.33" },
        { "0.0.0.0", "0.0.0.0" },
        { "::", "[::]" },
        { "::1", "[::1]" },
        { "1::", "[1::]" },
        { "2001:DB8:0:0:0:0:2:1", "[2001:db8::2:1]" },
        { "2001:0db8::0001", "[2001:db8::1]" },
        { "2001:db8:0:1:1:1:1:1", "[2001:db8:0:1:1:1:1:1]" },
        { "2001:0:0:1:0:0:0:1", "[2001:0:0:1::1]" },
        { "2001:db8:0:0:1:0:0:1", "[2001:db8::1:0:0:1]" },
        { "0:0:3:4:5:6:0:0", "[::3:4:5:6:0:0]" },
        { "1:2:3:4:5:6:7:8", "[1:2:3:4:5:6:7:8]" },
        { "::ffff:192.0.2.1", "192.0.2.1" },
    };

    for (size_t i = 0; i < COUNT(rows); i++)
        assert_text(rows[i][0], WS__NO_PORT, rows[i][1]);
    assert_text("192.0.2.33", 0, "192.0.2.33:0");
    assert_text("255.255.255.255", 65535, "255.255.255.255:65535");
    assert_text("1111:2222:3333:4444:5555:6666:7777:8888", 65535,
                "[1111:2222:3333:4444:5555:6666:7777:8888]:65535");
}

static bool has_dots(const char *text)
{
    return strchr(text, '.') != NULL;
}

static void random_addresses_have_the_systems_text(void **state)
{
    (void)state;
    uint32_t x = 3;

    for (int i = 0; i < 20000; i++) {
        char want[INET6_ADDRSTRLEN], got[WS__ENDPOINT_LEN];
        struct ws__ip ip = { .n = 16 };

        for (size_t k = 0; k < 16; k++) {
            x = x * 1664525 + 1013904223;
            ip.bytes[k] = x >> 30 ? 0 : (uint8_t)(x >> 16);
        }
        assert_non_null(inet_ntop(AF_INET6, ip.bytes, want, sizeof(want)));
        ws__endpoint_text(got, &ip, WS__NO_PORT);
        if (has_dots(want)) /* which is for what looks like IPv4 */
            continue;
        got[strlen(got) - 1] = '\0';
        assert_string_equal(got + 1, want);
    }
}

static void ends_are_read_with_and_without_a_port(void **state)
{
    (void)state;
    static const struct {
        const char *text, *ip;
        int port;
    } rows[] = {
        { "192.0.2.1", "192.0.2.1", WS__NO_PORT },
        { "192.0.2.1:80", "192.0.2.1", 80 },
        { "192.0.2.1:0", "192.0.2.1", 0 },
        { "2001:db8::1", "2001:db8::1", WS__NO_PORT },
        { "[2001:db8::1]", "2001:db8::1", WS__NO_PORT },
        { "[2001:db8::1]:65535", "2001:db8::1", 65535 },
        { "[::ffff:192.0.2.1]:1", "192.0.2.1", 1 },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        size_t n = strlen(rows[i].text);
        struct ws__ip ip, want;
        int port;

        assert_true(parse(&want, rows[i].ip));
        struct ws__str s = { at_page_end(rows[i].text, n), n };
        if (!ws__endpoint_parse(&ip, &port, s))
            fail_msg("refused: %s", rows[i].text);
        assert_int_equal(port, rows[i].port);
        assert_int_equal(ip.n, want.n);
        assert_memory_equal(ip.bytes, want.bytes, ip.n);
    }
}

static void what_is_no_end_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        ":",
        ":80",
        "192.0.2.1:",
        "192.0.2:80",
        "192.0.2.1:x",
        "192.0.2.1:65536",
        "192.0.2.1:80:80",
        "192.0.2.1 :80",
        "192.0.2.1:-1",
        "[",
        "[]",
        "[]:80",
        "[192.0.2.1]:80",
        "[192.0.2.1]",
        "[::1",
        "[::1]80",
        "[::1]:",
        "[::1]:65536",
        "[::1%eth0]:80",
        "::1]",
        "[[::1]]",
        "a.test:80",
        "unknown",
        "_hidden",
    };

    for (size_t i = 0; i < COUNT(bad); i++) {
        size_t n = strlen(bad[i]);
        struct ws__ip ip;
        int port;

        if (ws__endpoint_parse(&ip, &port,
                               (struct ws__str){ at_page_end(bad[i], n), n }))
            fail_msg("taken: %s", bad[i]);
    }
}

static bool parse_cidr(struct ws__cidr *c, const char *s)
{
    size_t n = strlen(s);

    return ws__cidr_parse(c, (struct ws__str){ at_page_end(s, n), n });
}

static void networks_have_what_begins_like_them(void **state)
{
    (void)state;
    static const struct {
        const char *network, *ip;
        bool has;
    } rows[] = {
        { "10.0.0.0/8", "10.255.0.1", true },
        { "10.0.0.0/8", "11.0.0.0", false },
        { "10.1.2.3/8", "10.0.0.0", true },
        { "0.0.0.0/0", "255.255.255.255", true },
        { "0.0.0.0/0", "::1", false },
        { "192.0.2.1", "192.0.2.1", true },
        { "192.0.2.1", "192.0.2.2", false },
        { "192.0.2.1/32", "::ffff:192.0.2.1", true },
        { "192.0.2.2/31", "192.0.2.3", true },
        { "192.0.2.2/31", "192.0.2.4", false },
        { "::/0", "2001:db8::1", true },
        { "::/0", "192.0.2.1", false },
        { "fd00::/8", "fdff::1", true },
        { "fd00::/8", "fc00::1", false },
        { "2001:db8::1", "2001:db8::1", true },
        { "2001:db8::1/128", "2001:db8::2", false },
        { "::ffff:10.0.0.0/104", "10.9.9.9", true },
        { "::ffff:10.0.0.0/104", "11.0.0.0", false },
        { "::ffff:10.0.0.1", "10.0.0.1", true },
        { "::ffff:0:0/96", "192.0.2.1", true },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ws__cidr c;
        struct ws__ip ip;

        if (!parse_cidr(&c, rows[i].network))
            fail_msg("refused: %s", rows[i].network);
        assert_true(parse(&ip, rows[i].ip));
        if (ws__cidr_has(&c, &ip) != rows[i].has)
            fail_msg("%s in %s", rows[i].ip, rows[i].network);
    }
}

static void what_is_no_network_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "/",
        "/8",
        "10.0.0.0/",
        "10.0.0.0/33",
        "10.0.0.0/-1",
        "10.0.0.0/8 ",
        "10.0.0.0/8/8",
        "10.0.0/8",
        "10/8",
        "::/129",
        "::ffff:10.0.0.0/95",
        "::ffff:10.0.0.0/8",
        "::ffff:10.0.0.0/129",
        "[::1]",
        "[::]/0",
        "10.0.0.0/255.0.0.0",
        "10.0.0.1:80",
        "localhost",
        "*",
    };

    for (size_t i = 0; i < COUNT(bad); i++) {
        struct ws__cidr c;

        if (parse_cidr(&c, bad[i]))
            fail_msg("taken: %s", bad[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_what_the_system_says),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(every_prefix_is_judged_as_the_system_does),
        cmocka_unit_test(random_texts_are_judged_as_the_system_does),
        cmocka_unit_test(an_ipv4_address_in_ipv6_is_ipv4),
        cmocka_unit_test(loopback_is_told_apart),
        cmocka_unit_test(link_local_addresses_are_told_apart),
        cmocka_unit_test(prefixes_are_compared_by_bits),
        cmocka_unit_test(two_families_have_no_prefix_in_common),
        cmocka_unit_test(addresses_have_one_text),
        cmocka_unit_test(random_addresses_have_the_systems_text),
        cmocka_unit_test(ends_are_read_with_and_without_a_port),
        cmocka_unit_test(what_is_no_end_is_refused),
        cmocka_unit_test(networks_have_what_begins_like_them),
        cmocka_unit_test(what_is_no_network_is_refused),
    };

    return cmocka_run_group_tests_name("ip", tests, NULL, NULL);
}
