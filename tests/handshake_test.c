/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <errno.h>

#include "alloc_fail.h"
#include "proto/accept_key.h"
#include "proto/handshake_client.h"
#include "proto/handshake_server.h"
#include "proto/origin.h"

/* RFC 6455, section 1.3. */
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

#define NOT_WEBSOCKET                                                          \
    "websocket: the client is not using the websocket protocol: "
#define BAD_KEY                                                                \
    "websocket: not a websocket handshake: 'Sec-WebSocket-Key' header must "   \
    "be Base64 encoded value of 16-byte in length"

static void the_accept_key_is_the_rfcs(void **state)
{
    (void)state;
    char accept[WS__ACCEPT_LEN + 1];

    assert_int_equal(ws__accept_key(accept, KEY), 0);
    assert_string_equal(accept, ACCEPT);
}

/* ---- Refusals ----------------------------------------------------------- */

static bool says_no(const ws_request *r, void *arg)
{
    (void)r;
    (void)arg;
    return false;
}

static const ws_upgrader zero, unfriendly = { .check_origin = says_no };
static const char *const no_origin[] = { "https://a.example", "example.com",
                                         NULL };
static const ws_upgrader misspelt = { .allowed_origins = no_origin };
static const ws_upgrader misspelt_unused = { .check_origin = ws_any_origin,
                                             .allowed_origins = no_origin };

/* A good request, of which one field is changed, left out (NULL) or added. */
static const struct row {
    const char *name, *value;
    const char *method;
    int minor;
    bool body;
    const ws_upgrader *u;
    const char *response;
    int status;
    const char *reason;
    const char *extra; /* a field of the answer */
} rows[] = {
    { .name = "X", .value = "y" },
    { .name = "Connection", .value = "keep-alive, Upgrade" },
    { .name = "Upgrade", .value = "WEBSOCKET" },
    { .name = "Sec-WebSocket-Version", .value = "8, 13" },
    { .name = "Origin", .value = "http://example.com" },
    { .minor = -1,
      .status = 426,
      .extra = "Upgrade",
      .reason = "websocket: the request is HTTP/1.0, not HTTP/1.1 (does a "
                "proxy in between speak 1.0?)" },
    { .body = true,
      .status = 400,
      .reason = "websocket: the request has a body, an upgrade has none" },
    { .name = "+Host",
      .value = "a",
      .status = 400,
      .reason = "websocket: more than one 'Host' header" },
    { .name = "+Sec-WebSocket-Key",
      .value = KEY,
      .status = 400,
      .reason = "websocket: more than one 'Sec-WebSocket-Key' header" },
    { .name = "+Origin",
      .value = "http://example.com",
      .status = 400,
      .reason = "websocket: more than one 'Origin' header" },
    { .name = "Connection",
      .value = NULL,
      .status = 400,
      .reason =
          NOT_WEBSOCKET "'upgrade' token not found in 'Connection' header" },
    { .name = "Connection",
      .value = "upgrades",
      .status = 400,
      .reason =
          NOT_WEBSOCKET "'upgrade' token not found in 'Connection' header" },
    { .name = "Upgrade",
      .value = NULL,
      .status = 426,
      .extra = "Upgrade",
      .reason =
          NOT_WEBSOCKET "'websocket' token not found in 'Upgrade' header" },
    { .method = "POST",
      .status = 405,
      .extra = "Allow",
      .reason = NOT_WEBSOCKET "request method is not GET" },
    { .name = "Sec-WebSocket-Version",
      .value = "12",
      .status = 400,
      .reason = "websocket: unsupported version: 13 not found in "
                "'Sec-WebSocket-Version' header" },
    { .response = "sec-websocket-extensions",
      .status = 500,
      .reason = "websocket: application specific 'Sec-WebSocket-Extensions' "
                "headers are unsupported" },
    { .name = "Origin",
      .value = "http://other.example",
      .status = 403,
      .reason = "websocket: Origin \"http://other.example\" is not in "
                "allowed_origins, and Host \"example.com\" is another" },
    { .name = "Origin",
      .value = "http://example.com:8080",
      .status = 403,
      .reason = "websocket: Origin \"http://example.com:8080\" is not in "
                "allowed_origins, and Host \"example.com\" lacks its port "
                "(nginx: pass on $http_host)" },
    { .name = "Origin",
      .value = "null",
      .status = 403,
      .reason = "websocket: Origin \"null\" is not in allowed_origins, and "
                "Host \"example.com\" is another" },
    { .u = &unfriendly,
      .status = 403,
      .reason = "websocket: check_origin refused Origin "
                "\"http://example.com\" at Host \"example.com\"" },
    { .u = &misspelt,
      .status = 500,
      .reason = "allowed_origins: expected scheme://host[:port], \"null\" or "
                "\"*\", got \"example.com\"" },
    { .u = &misspelt_unused },
    { .name = "Sec-WebSocket-Key",
      .value = NULL,
      .status = 400,
      .reason = BAD_KEY },
    { .name = "Sec-WebSocket-Key",
      .value = "",
      .status = 400,
      .reason = BAD_KEY },
    { .name = "Sec-WebSocket-Key",
      .value = "dGhlIHNhbXBsZSBub25jZQ=",
      .status = 400,
      .reason = BAD_KEY },
    { .name = "Sec-WebSocket-Key",
      .value = "dGhlIHNhbXBsZSBub25jZZ==",
      .status = 400,
      .reason = BAD_KEY },
    { .name = "Sec-WebSocket-Key",
      .value = "dGhlIHNhbXBsZSBub25jZQA=",
      .status = 400,
      .reason = BAD_KEY },
    { .name = "Sec-WebSocket-Key",
      .value = "!!!!!!!!!!!!!!!!!!!!!!==",
      .status = 400,
      .reason = BAD_KEY },
};

static void build(const struct row *row, ws_header *out)
{
    static const ws_header good[] = {
        { "Host", "example.com" },    { "Connection", "Upgrade" },
        { "Upgrade", "websocket" },   { "Sec-WebSocket-Version", "13" },
        { "Sec-WebSocket-Key", KEY }, { "Origin", "http://example.com" },
    };
    bool replaced = false;

    for (size_t i = 0; i < COUNT(good); i++) {
        bool same = row->name && strcmp(row->name, good[i].name) == 0;
        replaced = replaced || same;
        if (same && !row->value)
            continue;
        *out++ = same ? (ws_header){ row->name, row->value } : good[i];
    }
    if (row->name && !replaced)
        *out++ = (ws_header){ row->name + (row->name[0] == '+'), row->value };
    *out = (ws_header){ 0 };
}

static const char *extra_of(const struct ws__refusal *refusal, const char *name)
{
    return ws_header_get(refusal->headers, name);
}

static void every_request_that_is_no_upgrade_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct row *row = &rows[i];
        ws_header headers[10];
        const ws_header response[] = { { row->response, "x" }, { 0 } };
        ws_request r = { .method = row->method ? row->method : "GET",
                         .host = "example.com",
                         .headers = headers };

        build(row, headers);
        ws_error err = { 0 };
        struct ws__refusal got =
            ws__handshake_check(&r, row->minor + 1, row->body,
                                row->u ? row->u : &zero, response, &err);
        if (got.status != row->status)
            fail_msg("row %zu: %d %s", i, got.status, err.text);
        if (row->status == 0)
            continue;
        assert_int_equal(err.code, row->status == 500 ? WS_ERR_INVALID
                                                      : WS_ERR_HANDSHAKE);
        assert_string_equal(err.text, row->reason);
        assert_string_equal(extra_of(&got, "Sec-WebSocket-Version"), "13");
        if (row->extra)
            assert_non_null(extra_of(&got, row->extra));
    }
}

/* What a browser says through a proxy that nobody trusts, or one that is. */
static void a_host_that_a_proxy_names_is_hinted_at(void **state)
{
    (void)state;
    static const ws_header headers[] = { { "Origin", "https://a.test" },
                                         { "X-Forwarded-Host", "a.test" },
                                         { 0 } };
    ws_request r = { .host = "127.0.0.1:8080", .headers = headers };
    ws_error err = { 0 };

    ws__origin_refused(&err, &r, &zero);
    assert_non_null(strstr(err.text, "Host \"127.0.0.1:8080\" is another (of a "
                                     "proxy's? see trusted_proxies)"));
    r.host = "a.test";
    err = (ws_error){ 0 };
    ws__origin_refused(&err, &r, &zero);
    assert_null(strstr(err.text, "trusted_proxies"));
}

static void the_first_fault_counts(void **state)
{
    (void)state;
    static const ws_header none[] = { { 0 } };
    ws_request r = { .method = "POST", .host = "", .headers = none };

    assert_int_equal(
        ws__handshake_check(&r, 0, true, &unfriendly, NULL, NULL).status, 426);
    assert_int_equal(
        ws__handshake_check(&r, 1, true, &unfriendly, NULL, NULL).status, 400);
    assert_false(ws_is_upgrade(&r));
    assert_false(ws_is_upgrade(NULL));
}

/* ---- Origins ------------------------------------------------------------ */

static void origins_are_compared_not_searched(void **state)
{
    (void)state;
    /* RFC 6455, section 10.2; RFC 6454, section 7. */
    static const char *const allowed[] = { "https://a.example",
                                           "http://b.example:81",
                                           "https://*.c.example", NULL };
    static const struct {
        const char *origin, *host;
        bool same, listed;
    } table[] = {
        { NULL, "h", 1, 1 },
        { "http://h", "h", 1, 1 },
        { "https://h", "H", 1, 1 },
        { "https://h:443", "h", 1, 1 },
        { "http://h:80", "h:80", 1, 1 },
        { "http://h", "h:80", 1, 1 },
        { "https://h", "h:80", 0, 0 },
        { "http://h:81", "h:81", 1, 1 },
        { "http://h:81", "h", 0, 0 },
        { "http://h", "h:81", 0, 0 },
        { "http://[::1]:8", "[::1]:8", 1, 1 },
        { "http://h.evil", "h", 0, 0 },
        { "http://evil/h", "h", 0, 0 },
        { "http://h@evil", "h", 0, 0 },
        { "http://evil#h", "h", 0, 0 },
        { "null", "h", 0, 0 },
        { "", "h", 0, 0 },
        { "h", "h", 0, 0 },
        { "://h", "h", 0, 0 },
        { "http://", "", 0, 0 },
        { "http://h/", "h", 0, 0 },
        { "https://a.example", "h", 0, 1 },
        { "HTTPS://A.EXAMPLE:443", "h", 0, 1 },
        { "http://a.example", "h", 0, 0 },
        { "https://a.example:444", "h", 0, 0 },
        { "https://xa.example", "h", 0, 0 },
        { "http://b.example:81", "h", 0, 1 },
        { "http://b.example", "h", 0, 0 },
        { "https://x.c.example", "h", 0, 1 },
        { "https://x.y.c.example", "h", 0, 1 },
        { "https://c.example", "h", 0, 0 },
        { "https://.c.example", "h", 0, 0 },
        { "https://xc.example", "h", 0, 0 },
        { "https://c.example.evil", "h", 0, 0 },
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        const ws_header headers[] = { { "origin", table[i].origin }, { 0 } };
        static const ws_header none[] = { { 0 } };
        ws_request r = { .host = table[i].host,
                         .headers = table[i].origin ? headers : none };

        if (ws__origin_allowed(&r, NULL) != table[i].same ||
            ws__origin_allowed(&r, allowed) != table[i].listed)
            fail_msg("%s at %s", table[i].origin, table[i].host);
        assert_true(ws_any_origin(&r, NULL));
    }
}

/* Each entry alone, and among others. */
static void an_origin_can_be_listed_in_many_ways(void **state)
{
    (void)state;
    static const struct {
        const char *listed, *origin;
        bool allowed;
    } table[] = {
        { "*", "https://a.example", 1 },
        { "*", "null", 1 },
        { "*", "file://", 1 },
        { "*", "what is this", 1 },
        { "null", "null", 1 },
        { "null", "NULL", 0 },
        { "null", "file://", 0 },
        { "null", "http://null", 0 },
        { "file://", "file://", 1 },
        { "FILE://", "file://", 1 },
        { "file:///", "file://", 1 },
        { "file://", "file:///", 0 },
        { "file://", "null", 0 },
        { "file://", "files://", 0 },
        { "file://", "file://x", 0 },
        { "capacitor://localhost", "capacitor://localhost", 1 },
        { "capacitor://localhost", "ionic://localhost", 0 },
        { "chrome-extension://abcdefgh", "chrome-extension://abcdefgh", 1 },
        { "app://.", "app://.", 1 },
        { "z9+a-b.c://h", "z9+a-b.c://h", 1 },
        { "https://a.example/", "https://a.example", 1 },
        { "https://a.example:444/", "https://a.example:444", 1 },
        { "https://a.example/", "https://a.example:444", 0 },
        { "https://*.a.example/", "https://x.a.example", 1 },
        { "https://*.a.example:444", "https://x.a.example:444", 1 },
        { "https://[::1]:8", "https://[::1]:8", 1 },
    };
    const ws_header host[] = { { "Origin", "file://" }, { 0 } };
    const ws_request nowhere = { .host = "", .headers = host };

    for (size_t i = 0; i < COUNT(table); i++) {
        const ws_header headers[] = { { "Origin", table[i].origin }, { 0 } };
        const ws_request r = { .host = "h", .headers = headers };
        const char *const alone[] = { table[i].listed, NULL };
        const char *const last[] = { "https://z.example", "z://",
                                     table[i].listed, NULL };

        assert_int_equal(ws__origins_check(last, NULL), 0);
        if (ws__origin_allowed(&r, alone) != table[i].allowed ||
            ws__origin_allowed(&r, last) != table[i].allowed)
            fail_msg("%s in %s", table[i].origin, table[i].listed);
    }
    assert_false(ws__origin_allowed(&nowhere, NULL));
}

static void an_entry_that_can_match_nothing_is_an_error(void **state)
{
    (void)state;
    static const char *const table[] = {
        "",
        "/",
        "://",
        "example.com",
        "example.com:8080",
        "https://",
        "http:///",
        "https://a.example/chat",
        "https://a.example//",
        "https://u@a.example",
        "https://a.example:*",
        "https://a.example?b",
        "https://*",
        "https://*.",
        "https://a*.example",
        "https://*.*.example",
        "*.example.com",
        "*://a.example",
        "https:/a.example",
        "1https://a.example",
        "-https://a.example",
        "h{ttps://a.example",
        "h_ttps://a.example",
        "h:ttps://a.example",
        "https://a.example ",
        "Null",
        "**",
        "https://m\xc3\xbcller.example",
        "https://a.example:70000",
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        const char *const list[] = { "*", table[i], NULL };
        ws_error err = { 0 };

        if (ws__origins_check(list, &err) != WS_ERR_INVALID)
            fail_msg("\"%s\" is taken", table[i]);
        assert_non_null(strstr(err.text, "allowed_origins: "));
    }
    assert_int_equal(ws__origins_check(NULL, NULL), 0);
}

/* ---- Subprotocols and the answer ---------------------------------------- */

static void the_clients_order_decides(void **state)
{
    (void)state;
    static const char *const ours[] = { "a", "b", "c", NULL };
    static const char *const nothing[] = { NULL };
    static const struct {
        const char *first, *second, *chosen;
    } table[] = {
        { "b, a", NULL, "b" },  { "x, c", NULL, "c" }, { "x", "a", "a" },
        { "A", NULL, NULL },    { "x", "y", NULL },    { "", NULL, NULL },
        { "@, a", NULL, NULL }, { "@", "a", "a" },     { "c,b", "a", "c" },
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        const ws_header h[] = { { "Sec-WebSocket-Protocol", table[i].first },
                                { "sec-websocket-protocol", table[i].second },
                                { 0 } };
        const ws_header one[] = { h[0], { 0 } };
        const ws_header *headers = table[i].second ? h : one;
        const char *got = ws__subprotocol_choose(headers, ours);

        if (table[i].chosen)
            assert_string_equal(got, table[i].chosen);
        else
            assert_null(got);
        assert_null(ws__subprotocol_choose(headers, nothing));
        assert_null(ws__subprotocol_choose(headers, NULL));
    }
}

static void the_answer_is_written_in_order(void **state)
{
    (void)state;
    static const char want[] = "HTTP/1.1 101 Switching Protocols\r\n"
                               "Upgrade: websocket\r\n"
                               "Connection: Upgrade\r\n"
                               "Sec-WebSocket-Accept: " ACCEPT "\r\n"
                               "Sec-WebSocket-Protocol: chat\r\n"
                               "Sec-WebSocket-Extensions: permessage-deflate; "
                               "server_no_context_takeover; "
                               "client_no_context_takeover\r\n"
                               "Set-Cookie: a  b\r\n"
                               "\r\n";
    static const ws_header asked[] = { { "Sec-WebSocket-Key", KEY }, { 0 } };
    static const ws_header response[] = { { "Set-Cookie", "a\r\nb" },
                                          { "upgrade", "x" },
                                          { "Sec-WebSocket-Protocol", "y" },
                                          { "Sec-WebSocket-Accept", "z" },
                                          { 0 } };
    const struct ws__deflate_params deflate = { .on = true };
    ws_request r = { .headers = asked };
    bool failed = true;

    for (long n = 1; failed; n++) {
        struct ws__http_out o;

        ws__http_out_init(&o);
        alloc_fail_at(n);
        int error = ws__handshake_answer(&o, &r, "chat", &deflate, response);
        failed = alloc_failed();
        alloc_fail_at(0);
        assert_int_equal(error, failed ? -ENOMEM : 0);
        if (!failed) {
            assert_int_equal(o.len, sizeof(want) - 1);
            assert_memory_equal(o.p, want, o.len);
        }
        ws__http_out_fini(&o);
    }
}

/* ---- The client --------------------------------------------------------- */

static const char *const chats[] = { "chat.v2", "chat.v1", NULL };

static const struct ws__asked plain = { .host_port = "h:81",
                                        .target = "/x",
                                        .key = KEY };
static const struct ws__asked full = { .host_port = "h",
                                       .target = "/",
                                       .key = KEY,
                                       .subprotocols = chats,
                                       .compression = true };

static void a_request_asks_for_all_of_it(void **state)
{
    (void)state;
    static const ws_header mine[] = { { "host", "other" },
                                      { "Origin", "http://o" },
                                      { 0 } };
    struct ws__asked a = full;
    struct ws__http_out o;
    ws_error err = { 0 };

    ws__http_out_init(&o);
    a.headers = mine;
    assert_int_equal(ws__handshake_request(&o, &a, &err), 0);
    o.p[o.len - 1] = '\0';
    assert_non_null(strstr(o.p, "GET / HTTP/1.1\r\nHost: other\r\n"));
    assert_non_null(strstr(o.p, "\r\nUpgrade: websocket\r\n"));
    assert_non_null(strstr(o.p, "\r\nConnection: Upgrade\r\n"));
    assert_non_null(strstr(o.p, "\r\nSec-WebSocket-Key: " KEY "\r\n"));
    assert_non_null(strstr(o.p, "\r\nSec-WebSocket-Version: 13\r\n"));
    assert_non_null(
        strstr(o.p, "\r\nSec-WebSocket-Protocol: chat.v2, chat.v1\r\n"));
    assert_non_null(strstr(o.p, "permessage-deflate; server_no_context"));
    assert_non_null(strstr(o.p, "\r\nOrigin: http://o\r\n"));
    assert_null(strstr(o.p, "Host: h\r\n"));
    ws__http_out_fini(&o);
}

static void credentials_are_sent_unless_the_caller_has_others(void **state)
{
    (void)state;
    static const ws_header mine[] = { { "authorization", "Bearer x" }, { 0 } };
    struct ws__asked a = plain;
    struct ws__http_out o;

    /* RFC 7617, section 2. */
    a.credentials = "Aladdin:open sesame";
    for (int i = 0; i < 2; i++) {
        a.headers = i == 0 ? NULL : mine;
        ws__http_out_init(&o);
        assert_int_equal(ws__handshake_request(&o, &a, NULL), 0);
        o.p[o.len - 1] = '\0';
        bool basic = strstr(o.p, "\r\nAuthorization: Basic "
                                 "QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n");
        assert_int_equal(basic, i == 0);
        assert_int_equal(!basic,
                         !!strstr(o.p, "\r\nauthorization: Bearer x\r\n"));
        ws__http_out_fini(&o);
    }
}

static void two_hosts_are_refused(void **state)
{
    (void)state;
    static const ws_header mine[] = { { "Host", "a" }, { "host", "a" }, { 0 } };
    struct ws__asked a = plain;
    struct ws__http_out o;
    ws_error err = { 0 };

    a.headers = mine;
    ws__http_out_init(&o);
    assert_int_equal(ws__handshake_request(&o, &a, &err), WS_ERR_INVALID);
    assert_non_null(strstr(err.text, "more than one Host"));
    ws__http_out_fini(&o);
}

static void a_refused_origin_is_named(void **state)
{
    (void)state;
    static const ws_header mine[] = { { "Origin", "http://a.example" }, { 0 } };
    static const ws_header none[] = { { 0 } };
    struct ws__deflate_params deflate;
    struct ws__asked a = plain;
    const char *chosen;
    ws_error err = { 0 };

    a.headers = mine;
    assert_int_equal(
        ws__handshake_verify(&a, 403, none, &chosen, &deflate, &err),
        WS_ERR_HANDSHAKE);
    assert_int_equal(err.http_status, 403);
    assert_string_equal(err.text,
                        "bad handshake: the server answered 403 to the "
                        "upgrade; it may have refused the path, or Origin "
                        "http://a.example");
}

/* What servers of TLS say to plain HTTP. */
static void plain_http_that_is_a_bad_request_may_be_for_wss(void **state)
{
    (void)state;
    static const ws_header none[] = { { 0 } };
    struct ws__deflate_params deflate;
    struct ws__asked a = plain;
    const char *chosen;
    ws_error err = { 0 };

    ws__handshake_verify(&a, 400, none, &chosen, &deflate, &err);
    assert_non_null(strstr(err.text, "wss://"));
    a.tls = true;
    err = (ws_error){ 0 };
    ws__handshake_verify(&a, 400, none, &chosen, &deflate, &err);
    assert_non_null(strstr(err.text, "is the path right?"));
    assert_null(strstr(err.text, "wss://"));
}

static void headers_that_must_not_be_sent_are_refused(void **state)
{
    (void)state;
    static const ws_header bad[] = {
        { "Upgrade", "x" },
        { "connection", "x" },
        { "SEC-WEBSOCKET-KEY", "x" },
        { "Sec-WebSocket-Version", "13" },
        { "Sec-WebSocket-Extensions", "x" },
        { "Sec-WebSocket-Accept", "x" },
        { "Sec-WebSocket-Protocol", "x" },
        { "Content-Length", "1" },
        { "Transfer-Encoding", "chunked" },
        { "X", "a\r\nY: b" },
        { "X", "a\nb" },
        { "X", "a\x01" },
        { "X", NULL },
        { "X: y\r\nZ", "a" },
        { "X Y", "a" },
        { "Host", "a b" },
        { "Host", "a/b" },
        { "Host", "a:b" },
        { "Host", "u@a" },
        { "", "a" },
    };

    for (size_t i = 0; i < COUNT(bad); i++) {
        const ws_header mine[] = { bad[i], { 0 } };
        struct ws__asked a = full;
        struct ws__http_out o;
        ws_error err = { 0 };

        ws__http_out_init(&o);
        a.headers = mine;
        if (ws__handshake_request(&o, &a, &err) != WS_ERR_INVALID)
            fail_msg("row %zu was sent", i);
        assert_int_equal(err.code, WS_ERR_INVALID);
        assert_true(strlen(err.text) > 0);
        ws__http_out_fini(&o);
    }
}

static void subprotocols_that_cannot_be_asked_for_are_refused(void **state)
{
    (void)state;
    static const char *const bad[][3] = { { "a b", NULL },
                                          { "", NULL },
                                          { "a,b", NULL },
                                          { "a\r\n", NULL },
                                          { "a", "a", NULL } };

    for (size_t i = 0; i < COUNT(bad); i++) {
        struct ws__asked a = plain;
        struct ws__http_out o;

        ws__http_out_init(&o);
        a.subprotocols = bad[i];
        assert_int_equal(ws__handshake_request(&o, &a, NULL), WS_ERR_INVALID);
        ws__http_out_fini(&o);
    }
}

#define GOOD                                                                   \
    { "Upgrade", "websocket" }, { "Connection", "Upgrade" },                   \
    {                                                                          \
        "Sec-WebSocket-Accept", ACCEPT                                         \
    }

static void answers_are_checked_in_full(void **state)
{
    (void)state;
    /* RFC 6455, section 4.1. */
    static const struct {
        int status;
        ws_header headers[7];
        const char *fault, *chosen;
        bool deflate;
    } table[] = {
        { 101, { GOOD, { 0 } }, NULL, NULL, 0 },
        { 101,
          { { "upgrade", "foo, WebSocket" },
            { "connection", "x, UPGRADE" },
            { "sec-websocket-accept", ACCEPT },
            { 0 } },
          NULL,
          NULL,
          0 },
        { 101,
          { GOOD, { "Sec-WebSocket-Protocol", "chat.v1" }, { 0 } },
          NULL,
          "chat.v1",
          0 },
        { 101,
          { GOOD,
            { "Sec-WebSocket-Extensions",
              "permessage-deflate; server_no_context_takeover" },
            { 0 } },
          NULL,
          NULL,
          1 },
        { 200, { GOOD, { 0 } }, "answered 200 to the upgrade; ", NULL, 0 },
        { 100, { GOOD, { 0 } }, "answered 100", NULL, 0 },
        { 301, { { 0 } }, "redirects are not followed", NULL, 0 },
        { 401, { { 0 } }, "credentials", NULL, 0 },
        { 403, { { 0 } }, "may want an Origin", NULL, 0 },
        { 404, { { 0 } }, "no WebSocket at this path", NULL, 0 },
        { 426, { { 0 } }, "proxy", NULL, 0 },
        { 503, { { 0 } }, "answered 503", NULL, 0 },
        { 101,
          { { "Connection", "Upgrade" },
            { "Sec-WebSocket-Accept", ACCEPT },
            { 0 } },
          "'Upgrade'",
          NULL,
          0 },
        { 101,
          { { "Upgrade", "h2c" },
            { "Connection", "Upgrade" },
            { "Sec-WebSocket-Accept", ACCEPT },
            { 0 } },
          "'Upgrade'",
          NULL,
          0 },
        { 101,
          { { "Upgrade", "websocket" },
            { "Sec-WebSocket-Accept", ACCEPT },
            { 0 } },
          "'Connection'",
          NULL,
          0 },
        { 101,
          { { "Upgrade", "websocket" }, { "Connection", "Upgrade" }, { 0 } },
          "'Sec-WebSocket-Accept'",
          NULL,
          0 },
        { 101,
          { { "Upgrade", "websocket" },
            { "Connection", "Upgrade" },
            { "Sec-WebSocket-Accept", "x" ACCEPT },
            { 0 } },
          "'Sec-WebSocket-Accept'",
          NULL,
          0 },
        { 101,
          { { "Upgrade", "websocket" },
            { "Connection", "Upgrade" },
            { "Sec-WebSocket-Accept", "S3PPLMBITXAQ9KYGZZHZRBK+XOO=" },
            { 0 } },
          "'Sec-WebSocket-Accept'",
          NULL,
          0 },
        { 101,
          { GOOD, { "Sec-WebSocket-Accept", ACCEPT }, { 0 } },
          "'Sec-WebSocket-Accept'",
          NULL,
          0 },
        { 101,
          { GOOD, { "Sec-WebSocket-Protocol", "chat" }, { 0 } },
          "not asked for",
          NULL,
          0 },
        { 101,
          { GOOD, { "Sec-WebSocket-Protocol", "Chat.v1" }, { 0 } },
          "not asked for",
          NULL,
          0 },
        { 101,
          { GOOD, { "Sec-WebSocket-Protocol", "" }, { 0 } },
          NULL,
          NULL,
          0 },
        { 101,
          { GOOD,
            { "Sec-WebSocket-Protocol", "" },
            { "Sec-WebSocket-Protocol", "chat.v1" },
            { 0 } },
          NULL,
          "chat.v1",
          0 },
        { 101,
          { GOOD, { "Sec-WebSocket-Protocol", "chat.v2, chat.v1" }, { 0 } },
          "not asked for",
          NULL,
          0 },
        { 101,
          { GOOD,
            { "Sec-WebSocket-Protocol", "chat.v2" },
            { "Sec-WebSocket-Protocol", "chat.v2" },
            { 0 } },
          "more than one",
          NULL,
          0 },
        { 101,
          { GOOD, { "Sec-WebSocket-Extensions", "foo" }, { 0 } },
          "not offered",
          NULL,
          0 },
        { 101,
          { GOOD, { "Sec-WebSocket-Extensions", "permessage-deflate" }, { 0 } },
          NULL,
          NULL,
          1 },
        { 101,
          { GOOD,
            { "Sec-WebSocket-Extensions", "permessage-deflate; x=1" },
            { 0 } },
          "malformed: \"permessage-deflate; x=1\"",
          NULL,
          0 },
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        struct ws__deflate_params deflate;
        const char *chosen = NULL;
        ws_error err = { 0 };
        int error = ws__handshake_verify(
            &full, table[i].status, table[i].headers, &chosen, &deflate, &err);

        if (error != (table[i].fault ? WS_ERR_HANDSHAKE : 0) ||
            (error && !strstr(err.text, table[i].fault)))
            fail_msg("row %zu: %d %s", i, error, err.text);
        if (error) {
            assert_int_equal(err.http_status, table[i].status);
            continue;
        }
        assert_int_equal(deflate.on, table[i].deflate);
        assert_int_equal(!chosen, !table[i].chosen);
        if (chosen)
            assert_string_equal(chosen, table[i].chosen);
    }
}

static void what_was_not_asked_for_is_refused(void **state)
{
    (void)state;
    static const ws_header extension[] = {
        GOOD, { "Sec-WebSocket-Extensions", "permessage-deflate" }, { 0 }
    };
    static const ws_header subprotocol[] = {
        GOOD, { "Sec-WebSocket-Protocol", "chat.v1" }, { 0 }
    };
    struct ws__deflate_params deflate;
    const char *chosen;

    assert_int_equal(
        ws__handshake_verify(&plain, 101, extension, &chosen, &deflate, NULL),
        WS_ERR_HANDSHAKE);
    assert_int_equal(
        ws__handshake_verify(&plain, 101, subprotocol, &chosen, &deflate, NULL),
        WS_ERR_HANDSHAKE);
}

/* Where the caller has written the field, it has asked. */
static void what_the_callers_own_field_asked_for_may_be_chosen(void **state)
{
    (void)state;
    static const ws_header asked[] = {
        { "X-Other", "chat.v3" },
        { "sec-websocket-protocol", "chat.v1, chat.v2" },
        { "Sec-WebSocket-Protocol", "chat.v4" },
        { 0 },
    };
    static const struct {
        const char *answer;
        bool taken;
    } answers[] = {
        { "chat.v1", true },  { "chat.v2", true },
        { "chat.v4", true },  { "chat.v3", false },
        { "Chat.v1", false }, { "chat.v1, chat.v2", false },
    };

    for (size_t i = 0; i < COUNT(answers); i++) {
        const ws_header answer[] = {
            GOOD, { "Sec-WebSocket-Protocol", answers[i].answer }, { 0 }
        };
        struct ws__asked a = plain;
        struct ws__deflate_params deflate;
        const char *chosen;

        a.headers = asked;
        int r = ws__handshake_verify(&a, 101, answer, &chosen, &deflate, NULL);
        assert_int_equal(r, answers[i].taken ? 0 : WS_ERR_HANDSHAKE);
        if (r == 0)
            assert_string_equal(chosen, answers[i].answer);
    }
}

static void a_refusal_need_not_be_told_in_words(void **state)
{
    (void)state;
    static const ws_header none[] = { { 0 } };
    struct ws__deflate_params deflate;
    const char *chosen;

    assert_int_equal(
        ws__handshake_verify(&plain, 403, none, &chosen, &deflate, NULL),
        WS_ERR_HANDSHAKE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_accept_key_is_the_rfcs),
        cmocka_unit_test(every_request_that_is_no_upgrade_is_refused),
        cmocka_unit_test(a_host_that_a_proxy_names_is_hinted_at),
        cmocka_unit_test(the_first_fault_counts),
        cmocka_unit_test(origins_are_compared_not_searched),
        cmocka_unit_test(an_origin_can_be_listed_in_many_ways),
        cmocka_unit_test(an_entry_that_can_match_nothing_is_an_error),
        cmocka_unit_test(the_clients_order_decides),
        cmocka_unit_test(the_answer_is_written_in_order),
        cmocka_unit_test(a_request_asks_for_all_of_it),
        cmocka_unit_test(credentials_are_sent_unless_the_caller_has_others),
        cmocka_unit_test(headers_that_must_not_be_sent_are_refused),
        cmocka_unit_test(two_hosts_are_refused),
        cmocka_unit_test(a_refused_origin_is_named),
        cmocka_unit_test(plain_http_that_is_a_bad_request_may_be_for_wss),
        cmocka_unit_test(subprotocols_that_cannot_be_asked_for_are_refused),
        cmocka_unit_test(answers_are_checked_in_full),
        cmocka_unit_test(what_was_not_asked_for_is_refused),
        cmocka_unit_test(what_the_callers_own_field_asked_for_may_be_chosen),
        cmocka_unit_test(a_refusal_need_not_be_told_in_words),
    };

    alloc_fail_install();
    return cmocka_run_group_tests_name("handshake", tests, NULL, NULL);
}
