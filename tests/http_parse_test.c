/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <stdlib.h>

#include "page_end.h"
#include "proto/http_parse.h"

enum { LIMIT = 1024 };

static const char request[] = "GET /a?b=c HTTP/1.1\r\n"
                              "Host: example.com\r\n"
                              "X-Empty:\r\n"
                              "X-Blank: \t two words\t \r\n"
                              "\r\n";
static const char response[] = "HTTP/1.1 101 Switching Protocols\r\n"
                               "Upgrade: websocket\r\n"
                               "\r\n";

static int parse(struct ws__http_head *h, const char *p, size_t n)
{
    return ws__http_parse(h, at_page_end(p, n), n);
}

static int parse_once(struct ws__http_head *h, bool is_response,
                      const char *text)
{
    ws__http_init(h, is_response, LIMIT);
    return parse(h, text, strlen(text));
}

static void a_request_is_taken_apart(void **state)
{
    (void)state;
    struct ws__http_head h;
    ws_header fields[WS__FIELDS_MAX + 1];
    char copy[sizeof(request)];

    assert_int_equal(parse_once(&h, false, request), sizeof(request) - 1);
    memcpy(copy, request, sizeof(request));
    ws__http_strings(&h, copy, fields);
    assert_string_equal(copy + h.method.at, "GET");
    assert_string_equal(copy + h.target.at, "/a?b=c");
    assert_int_equal(h.minor, 1);
    assert_int_equal(h.nfields, 3);
    assert_string_equal(fields[0].name, "Host");
    assert_string_equal(fields[0].value, "example.com");
    assert_string_equal(fields[1].value, "");
    assert_string_equal(fields[2].value, "two words");
    assert_null(fields[3].name);
}

static void a_response_is_taken_apart(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int status, minor;
        const char *reason;
    } rows[] = {
        { response, 101, 1, "Switching Protocols" },
        { "HTTP/1.0 200 \r\n\r\n", 200, 0, "" },
        { "HTTP/1.1 404\r\n\r\n", 404, 1, "" },
        { "HTTP/1.1 599 \xe4\r\n\r\n", 599, 1, "\xe4" },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ws__http_head h;
        ws_header fields[WS__FIELDS_MAX + 1];
        char copy[128];

        assert_true(parse_once(&h, true, rows[i].text) > 0);
        strcpy(copy, rows[i].text);
        ws__http_strings(&h, copy, fields);
        assert_int_equal(h.status, rows[i].status);
        assert_int_equal(h.minor, rows[i].minor);
        assert_string_equal(copy + h.reason.at, rows[i].reason);
    }
}

/* RFC 9112, sections 2.2 and 5.2; RFC 9110, section 15. */
static void a_response_is_read_as_it_is_meant(void **state)
{
    (void)state;
    static const struct {
        const char *head;
        int status;
        const char *first, *second; /* values of a and b */
    } rows[] = {
        { "HTTP/1.1 200 x\r\na: one\r\n two\r\nb: c\r\n\r\n", 200, "one two",
          "c" },
        { "HTTP/1.1 200 x\r\na: one \t\r\n \t two\r\n\tthree\r\nb:\r\n\r\n",
          200, "one two three", "" },
        { "HTTP/1.1 200 x\r\na:\r\n one\r\nb: c\r\n \r\n\r\n", 200, "one",
          "c" },
        { "HTTP/1.1 200 x\r\na: one\r\n \r\n two\r\nb: \r\n \r\n\r\n", 200,
          "one two", "" },
        { "HTTP/1.1 200 x\na: one\nb: two\n\n", 200, "one", "two" },
        { "HTTP/1.1 200 x\na: one\n  more\r\nb: two \n\r\n", 200, "one more",
          "two" },
        { "HTTP/1.1 600\na:\nb:\n\n", 600, "", "" },
        { "HTTP/1.1 999 Request denied\r\na:1\r\nb:2\r\n\r\n", 999, "1", "2" },
    };

    for (size_t i = 0; i < COUNT(rows); i++)
        for (size_t cut = 0; cut < strlen(rows[i].head); cut++) {
            struct ws__http_head h;
            ws_header fields[WS__FIELDS_MAX + 1];
            size_t n = strlen(rows[i].head);
            char copy[128];

            ws__http_init(&h, true, LIMIT);
            assert_int_equal(parse(&h, rows[i].head, cut), 0);
            assert_int_equal(parse(&h, rows[i].head, n), (int)n);
            memcpy(copy, rows[i].head, n + 1);
            ws__http_strings(&h, copy, fields);
            assert_int_equal(h.status, rows[i].status);
            assert_string_equal(fields[0].name, "a");
            assert_string_equal(fields[0].value, rows[i].first);
            assert_string_equal(fields[1].name, "b");
            assert_string_equal(fields[1].value, rows[i].second);
            assert_null(fields[2].name);
        }
}

static void malformed_responses_are_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "HTTP/1.1 200 x\r\n a: b\r\n\r\n",
        "HTTP/1.1 200 x\n\ta: b\n\n",
        "HTTP/1.1 200 x\ra: b\r\r",
        "HTTP/1.1 200 x\r\na: \r b\r\n",
        "HTTP/1.1 200 x\r\na : b\r\n",
        "HTTP/1.1 200 x\r\na\r\n",
        "HTTP/1.1 200 x\r\na: \x01\r\n",
        "HTTP/1.1 200 x\r\na: b\r\n \x7f",
        "\nHTTP/1.1 200 x\n",
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ws__http_head h;

        if (parse_once(&h, true, rows[i]) != WS_ERR_HTTP)
            fail_msg("taken: %s", rows[i]);
    }
}

static void every_prefix_asks_for_more(void **state)
{
    (void)state;
    for (int r = 0; r < 2; r++) {
        const char *text = r ? response : request;
        size_t n = strlen(text);

        for (size_t k = 0; k < n; k++) {
            struct ws__http_head h;

            ws__http_init(&h, r, LIMIT);
            assert_int_equal(parse(&h, text, k), 0);
            assert_int_equal(h.scanned, k); /* none is looked at twice */
            assert_int_equal(parse(&h, text, n), (int)n);
        }
    }
}

static void every_chunking_gives_the_same(void **state)
{
    (void)state;
    size_t n = sizeof(request) - 1;

    for (size_t step = 1; step <= n; step++) {
        struct ws__http_head h;
        int end = 0;

        ws__http_init(&h, false, LIMIT);
        for (size_t k = step; end == 0; k += step)
            end = parse(&h, request, k < n ? k : n);
        assert_int_equal(end, (int)n);
        assert_int_equal(h.nfields, 3);
        assert_int_equal(h.target.len, 6);
        assert_int_equal(h.fields[2].value.len, 9);
    }
}

static void what_follows_a_head_is_not_looked_at(void **state)
{
    (void)state;
    char both[2 * sizeof(request)];
    struct ws__http_head h;

    memcpy(both, request, sizeof(request) - 1);
    memcpy(both + sizeof(request) - 1, "\0\x81\n", 3);
    ws__http_init(&h, false, LIMIT);
    assert_int_equal(parse(&h, both, sizeof(request) + 2), sizeof(request) - 1);
}

#define R(line) line "\r\nHost: a\r\n\r\n"
#define F(field) "GET / HTTP/1.1\r\nHost: a\r\n" field "\r\n\r\n"

static void malformed_heads_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *rule; /* of RFC 9112, unless said */
        const char *text;
        int fault;
    } rows[] = {
        { "2.2 a bare line feed", "GET / HTTP/1.1\nHost: a\n\n", 400 },
        { "2.2 a bare line feed behind a field", F("X: yz\n"), 400 },
        { "2.2 a bare carriage return", "GET / HTTP/1.1\rHost: a\r\r", 400 },
        { "2.2 two empty lines first", "\r\n\r\nGET / HTTP/1.1\r\n", 400 },
        { "3 no version", R("GET /"), 400 },
        { "3 two spaces", R("GET  / HTTP/1.1"), 400 },
        { "3 a space at the end", R("GET / HTTP/1.1 "), 400 },
        { "3 a tab", R("GET\t/ HTTP/1.1"), 400 },
        { "3.1 a method that is no token", R("G@T / HTTP/1.1"), 400 },
        { "2.3 lower case", R("GET / http/1.1"), 400 },
        { "2.3 two digits", R("GET / HTTP/1.10"), 400 },
        { "2.3 no digit", R("GET / HTTP/x.1"), 400 },
        { "2.3 no digit", R("GET / HTTP/-.1"), 400 },
        { "2.3 no digit", R("GET / HTTP/1.x"), 400 },
        { "2.3 no digit", R("GET / HTTP/1.-"), 400 },
        { "2.3 no dot", R("GET / HTTP/1/1"), 400 },
        { "RFC 9110, 15.6.6", R("GET / HTTP/2.0"), 505 },
        { "RFC 9110, 15.6.6", R("GET / HTTP/0.9"), 505 },
        { "3.2 a name", R("GET a HTTP/1.1"), 400 },
        { "3.2.3 an authority", R("CONNECT a:1 HTTP/1.1"), 400 },
        { "3.2.4 an asterisk", R("GET * HTTP/1.1"), 400 },
        { "3.2.4 an asterisk", R("options * HTTP/1.1"), 400 },
        { "3.2.4 an asterisk", R("OPTIONS *? HTTP/1.1"), 400 },
        { "3.2 a fragment", R("GET /#a HTTP/1.1"), 400 },
        { "3.2 no host", "GET / HTTP/1.1\r\n\r\n", 400 },
        { "3.2 two hosts", F("host: a"), 400 },
        { "3.2 a malformed host", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400 },
        { "3.2 two hosts in 1.0",
          "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", 400 },
        { "5 no colon", F("X"), 400 },
        { "5 no name", F(": x"), 400 },
        { "5.1 a space before the colon", F("X : y"), 400 },
        { "5.1 a name that is no token", F("X(: y"), 400 },
        { "5.2 a folded line", F("X: y\r\n z"), 400 },
        { "5.2 folded by a tab", F("X: y\r\n\tz"), 400 },
        { "RFC 9110, 5.5 a control byte", F("X: \x01"), 400 },
        { "RFC 9110, 5.5 a DEL", F("X: \x7f"), 400 },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ws__http_head h;

        if (parse_once(&h, false, rows[i].text) != WS_ERR_HTTP)
            fail_msg("%s: taken", rows[i].rule);
        assert_int_equal(h.fault, rows[i].fault);
        assert_non_null(h.text);
        assert_int_equal(parse(&h, rows[i].text, strlen(rows[i].text)),
                         WS_ERR_HTTP);
    }
}

static void malformed_status_lines_are_refused(void **state)
{
    (void)state;
    /* RFC 9112, section 4. */
    static const char *const rows[] = {
        "\r\nHTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",      "HTTP/1.1 20\r\n\r\n",
        "HTTP/1.1 \r\n\r\n",           "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 099 OK\r\n\r\n",     "HTTP/1.1 -99 OK\r\n\r\n",
        "HTTP/1.1 2x0 OK\r\n\r\n",     "HTTP/2.0 200 OK\r\n\r\n",
        "ICY 200 OK\r\n\r\n",          "HTTP/1.1 200OK\r\n\r\n",
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ws__http_head h;

        if (parse_once(&h, true, rows[i]) != WS_ERR_HTTP)
            fail_msg("taken: %s", rows[i]);
    }
}

static void a_nul_is_refused_as_soon_as_it_comes(void **state)
{
    (void)state;
    static const char text[] = "GET / HTTP/1.1\r\nHost: a\0b";
    struct ws__http_head h;

    ws__http_init(&h, false, LIMIT);
    assert_int_equal(parse(&h, text, 23), 0);
    assert_int_equal(parse(&h, text, 24), WS_ERR_HTTP);
    assert_int_equal(h.fault, 400);
}

static void what_is_lenient_is_known(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "\r\n" R("GET / HTTP/1.1"),
        R("GET http://a/ HTTP/1.1"),
        R("GET http://[::1]:80 HTTP/1.1"),
        R("GET / HTTP/1.9"),
        "GET / HTTP/1.0\r\n\r\n",
        F("X: \x80\xff"),
        R("OPTIONS * HTTP/1.1"),
        R("GET /\x80?\xff HTTP/1.1"),
        F("X:y"),
        F("X: :"),
        "GET / HTTP/1.1\r\nHost:\r\n\r\n",
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ws__http_head h;

        if (parse_once(&h, false, rows[i]) != (int)strlen(rows[i]))
            fail_msg("%s: %s", rows[i], h.text ? h.text : "more?");
    }
}

/* A head of n bytes: its first line, or its fields, fill it. */
static char *head_of(size_t n, bool line)
{
    static const char start[] = "GET /";
    static const char rest[] = " HTTP/1.1\r\nHost: a\r\nX: ";
    char *p = malloc(n + 1);
    size_t at = strlen(start);

    assert_non_null(p);

    memset(p, 'x', n);
    memcpy(p, start, at);
    if (line)
        at = n - strlen(rest) - 4;
    memcpy(p + at, rest, strlen(rest));
    memcpy(p + n - 4, "\r\n\r\n", 4);
    return p;
}

static void bytes_are_limited(void **state)
{
    (void)state;
    for (int line = 0; line < 2; line++)
        for (size_t n = LIMIT - 1; n <= LIMIT + 40; n++) {
            char *p = head_of(n, line);
            struct ws__http_head h;

            ws__http_init(&h, false, LIMIT);
            int end = parse(&h, p, n);
            assert_int_equal(end, n <= LIMIT ? (int)n : WS_ERR_HTTP);
            if (n > LIMIT)
                assert_int_equal(h.fault, line && n > LIMIT + 16 ? 414 : 431);
            free(p);
        }
}

/* RFC 9112, section 2.2: the empty line is no part of the request line. */
static void a_line_too_long_behind_an_empty_one_is_414(void **state)
{
    (void)state;
    char *line = head_of(2 * LIMIT, true);
    char text[LIMIT + 2] = "\r\n";
    struct ws__http_head h;

    memcpy(text + 2, line, LIMIT);
    ws__http_init(&h, false, LIMIT);
    assert_int_equal(parse(&h, text, LIMIT), 0);
    assert_int_equal(parse(&h, text, LIMIT + 2), WS_ERR_HTTP);
    assert_int_equal(h.fault, 414);
    free(line);
}

static void each_byte_of_a_large_head_is_looked_at_once(void **state)
{
    (void)state;
    enum { LARGE = 16384 };
    char *p = head_of(LARGE, false);
    char *fresh = at_page_end(p, LARGE);
    struct ws__http_head h;

    /* A second look would meet a bare line feed. */
    ws__http_init(&h, false, LARGE);
    for (size_t n = 1; n < LARGE; n++) {
        assert_int_equal(ws__http_parse(&h, fresh, n), 0);
        assert_int_equal(h.scanned, n);
        if (fresh[n - 1] == 'x')
            fresh[n - 1] = '\n';
    }
    memcpy(fresh, p, LARGE);
    assert_int_equal(ws__http_parse(&h, fresh, LARGE), LARGE);
    assert_int_equal(h.scanned, LARGE);
    free(p);
}

static void fields_are_limited(void **state)
{
    (void)state;
    for (int n = WS__FIELDS_MAX; n <= WS__FIELDS_MAX + 1; n++) {
        char text[WS__FIELDS_MAX * 8] = "GET / HTTP/1.1\r\nHost: a\r\n";
        struct ws__http_head h;

        for (int i = 1; i < n; i++)
            strcat(text, "X: y\r\n");
        strcat(text, "\r\n");
        assert_int_equal(parse_once(&h, false, text),
                         n <= WS__FIELDS_MAX ? (int)strlen(text) : WS_ERR_HTTP);
        if (n > WS__FIELDS_MAX)
            assert_int_equal(h.fault, 431);
    }
}

static void there_may_be_room_for_more_fields(void **state)
{
    (void)state;
    enum { ROOM = 3 * WS__FIELDS_MAX };

    for (int n = ROOM; n <= ROOM + 1; n++) {
        char text[ROOM * 8] = "HTTP/1.1 200 x\r\n";
        struct ws__http_head h;
        struct ws__field fields[ROOM];

        for (int i = 0; i < n; i++)
            strcat(text, "X: y\r\n");
        strcat(text, "\r\n");
        ws__http_init(&h, true, sizeof(text));
        ws__http_room(&h, fields, ROOM);
        assert_int_equal(parse(&h, text, strlen(text)),
                         n <= ROOM ? (int)strlen(text) : WS_ERR_HTTP);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_taken_apart),
        cmocka_unit_test(a_response_is_taken_apart),
        cmocka_unit_test(a_response_is_read_as_it_is_meant),
        cmocka_unit_test(malformed_responses_are_refused),
        cmocka_unit_test(every_prefix_asks_for_more),
        cmocka_unit_test(every_chunking_gives_the_same),
        cmocka_unit_test(what_follows_a_head_is_not_looked_at),
        cmocka_unit_test(malformed_heads_are_refused),
        cmocka_unit_test(malformed_status_lines_are_refused),
        cmocka_unit_test(a_nul_is_refused_as_soon_as_it_comes),
        cmocka_unit_test(what_is_lenient_is_known),
        cmocka_unit_test(bytes_are_limited),
        cmocka_unit_test(a_line_too_long_behind_an_empty_one_is_414),
        cmocka_unit_test(each_byte_of_a_large_head_is_looked_at_once),
        cmocka_unit_test(fields_are_limited),
        cmocka_unit_test(there_may_be_room_for_more_fields),
    };

    return cmocka_run_group_tests_name("http_parse", tests, NULL, NULL);
}
