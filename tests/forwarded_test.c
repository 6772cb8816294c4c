/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "page_end.h"
#include "proto/forwarded.h"

enum { FIELDS = 4, X = 512 };

#define FWD "Forwarded"
#define XFF "X-Forwarded-For"
#define XFP "X-Forwarded-Proto"
#define XFH "X-Forwarded-Host"

static struct ws__trusted *trusted; /* 10.0.0.0/8 and fd00::/8 */

static const char *read_fields(struct ws__forwarded *f,
                               const ws_header *headers)
{
    return ws__forwarded_read(f, headers, trusted);
}

/* What is expected of a request of these fields. */
struct row {
    const char *what;
    ws_header fields[FIELDS + 1];
    const char *end; /* NULL: no address */
    enum ws__said tls;
    const char *host; /* NULL: unsaid */
};

static void check(const struct row *row)
{
    struct ws__forwarded f;
    char end[WS__ENDPOINT_LEN] = "none";
    const char *error = read_fields(&f, row->fields);

    if (error)
        fail_msg("%s: %s", row->what, error);
    if (f.has_ip)
        ws__endpoint_text(end, &f.ip, f.port);
    if (strcmp(end, row->end ? row->end : "none") != 0)
        fail_msg("%s: expected %s, got %s", row->what,
                 row->end ? row->end : "none", end);
    if (f.tls != row->tls)
        fail_msg("%s: tls is %d", row->what, f.tls);
    if (!ws__str_is(f.host, row->host ? row->host : ""))
        fail_msg("%s: host is %.*s", row->what, (int)f.host.n, f.host.p);
}

static void check_all(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        check(&rows[i]);
}

static void without_fields_nothing_is_said(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "none", { { "Host", "a" } }, NULL, WS__UNSAID, NULL },
        { "empty ones",
          { { FWD, "" }, { XFF, "" }, { XFP, "" } },
          NULL,
          WS__UNSAID,
          NULL },
        { "only commas",
          { { FWD, " ,;, " }, { XFF, ",, ," } },
          NULL,
          WS__UNSAID,
          NULL },
    };

    check_all(rows, COUNT(rows));
}

static void the_client_is_searched_from_the_right(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "one", { { XFF, "192.0.2.1" } }, "192.0.2.1", 0, NULL },
        { "what the client has said itself is passed over",
          { { XFF, "198.51.100.7, 192.0.2.1" } },
          "192.0.2.1",
          0,
          NULL },
        { "trusted ones are passed over",
          { { XFF, "198.51.100.7, 192.0.2.1, 10.0.0.1,fd00::1" } },
          "192.0.2.1",
          0,
          NULL },
        { "a trusted one left of it is not looked at",
          { { XFF, "10.0.0.9, 192.0.2.1, 10.0.0.1" } },
          "192.0.2.1",
          0,
          NULL },
        { "all are trusted: the first",
          { { XFF, "10.0.0.3, 10.0.0.2, 10.0.0.1" } },
          "10.0.0.3",
          0,
          NULL },
        { "fields are one list",
          { { XFF, "198.51.100.7" },
            { XFF, "192.0.2.1" },
            { XFF, "10.0.0.1" } },
          "192.0.2.1",
          0,
          NULL },
        { "with a port",
          { { XFF, "192.0.2.1:4711" } },
          "192.0.2.1:4711",
          0,
          NULL },
        { "IPv6", { { XFF, "2001:DB8::1" } }, "[2001:db8::1]", 0, NULL },
        { "IPv6 in brackets",
          { { XFF, "[2001:db8::1]:80, [fd00::1]:1" } },
          "[2001:db8::1]:80",
          0,
          NULL },
        { "a mapped one is IPv4",
          { { XFF, "::ffff:192.0.2.1, ::ffff:10.0.0.1" } },
          "192.0.2.1",
          0,
          NULL },
        { "empty ones do not count",
          { { XFF, ", 192.0.2.1,\t, 10.0.0.1 ,," } },
          "192.0.2.1",
          0,
          NULL },
        { "names in any case",
          { { "x-forwarded-FOR", "192.0.2.1" } },
          "192.0.2.1",
          0,
          NULL },
    };

    check_all(rows, COUNT(rows));
}

static void what_is_no_address_ends_the_search(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "the proxy itself is left",
          { { XFF, "192.0.2.1, unknown" } },
          NULL,
          0,
          NULL },
        { "the one who wrote it is left",
          { { XFF, "192.0.2.1, unknown, 10.0.0.2, 10.0.0.1" } },
          "10.0.0.2",
          0,
          NULL },
        { "a port that is none",
          { { XFF, "192.0.2.1:99999, 10.0.0.1" } },
          "10.0.0.1",
          0,
          NULL },
        { "a name", { { XFF, "a.test, 10.0.0.1" } }, "10.0.0.1", 0, NULL },
        { "left of the client it says nothing",
          { { XFF, "junk, 192.0.2.1, 10.0.0.1" } },
          "192.0.2.1",
          0,
          NULL },
        { "hidden (RFC 7239, section 6.3)",
          { { FWD, "for=192.0.2.1, for=_hidden, for=10.0.0.1" } },
          "10.0.0.1",
          0,
          NULL },
        { "unknown (RFC 7239, section 6.2)",
          { { FWD, "for=unknown" } },
          NULL,
          0,
          NULL },
        { "it is unsaid",
          { { FWD, "for=192.0.2.1, by=10.0.0.1" } },
          NULL,
          0,
          NULL },
    };

    check_all(rows, COUNT(rows));
}

static void forwarded_is_read_by_its_grammar(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "one", { { FWD, "for=192.0.2.1" } }, "192.0.2.1", 0, NULL },
        { "all there is",
          { { FWD, "for=192.0.2.1;proto=https;by=10.0.0.1;host=a.test" } },
          "192.0.2.1",
          WS__SAID_TLS,
          "a.test" },
        { "names in any case",
          { { "FORWARDED", "FOR=192.0.2.1;Proto=HTTP" } },
          "192.0.2.1",
          WS__SAID_PLAIN,
          NULL },
        { "quoted",
          { { FWD, "for=\"192.0.2.1:80\";host=\"a.test:8443\"" } },
          "192.0.2.1:80",
          0,
          "a.test:8443" },
        { "IPv6",
          { { FWD, "for=\"[2001:db8::1]:80\"" } },
          "[2001:db8::1]:80",
          0,
          NULL },
        { "IPv6 without a port",
          { { FWD, "for=\"[2001:db8::1]\"" } },
          "[2001:db8::1]",
          0,
          NULL },
        { "a hidden port",
          { { FWD, "for=\"[2001:db8::1]:_x\"" } },
          "[2001:db8::1]",
          0,
          NULL },
        { "a hidden port of IPv4",
          { { FWD, "for=\"192.0.2.1:_x1\"" } },
          "192.0.2.1",
          0,
          NULL },
        { "blanks, empty parts, extensions",
          { { FWD, " for=192.0.2.1 ; secret=\"a,b;c\\\"d\" ;;proto=wss , ,"
                   "for=10.0.0.1" } },
          "192.0.2.1",
          WS__SAID_TLS,
          NULL },
        { "proto and host of the hop that has the client",
          { { FWD, "for=198.51.100.7;proto=http;host=x.test,"
                   "for=192.0.2.1;proto=https;host=a.test,"
                   "for=10.0.0.1;proto=http;host=b.test" } },
          "192.0.2.1",
          WS__SAID_TLS,
          "a.test" },
        { "fields are one list",
          { { FWD, "for=192.0.2.1;proto=https" }, { FWD, "for=10.0.0.1" } },
          "192.0.2.1",
          WS__SAID_TLS,
          NULL },
        { "a scheme of another kind",
          { { FWD, "for=192.0.2.1;proto=ftp" } },
          "192.0.2.1",
          0,
          NULL },
        { "an escape is in no address",
          { { FWD, "for=\"192.0.2.\\1\"" } },
          NULL,
          0,
          NULL },
        { "empty values",
          { { FWD, "for=\"\";host=\"\";proto=\"\"" } },
          NULL,
          0,
          NULL },
    };

    check_all(rows, COUNT(rows));
}

static void malformed_ones_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "for",                        /* RFC 7239, section 4: token "=" value */
        "for=",                       /* value */
        "=192.0.2.1",                 /* token */
        "for =192.0.2.1",             /* no blanks around "=" */
        "for= 192.0.2.1",             /* the same */
        "for=192.0.2.1:80",           /* a colon has to be quoted */
        "for=[2001:db8::1]",          /* brackets too */
        "for=192.0.2.1 for=x",        /* what separates them */
        "for=192.0.2.1;for=x",        /* each at most once */
        "proto=http;PROTO=https",     /* in any case */
        "host=a;host=a",              /* even if it is the same */
        "by=a;by=b",                  /* whatever it is */
        "for=\"192.0.2.1",            /* RFC 9110, section 5.6.4 */
        "for=\"192.0.2.1\\",          /* the same */
        "for=\"192.0.2.1\\\"",        /* the same */
        "for=\"a\"b",                 /* the same */
        "for=\x01",                   /* no token */
        "for=192.0.2.1;host=\"a b\"", /* RFC 9110, section 7.2 */
        "for=192.0.2.1;host=\"a@b\"", /* the same */
    };

    for (size_t i = 0; i < COUNT(bad); i++) {
        const ws_header fields[] = { { FWD, bad[i] }, { 0 } };
        struct ws__forwarded f;

        if (!read_fields(&f, fields))
            fail_msg("taken: %s", bad[i]);
    }
}

static void of_the_others_the_last_value_counts(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "alone",
          { { XFP, "https" }, { XFH, "a.test:8443" } },
          NULL,
          WS__SAID_TLS,
          "a.test:8443" },
        { "of a list",
          { { XFP, "http, https" }, { XFH, "x.test,a.test" } },
          NULL,
          WS__SAID_TLS,
          "a.test" },
        { "of several fields",
          { { XFH, "x.test" }, { XFH, "a.test" }, { XFP, "HTTP" } },
          NULL,
          WS__SAID_PLAIN,
          "a.test" },
        { "another protocol",
          { { XFP, "https, quic" } },
          NULL,
          WS__UNSAID,
          NULL },
        { "IPv6", { { XFH, "[::1]:8443" } }, NULL, 0, "[::1]:8443" },
    };
    static const ws_header bad[] = { { XFH, "a.test/" }, { 0 } };
    struct ws__forwarded f;

    check_all(rows, COUNT(rows));
    assert_non_null(read_fields(&f, bad));
}

static void both_have_to_agree(void **state)
{
    (void)state;
    static const struct row good[] = {
        { "the same client",
          { { FWD, "for=\"192.0.2.1:80\"" }, { XFF, "192.0.2.1, 10.0.0.1" } },
          "192.0.2.1:80",
          0,
          NULL },
        { "the same of all",
          { { FWD, "for=192.0.2.1;proto=https;host=A.test" },
            { XFF, "192.0.2.1" },
            { XFP, "wss" },
            { XFH, "a.TEST" } },
          "192.0.2.1",
          WS__SAID_TLS,
          "A.test" },
        { "what only one says counts",
          { { FWD, "for=192.0.2.1" }, { XFP, "https" }, { XFH, "a.test" } },
          "192.0.2.1",
          WS__SAID_TLS,
          "a.test" },
        { "what only the other one says",
          { { FWD, "for=192.0.2.1;proto=http;host=a.test" },
            { XFF, "192.0.2.1" } },
          "192.0.2.1",
          WS__SAID_PLAIN,
          "a.test" },
    };
    static const ws_header bad[][FIELDS + 1] = {
        { { FWD, "for=192.0.2.1" }, { XFF, "192.0.2.2" } },
        { { FWD, "for=192.0.2.1" }, { XFF, "unknown" } },
        { { FWD, "for=unknown" }, { XFF, "192.0.2.1" } },
        { { FWD, "proto=https" }, { XFF, "192.0.2.1" } },
        { { FWD, "for=192.0.2.1;proto=https" }, { XFP, "http" } },
        { { FWD, "for=192.0.2.1;host=a.test" }, { XFH, "b.test" } },
        { { FWD, "for=192.0.2.1;host=a.test" }, { XFH, "a.test:80" } },
    };

    check_all(good, COUNT(good));
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct ws__forwarded f;

        if (!read_fields(&f, bad[i]))
            fail_msg("taken: %s and %s", bad[i][0].value, bad[i][1].value);
    }
}

/* A header's value ends with a NUL, behind which nothing may be read. */
static void every_prefix_is_taken_or_refused_within_its_bytes(void **state)
{
    (void)state;
    static const char *const values[] = {
        "for=\"[2001:db8::1]:_x\";proto=https;by=_a;host=\"a.test:8443\", "
        "for=10.0.0.1;secret=\"\\\"\\\\\"",
        "192.0.2.1:80, [2001:db8::1]:80, unknown, fd00::1",
    };
    static const char *const names[] = { FWD, XFF, XFP, XFH };

    for (size_t i = 0; i < COUNT(values); i++)
        for (size_t n = 0; n <= strlen(values[i]); n++)
            for (size_t k = 0; k < COUNT(names); k++) {
                char cut[X] = "";
                struct ws__forwarded f;

                memcpy(cut, values[i], n);
                ws_header fields[] = { { names[k], at_page_end(cut, n + 1) },
                                       { 0 } };
                (void)read_fields(&f, fields);
            }
}

/* However a value is spread over fields, it is one list. */
static void every_cut_at_a_comma_gives_the_same(void **state)
{
    (void)state;
    static const char *const hops[] = { "for=192.0.2.1;proto=https",
                                        "for=10.0.0.1", "for=\"[fd00::1]:1\"" };

    for (unsigned cuts = 0; cuts < 4; cuts++) {
        char values[3][X] = { "" };
        ws_header fields[FIELDS + 1] = { { 0 } };
        size_t n = 0;

        for (size_t i = 0; i < COUNT(hops); i++) {
            if (i > 0 && cuts >> (i - 1) & 1)
                n++;
            else if (i > 0)
                strcat(values[n], ",");
            strcat(values[n], hops[i]);
            fields[n] = (ws_header){ FWD, values[n] };
        }
        struct row row = { "cut", { { 0 } }, "192.0.2.1", WS__SAID_TLS, NULL };
        memcpy(row.fields, fields, sizeof(fields));
        check(&row);
    }
}

static void random_bytes_are_taken_or_refused(void **state)
{
    (void)state;
    static const char alphabet[] = "for=host,;\"\\ 1.[]:_,;=";
    uint32_t x = 11;

    for (int i = 0; i < 50000; i++) {
        char text[32] = "";
        struct ws__forwarded f;

        for (size_t n = 0; n < sizeof(text) - 1; n++) {
            x = x * 1664525 + 1013904223;
            text[n] = alphabet[(x >> 16) % (sizeof(alphabet) - 1)];
        }
        const ws_header fields[] = { { FWD, text }, { XFF, text }, { 0 } };
        (void)read_fields(&f, fields);
    }
}

static int set_up(void **state)
{
    (void)state;
    static const char *const list[] = { "10.0.0.0/8", "fd00::/8", NULL };

    return ws__trusted_new(&trusted, list, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    ws_free(trusted);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_fields_nothing_is_said),
        cmocka_unit_test(the_client_is_searched_from_the_right),
        cmocka_unit_test(what_is_no_address_ends_the_search),
        cmocka_unit_test(forwarded_is_read_by_its_grammar),
        cmocka_unit_test(malformed_ones_are_refused),
        cmocka_unit_test(of_the_others_the_last_value_counts),
        cmocka_unit_test(both_have_to_agree),
        cmocka_unit_test(every_prefix_is_taken_or_refused_within_its_bytes),
        cmocka_unit_test(every_cut_at_a_comma_gives_the_same),
        cmocka_unit_test(random_bytes_are_taken_or_refused),
    };

    return cmocka_run_group_tests_name("forwarded", tests, set_up, tear_down);
}
