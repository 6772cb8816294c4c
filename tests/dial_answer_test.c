/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <silverback/dial.h>

#include "dial_table.h"
#include "scripted.h"
#include "mode.h"

#define SWITCHING "HTTP/1.1 101 Switching Protocols\r\n"
#define UPGRADE "Upgrade: websocket\r\n"
#define CONNECTION "Connection: Upgrade\r\n"
#define ACCEPT "Sec-WebSocket-Accept: $A\r\n"
#define AGREED SWITCHING UPGRADE CONNECTION ACCEPT
#define DEFLATE                                                                \
    "Sec-WebSocket-Extensions: permessage-deflate; "                           \
    "server_no_context_takeover; client_no_context_takeover\r\n"
#define CHUNKED "HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n"
#define CONTINUE "HTTP/1.1 100 Continue\r\n\r\n"

static const char *const protocols[] = { "chat.v2", "chat.v1", NULL };

struct dialed {
    const char *answer;
    bool asking; /* for subprotocols and compression */
    bool by_byte;
    const char *origin; /* NULL: none */
};

struct want {
    int code;
    int status;       /* 0: no answer to look at */
    const char *text; /* part of the error's */
    const char *body;
};

static void check_outcome(const ws_response *resp, const ws_error *err,
                          const struct want *want)
{
    assert_int_equal(err->code, want->code);
    assert_non_null(strstr(err->text, want->text));
    assert_null(strchr(err->text, '\n'));
    assert_int_equal(resp ? resp->status : 0, want->status);
    assert_int_equal(err->http_status, want->code ? want->status : 0);
    if (resp) {
        assert_string_equal(resp->body, want->body);
        assert_int_equal(resp->body_len, strlen(want->body));
    }
}

static void check(const char *what, const struct dialed *dialed,
                  const struct want *want)
{
    struct scripted s = { .answer = dialed->answer,
                          .by_byte = dialed->by_byte };
    const ws_dialer d = {
        .connect = scripted_connect,
        .arg = &s,
        .subprotocols = dialed->asking ? protocols : NULL,
        .enable_compression = dialed->asking,
    };
    const ws_header headers[] = {
        { dialed->origin ? "Origin" : NULL, dialed->origin },
        { 0 },
    };
    ws_response *resp;
    ws_error err;

    ws_conn *c = ws_dial(&d, "ws://scripted.test/", headers, &resp, &err);
    if (!dialed->by_byte)
        dial_table_row(what, &err);
    if (err.code != want->code || !strstr(err.text, want->text))
        print_error("%s: %s\n", what, err.text);
    assert_int_equal(c == NULL, want->code != 0);
    check_outcome(resp, &err, want);
    ws_response_free(resp);
    ws_close(c);
    scripted_end(&s);
}

/* Every answer is looked at whole, and as it comes in byte by byte. */
static void check_both(const char *what, const char *answer, bool asking,
                       struct want want)
{
    check(what, &(struct dialed){ answer, asking, false, NULL }, &want);
    check(what, &(struct dialed){ answer, asking, true, NULL }, &want);
}

/* ---- RFC 6455, section 4.1 ---------------------------------------------- */

static void answers_that_make_a_connection(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        const char *answer;
        bool asking;
    } rows[] = {
        { "the plain answer", AGREED "\r\n", false },
        { "names and tokens in other case",
          SWITCHING "UPGRADE: WebSocket\r\nconnection: uPGRADE\r\n"
                    "sec-websocket-accept:$A\r\n\r\n",
          false },
        { "more tokens",
          SWITCHING "Upgrade: foo, websocket\r\n"
                    "Connection: keep-alive, Upgrade\r\n" ACCEPT "\r\n",
          false },
        { "other fields", AGREED "Server: x\r\nSet-Cookie: a=b\r\n\r\n",
          false },
        { "no reason phrase",
          "HTTP/1.1 101 \r\n" UPGRADE CONNECTION ACCEPT "\r\n", false },
        { "103 first (RFC 9110, 15.2)",
          "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" AGREED "\r\n",
          false },
        { "100 and 102 first",
          CONTINUE "HTTP/1.1 102 Processing\r\n\r\n" AGREED "\r\n", false },
        { "ten of 1xx first",
          CONTINUE CONTINUE CONTINUE CONTINUE CONTINUE CONTINUE CONTINUE
              CONTINUE CONTINUE CONTINUE AGREED "\r\n",
          false },
        { "folded lines (RFC 9112, 5.2)", AGREED "X: a\r\n b\r\n\r\n", false },
        { "a folded token",
          SWITCHING UPGRADE "Connection: keep-alive,\r\n\tUpgrade\r\n" ACCEPT
                            "\r\n",
          false },
        { "bare line feeds (RFC 9112, 2.2)",
          "HTTP/1.1 101 x\nUpgrade: websocket\nConnection: Upgrade\n"
          "Sec-WebSocket-Accept: $A\n\n",
          false },
        { "an empty subprotocol", AGREED "Sec-WebSocket-Protocol:\r\n\r\n",
          false },
        { "an empty subprotocol, though some were asked for",
          AGREED "Sec-WebSocket-Protocol: \r\n\r\n", true },
        { "all declined", AGREED "\r\n", true },
        { "no limit to the server's context, though asked for (RFC 7692)",
          AGREED "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n", true },
        { "all granted",
          AGREED DEFLATE "Sec-WebSocket-Protocol: chat.v1\r\n\r\n", true },
    };

    dial_table_head("Answers that make a connection");
    for (size_t i = 0; i < COUNT(rows); i++)
        check_both(rows[i].what, rows[i].answer, rows[i].asking,
                   (struct want){ .status = 101, .text = "", .body = "" });
}

static void answers_that_a_client_must_fail(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        const char *answer;
        bool asking;
        const char *text;
    } rows[] = {
        { "no Upgrade", SWITCHING CONNECTION ACCEPT "\r\n", false,
          "'Upgrade'" },
        { "another Upgrade",
          SWITCHING "Upgrade: h2c\r\n" CONNECTION ACCEPT "\r\n", false,
          "'Upgrade'" },
        { "no Connection", SWITCHING UPGRADE ACCEPT "\r\n", false,
          "'Connection'" },
        { "another Connection",
          SWITCHING UPGRADE "Connection: close\r\n" ACCEPT "\r\n", false,
          "'Connection'" },
        { "no Accept", SWITCHING UPGRADE CONNECTION "\r\n", false, "Accept" },
        { "an empty Accept",
          SWITCHING UPGRADE CONNECTION "Sec-WebSocket-Accept:\r\n\r\n", false,
          "Accept" },
        { "the Accept of another key",
          SWITCHING UPGRADE CONNECTION
          "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
          false, "Accept" },
        { "two Accepts", AGREED "Sec-WebSocket-Accept: x\r\n\r\n", false,
          "Accept" },
        { "an extension that was not offered", AGREED DEFLATE "\r\n", false,
          "bad handshake" },
        { "an unknown parameter (RFC 7692, 7.1)",
          AGREED "Sec-WebSocket-Extensions: permessage-deflate; x=1\r\n\r\n",
          true, "bad handshake" },
        { "a parameter twice",
          AGREED "Sec-WebSocket-Extensions: permessage-deflate; "
                 "server_no_context_takeover; "
                 "server_no_context_takeover\r\n\r\n",
          true, "bad handshake" },
        { "a window of 16 bits (7.1.2.1)",
          AGREED "Sec-WebSocket-Extensions: permessage-deflate; "
                 "server_max_window_bits=16\r\n\r\n",
          true, "bad handshake" },
        { "an unknown extension",
          AGREED "Sec-WebSocket-Extensions: x-other\r\n\r\n", true,
          "bad handshake" },
        { "an extension twice (RFC 7692, 7.1)", AGREED DEFLATE DEFLATE "\r\n",
          true, "bad handshake" },
        { "a subprotocol that was not asked for",
          AGREED "Sec-WebSocket-Protocol: chat.v1\r\n\r\n", false,
          "subprotocol" },
        { "another subprotocol",
          AGREED "Sec-WebSocket-Protocol: chat.v3\r\n\r\n", true,
          "subprotocol" },
        { "two subprotocols",
          AGREED "Sec-WebSocket-Protocol: chat.v1\r\n"
                 "Sec-WebSocket-Protocol: chat.v2\r\n\r\n",
          true, "subprotocol" },
        { "an upgrade in HTTP/1.0",
          "HTTP/1.0 101 Yes\r\n" UPGRADE CONNECTION ACCEPT "\r\n", false,
          "HTTP/1.0" },
    };

    dial_table_head("101 that is none (RFC 6455, 4.1)");
    for (size_t i = 0; i < COUNT(rows); i++)
        check_both(rows[i].what, rows[i].answer, rows[i].asking,
                   (struct want){ WS_ERR_HANDSHAKE, 101, rows[i].text, "" });
}

/* ---- Refusals, with what explains them ---------------------------------- */

static void refusals_keep_status_and_body(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        const char *answer;
        int status;
        const char *text;
        const char *body;
    } rows[] = {
        { "a page instead", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage",
          200, "200", "page" },
        { "no content", "HTTP/1.1 204 No Content\r\n\r\nx", 204, "204", "" },
        { "moved",
          "HTTP/1.1 301 Moved Permanently\r\nLocation: ws://x/\r\n"
          "Content-Length: 0\r\n\r\n",
          301,
          "301 to the upgrade; redirects are not followed, this one goes to "
          "ws://x/",
          "" },
        { "moved, it does not say where",
          "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", 302,
          "302 to the upgrade; redirects are not followed", "" },
        { "not modified has no body",
          "HTTP/1.1 304 Not Modified\r\nContent-Length: 1\r\n\r\nx", 304, "304",
          "" },
        { "a body that ends with the stream",
          "HTTP/1.1 400 Bad Request\r\n\r\nno\nkey\n", 400, "400",
          "no\nkey\n" },
        { "a body that ends before the stream",
          "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\n"
          "Content-Length: 2\r\n\r\nnobehind",
          401, "401", "no" },
        { "chunks",
          CHUNKED "3\r\nnot\r\n1\r\n \r\n4;x=y\r\nhere\r\n0\r\nT: t\r\n\r\n",
          403, "403", "not here" },
        { "chunks cut short", CHUNKED "3\r\nno", 403, "403", "no" },
        { "a malformed chunk (RFC 9112, 7.1)", CHUNKED "2\r\nno\r\nx\r\n", 403,
          "403", "no" },
        { "a body cut short",
          "HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nshort", 404,
          "404", "short" },
        { "two lengths (RFC 9112, 6.3)",
          "HTTP/1.1 404 Not Found\r\nContent-Length: 1\r\n"
          "Content-Length: 2\r\n\r\nxx",
          404, "404", "" },
        { "another coding",
          "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: gzip\r\n\r\nxx", 404,
          "404", "" },
        { "no body at all", "HTTP/1.1 426 Upgrade Required\r\n\r\n", 426, "426",
          "" },
        { "103 first",
          "HTTP/1.1 103 Early Hints\r\n\r\n"
          "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nlate",
          503, "503", "late" },
        { "HTTP/1.0", "HTTP/1.0 403 Forbidden\r\n\r\nno", 403, "403", "no" },
        { "a proxy in between", "HTTP/1.1 407 Who\r\n\r\n", 407, "407", "" },
        { "too many", "HTTP/1.1 429 Slow Down\r\n\r\n", 429, "429", "" },
        { "a fault", "HTTP/1.1 500 Oops\r\n\r\noops", 500, "500", "oops" },
        { "a gateway", "HTTP/1.1 502 Bad Gateway\r\n\r\n", 502, "502", "" },
        { "a status of no class (RFC 9110, 15)",
          "HTTP/1.1 999 Request denied\r\nContent-Length: 2\r\n\r\nno", 999,
          "the server answered 999 to the upgrade", "no" },
    };

    dial_table_head("Refusals");
    for (size_t i = 0; i < COUNT(rows); i++)
        check_both(rows[i].what, rows[i].answer, false,
                   (struct want){ WS_ERR_HANDSHAKE, rows[i].status,
                                  rows[i].text, rows[i].body });
}

/* ---- What is no answer (RFC 9112) --------------------------------------- */

static void malformed_answers_name_the_fault(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        const char *answer;
        const char *text; /* however little has come */
    } rows[] = {
        { "another protocol", "SSH-2.0-OpenSSH_9.2\r\n\r\n",
          "malformed answer: no status line: \"SSH-2.0-Open" },
        { "a TLS alert", "\x15\x03\x01\r\n\r\n",
          "malformed answer: a control byte: \"\\x15" },
        { "HTTP/2 (2.3)", "HTTP/2 101 x\r\n\r\n",
          "malformed answer: the version is not HTTP/1.1: \"HTTP/2 101 x" },
        { "mail", "220 mail.test ESMTP\r\n",
          "malformed answer: the version is not HTTP/1.1: \"220 mail.test" },
        { "a status of two digits (4)", "HTTP/1.1 10 x\r\n\r\n",
          "malformed answer: the status is not 100 to 999: \"HTTP/1.1 10 x" },
        { "a space before the colon (5.1)", SWITCHING "Upgrade : x\r\n\r\n",
          "malformed answer: a header name is not a token: \"Upgrade : x" },
        { "a folded line before any field (5.2)", SWITCHING " a: b\r\n\r\n",
          "malformed answer: a folded line before any header: \" a: b" },
        { "a control byte (5.5)", AGREED "X: \x01y\r\n\r\n",
          "malformed answer: a control byte: \"X: \\x01" },
        { "a frame", "\x81\x02hi\r\n\r\n",
          "malformed answer: a control byte: \"\\x81\\x02" },
    };

    dial_table_head("What is no HTTP (RFC 9112)");
    for (size_t i = 0; i < COUNT(rows); i++)
        check_both(rows[i].what, rows[i].answer, false,
                   (struct want){ WS_ERR_HTTP, 0, rows[i].text, NULL });
}

static void an_answer_that_ends_too_early_is_eof(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        const char *answer;
    } rows[] = {
        { "nothing", "" },
        { "a byte", "H" },
        { "the first line", SWITCHING },
        { "no empty line", AGREED },
        { "100 and no more", CONTINUE },
    };

    dial_table_head("Answers that end too early");
    for (size_t i = 0; i < COUNT(rows); i++)
        check_both(
            rows[i].what, rows[i].answer, false,
            (struct want){ WS_ERR_EOF, 0, "closed the connection", NULL });
}

static void a_refused_origin_is_named(void **state)
{
    (void)state;
    const struct dialed dialed = {
        .answer = "HTTP/1.1 403 Forbidden\r\n\r\n",
        .origin = "http://a.example",
    };

    dial_table_head("To a request with an Origin");
    check("403 to http://a.example", &dialed,
          &(struct want){ WS_ERR_HANDSHAKE, 403,
                          "the server answered 403 to the upgrade; it may have "
                          "refused the path, or Origin http://a.example",
                          "" });
}

static void answers_without_end_are_bounded(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        const char *begin;
        const char *unit;
        size_t times;
        const char *text;
    } rows[] = {
        { "eleven of 1xx", "", CONTINUE, 11, "more than 10" },
        { "over 100 fields", AGREED, "X: y\r\n", 101,
          "too many header fields (max_response_fields)" },
        { "a field of 66 KiB", AGREED "X: ", "0123456789abcdef", 4200,
          "malformed answer" },
        { "a first line of 70 KiB", "", "HTTP/1.1 ", 8000, "malformed answer" },
    };

    dial_table_head("Answers without end");
    for (size_t i = 0; i < COUNT(rows); i++) {
        size_t begin = strlen(rows[i].begin), step = strlen(rows[i].unit);
        char *answer = calloc(1, begin + step * rows[i].times + 1);

        memcpy(answer, rows[i].begin, begin);
        for (size_t k = 0; k < rows[i].times; k++)
            memcpy(answer + begin + k * step, rows[i].unit, step);
        check_both(rows[i].what, answer, false,
                   (struct want){ WS_ERR_HTTP, 0, rows[i].text, NULL });
        free(answer);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_that_make_a_connection),
        cmocka_unit_test(answers_that_a_client_must_fail),
        cmocka_unit_test(refusals_keep_status_and_body),
        cmocka_unit_test(a_refused_origin_is_named),
        cmocka_unit_test(malformed_answers_name_the_fault),
        cmocka_unit_test(an_answer_that_ends_too_early_is_eof),
        cmocka_unit_test(answers_without_end_are_bounded),
    };

    dial_table_begin(argc, argv);
    return dial_table_end(run_in_mode("dial_answer", tests, NULL, NULL));
}
