/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <stdio.h>

#include "page_end.h"
#include "proto/proxy_protocol.h"

/* The signature of version 2, the command and the family, the length. */
#define V2(command, family, len)                                               \
    13, 10, 13, 10, 0, 13, 10, 'Q', 'U', 'I', 'T', 10, (command), (family),    \
        (len) >> 8, (len)&255
#define FROM_INET 192, 0, 2, 1, 192, 0, 2, 2, 0x12, 0x67, 0, 80
#define FROM_INET6                                                             \
    0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x20, 1, 0xd,      \
        0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0x12, 0x67, 0, 80
#define LINE(s) (const uint8_t *)(s), sizeof(s) - 1

struct row {
    const char *what;
    const uint8_t *p;
    size_t n;
    enum ws__proxied_from from;
    const char *end;
    bool tls;
};

static const struct row good[] = {
    { "TCP4", LINE("PROXY TCP4 192.0.2.1 192.0.2.2 4711 80\r\n"),
      WS__PROXIED_INET, "192.0.2.1:4711", false },
    { "TCP6", LINE("PROXY TCP6 2001:db8::1 2001:db8::2 4711 0\r\n"),
      WS__PROXIED_INET, "[2001:db8::1]:4711", false },
    { "TCP6 of a mapped address",
      LINE("PROXY TCP6 ::ffff:192.0.2.1 ::ffff:192.0.2.2 1 65535\r\n"),
      WS__PROXIED_INET, "192.0.2.1:1", false },
    { "the longest line of TCP6",
      LINE("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
           "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
      WS__PROXIED_INET, "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
      false },
    { "UNKNOWN", LINE("PROXY UNKNOWN\r\n"), WS__PROXIED_NONE, "none", false },
    { "UNKNOWN and more, of the longest line",
      LINE("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
           "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
      WS__PROXIED_NONE, "none", false },
    { "LOCAL", BYTES(V2(0x20, 0, 0)), WS__PROXIED_NONE, "none", false },
    { "LOCAL with an address, which does not count",
      BYTES(V2(0x20, 0x11, 12), FROM_INET), WS__PROXIED_NONE, "none", false },
    { "LOCAL with bytes of no meaning", BYTES(V2(0x20, 0x11, 3), 1, 2, 3),
      WS__PROXIED_NONE, "none", false },
    { "UNSPEC", BYTES(V2(0x21, 0, 0)), WS__PROXIED_NONE, "none", false },
    { "UNSPEC with bytes", BYTES(V2(0x21, 0, 5), 1, 2, 3, 4, 5),
      WS__PROXIED_NONE, "none", false },
    { "INET", BYTES(V2(0x21, 0x11, 12), FROM_INET), WS__PROXIED_INET,
      "192.0.2.1:4711", false },
    { "INET6", BYTES(V2(0x21, 0x21, 36), FROM_INET6), WS__PROXIED_INET,
      "[2001:db8::1]:4711", false },
    { "INET with TLVs of others",
      BYTES(V2(0x21, 0x11, 12 + 5 + 3), FROM_INET, 1, 0, 2, 'h', '1', 4, 0, 0),
      WS__PROXIED_INET, "192.0.2.1:4711", false },
    { "TLS",
      BYTES(V2(0x21, 0x11, 12 + 8), FROM_INET, 0x20, 0, 5, 1, 0, 0, 0, 0),
      WS__PROXIED_INET, "192.0.2.1:4711", true },
    { "no TLS",
      BYTES(V2(0x21, 0x11, 12 + 8), FROM_INET, 0x20, 0, 5, 6, 0, 0, 0, 0),
      WS__PROXIED_INET, "192.0.2.1:4711", false },
    { "TLS of which nothing is said",
      BYTES(V2(0x21, 0x11, 12 + 3), FROM_INET, 0x20, 0, 0), WS__PROXIED_INET,
      "192.0.2.1:4711", false },
    { "TLS among others",
      BYTES(V2(0x21, 0x21, 36 + 3 + 9), FROM_INET6, 4, 0, 0, 0x20, 0, 6, 3, 0,
            0, 0, 0, 9),
      WS__PROXIED_INET, "[2001:db8::1]:4711", true },
};

static void check(const struct row *row, const struct ws__proxied *p)
{
    char end[WS__ENDPOINT_LEN] = "none";

    if (p->from == WS__PROXIED_INET)
        ws__endpoint_text(end, &p->ip, p->port);
    if (p->from != row->from || strcmp(end, row->end) != 0 ||
        p->tls != row->tls)
        fail_msg("%s: got %d %s %d", row->what, p->from, end, p->tls);
}

static void headers_are_read(void **state)
{
    (void)state;

    for (size_t i = 0; i < COUNT(good); i++) {
        struct ws__proxied p;
        ws_error err = { 0 };
        const void *bytes = at_page_end(good[i].p, good[i].n);
        int n = ws__proxied_read(&p, bytes, good[i].n, &err);

        if (n != (int)good[i].n)
            fail_msg("%s: %d %s", good[i].what, n, err.text);
        check(&good[i], &p);
    }
}

static void at_every_prefix_there_is_more_to_come(void **state)
{
    (void)state;

    for (size_t i = 0; i < COUNT(good); i++)
        for (size_t n = 0; n < good[i].n; n++) {
            struct ws__proxied p;
            const void *bytes = at_page_end(good[i].p, n);

            if (ws__proxied_read(&p, bytes, n, NULL) != 0)
                fail_msg("%s: %zu bytes", good[i].what, n);
        }
}

/* The client's own bytes, be they another header, are left alone. */
static void what_follows_is_not_looked_at(void **state)
{
    (void)state;
    static const char more[] = "PROXY UNKNOWN\r\nGET / HTTP/1.1\r\n\r\n";

    for (size_t i = 0; i < COUNT(good); i++) {
        uint8_t bytes[512];
        size_t n = good[i].n;
        struct ws__proxied p;

        memcpy(bytes, good[i].p, n);
        memcpy(bytes + n, more, sizeof(more));
        assert_int_equal(ws__proxied_read(&p, bytes, n + sizeof(more), NULL),
                         n);
        check(&good[i], &p);
    }
}

static void a_unix_socket_at_the_proxys_has_its_path(void **state)
{
    (void)state;
    uint8_t bytes[16 + 216 + 3] = { V2(0x21, 0x31, 216 + 3) };
    static const uint8_t tlv[] = { 4, 0, 0 };
    struct ws__proxied p;

    strcpy((char *)bytes + 16, "/run/client");
    memcpy(bytes + 16 + 216, tlv, sizeof(tlv));
    assert_int_equal(ws__proxied_read(&p, bytes, sizeof(bytes), NULL),
                     sizeof(bytes));
    assert_int_equal(p.from, WS__PROXIED_LOCAL);
    assert_true(ws__str_is(p.path, "/run/client"));

    memset(bytes + 16, 'x', 108); /* it need not end in NUL */
    assert_int_equal(ws__proxied_read(&p, bytes, sizeof(bytes), NULL),
                     sizeof(bytes));
    assert_int_equal(p.path.n, 108);
}

static void malformed_headers_are_refused(void **state)
{
    (void)state;
    const struct {
        const char *what;
        const uint8_t *p;
        size_t n;
    } bad[] = {
        { "none: HTTP", LINE("GET / HTTP/1.1\r\n") },
        { "none: TLS", BYTES(0x16, 3, 1) },
        { "in small letters", LINE("proxy ") },
        { "a word more than PROXY", LINE("PROXYX") },
        { "no family", LINE("PROXY \r\n") },
        { "no space", LINE("PROXY\r\n") },
        { "another family", LINE("PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n") },
        { "UNKNOWN and no space", LINE("PROXY UNKNOWNX\r\n") },
        { "IPv6 as TCP4", LINE("PROXY TCP4 ::1 ::1 1 2\r\n") },
        { "IPv4 as TCP6", LINE("PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n") },
        { "a name", LINE("PROXY TCP4 a.test 192.0.2.2 1 2\r\n") },
        { "an octal byte", LINE("PROXY TCP4 192.0.2.01 192.0.2.2 1 2\r\n") },
        { "too few", LINE("PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n") },
        { "too many", LINE("PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n") },
        { "two spaces", LINE("PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n") },
        { "a space at the end",
          LINE("PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n") },
        { "a large port", LINE("PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\r\n") },
        { "a zero before", LINE("PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n") },
        { "a sign", LINE("PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\r\n") },
        { "LF alone", LINE("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n") },
        { "a line too long by one",
          LINE("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
               "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535 \r\n") },
        { "without an end",
          LINE("PROXY UNKNOWN xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
               "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx") },
        { "version 1 of 2", BYTES(V2(0x11, 0x11, 12), FROM_INET) },
        { "version 3", BYTES(V2(0x31, 0x11, 12), FROM_INET) },
        { "another command", BYTES(V2(0x22, 0x11, 12), FROM_INET) },
        { "another family", BYTES(V2(0x21, 0x41, 12), FROM_INET) },
        { "another transport", BYTES(V2(0x21, 0x13, 12), FROM_INET) },
        { "INET too short", BYTES(V2(0x21, 0x11, 11)) },
        { "INET6 too short", BYTES(V2(0x21, 0x21, 35)) },
        { "unix too short", BYTES(V2(0x21, 0x31, 215)) },
        { "longer than we take", BYTES(V2(0x20, 0, 4096 - 15)) },
        { "the longest", BYTES(V2(0x21, 0, 65535)) },
        { "a TLV without a length",
          BYTES(V2(0x21, 0x11, 14), FROM_INET, 4, 0) },
        { "a TLV beyond the end",
          BYTES(V2(0x21, 0x11, 15), FROM_INET, 4, 0, 1) },
    };

    for (size_t i = 0; i < COUNT(bad); i++) {
        struct ws__proxied p;
        ws_error err = { 0 };
        const void *bytes = at_page_end(bad[i].p, bad[i].n);
        int n = ws__proxied_read(&p, bytes, bad[i].n, &err);

        if (n != WS_ERR_PROXY)
            fail_msg("%s: %d", bad[i].what, n);
        assert_int_equal(err.code, WS_ERR_PROXY);
        assert_non_null(strstr(err.text, "PROXY protocol: expected "));
    }
}

/* As soon as it can be told: who waits for the rest would wait in vain. */
static void the_first_wrong_byte_is_enough(void **state)
{
    (void)state;
    static const uint8_t signature[] = { V2(0x21, 0x11, 12) };

    for (size_t n = 1; n <= 12; n++) {
        uint8_t bytes[12];
        struct ws__proxied p;

        memcpy(bytes, signature, n);
        bytes[n - 1] ^= 1;
        assert_int_equal(ws__proxied_read(&p, at_page_end(bytes, n), n, NULL),
                         WS_ERR_PROXY);
        if (n > 6)
            continue;
        memcpy(bytes, "PROXY ", n);
        bytes[n - 1] ^= 1;
        assert_int_equal(ws__proxied_read(&p, at_page_end(bytes, n), n, NULL),
                         WS_ERR_PROXY);
    }
}

static void the_longest_header_is_taken(void **state)
{
    (void)state;
    static uint8_t bytes[WS__PROXIED_MAX] = {
        V2(0x21, 0x11, WS__PROXIED_MAX - 16), FROM_INET, 0xee,
        (WS__PROXIED_MAX - 31) >> 8, (WS__PROXIED_MAX - 31) & 255
    };
    struct ws__proxied p;

    assert_int_equal(ws__proxied_read(&p, bytes, sizeof(bytes), NULL),
                     sizeof(bytes));
    assert_int_equal(ws__proxied_read(&p, bytes, sizeof(bytes) - 1, NULL), 0);
}

static void random_bytes_are_taken_or_refused(void **state)
{
    (void)state;
    static const uint8_t head[] = { V2(0x21, 0x11, 12) };
    uint32_t x = 5;

    for (int i = 0; i < 100000; i++) {
        uint8_t bytes[64];
        struct ws__proxied p;

        memcpy(bytes, head, 12);
        for (size_t k = 12; k < sizeof(bytes); k++) {
            x = x * 1664525 + 1013904223;
            bytes[k] = x >> 30 ? (uint8_t)(x >> 20 & 3) : (uint8_t)(x >> 16);
        }
        bytes[12] = (uint8_t)(0x20 | (x >> 9 & 1));
        bytes[14] = 0;
        bytes[15] &= 63;
        size_t n = x >> 26;
        int r = ws__proxied_read(&p, at_page_end(bytes, n), n, NULL);
        assert_true(r == WS_ERR_PROXY || (r >= 0 && r <= (int)n));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_are_read),
        cmocka_unit_test(at_every_prefix_there_is_more_to_come),
        cmocka_unit_test(what_follows_is_not_looked_at),
        cmocka_unit_test(a_unix_socket_at_the_proxys_has_its_path),
        cmocka_unit_test(malformed_headers_are_refused),
        cmocka_unit_test(the_first_wrong_byte_is_enough),
        cmocka_unit_test(the_longest_header_is_taken),
        cmocka_unit_test(random_bytes_are_taken_or_refused),
    };

    return cmocka_run_group_tests_name("proxy_protocol", tests, NULL, NULL);
}
