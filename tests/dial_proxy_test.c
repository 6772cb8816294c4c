/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <errno.h>
#include <stdio.h>

#include <silverback/dial.h>

#include "alloc_fail.h"
#include "dial_table.h"
#include "proto/socks5.h"
#include "scripted.h"
#include "mode.h"

#define AGREED                                                                 \
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"               \
    "Connection: Upgrade\r\nSec-WebSocket-Accept: $A\r\n\r\n"
#define URL "ws://server.test:81/chat"
#define CONNECT "CONNECT server.test:81 HTTP/1.1\r\nHost: server.test:81\r\n"
#define BASIC "Proxy-Authorization: Basic bWU6cHc=\r\n" /* me:pw */
#define OK "HTTP/1.1 200 OK\r\n\r\n"
#define NAMED "\5\1\0\3\13server.test\0\121"

/* ---- Proxies ------------------------------------------------------------ */

static const struct scripted_turn none[] = { { 0 } };
static const struct scripted_turn http[] = { { 0, OK, 0 }, { 0 } };
static const struct scripted_turn http_407[] = {
    { 0, "HTTP/1.1 407 Who Are You\r\nContent-Length: 0\r\n\r\n", 0 },
    { 0 },
};
static const struct scripted_turn socks[] = {
    { 3, "\5\0", 2 },
    { sizeof(NAMED) - 1, "\5\0\0\1\0\0\0\0\0\0", 10 },
    { 0 },
};
static const struct scripted_turn socks_user[] = {
    { 4, "\5\2", 2 },
    { 7, "\1\0", 2 },
    { sizeof(NAMED) - 1, "\5\0\0\3\1x\0\0", 8 },
    { 0 },
};
static const struct scripted_turn socks_other_user[] = {
    { 4, "\5\2", 2 },
    { 7, "\1\1", 2 },
    { 0 },
};
static const struct scripted_turn socks_wants_user[] = {
    { 3, "\5\377", 2 },
    { 0 },
};

static int clear_environment(void **state)
{
    static const char *const names[] = {
        "HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy",
        "ALL_PROXY",  "all_proxy",  "NO_PROXY",    "no_proxy",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(names); i++)
        unsetenv(names[i]);
    return 0;
}

/* ---- Permutations ------------------------------------------------------- */

/* "%u" in a proxy or a URL is the port of the script. */
struct permutation {
    const char *what;
    const char *name; /* of a variable with that value; NULL: none */
    const char *value;
    const char *proxy; /* the dialer's */
    const char *url;
    bool hook;
    const struct scripted_turn *turns;
    const char *heard;
    size_t heard_len;
    int code;
    const char *text;
};

#define NO_VARIABLE NULL, NULL
#define HEARD(s) (s), sizeof(s) - 1

/* clang-format off */
static const struct permutation permutations[] = {
    { "no proxy", NO_VARIABLE, "", "ws://127.0.0.1:%u/", false,
      none, HEARD(""), 0, "" },
    { "no proxy, by hook", NO_VARIABLE, "", URL, true,
      none, HEARD(""), 0, "" },
    { "HTTP", NO_VARIABLE, "http://127.0.0.1:%u", URL, false,
      http, HEARD(CONNECT "\r\n"), 0, "" },
    { "HTTP, by hook", NO_VARIABLE, "http://p.test", URL, true,
      http, HEARD(CONNECT "\r\n"), 0, "" },
    { "HTTP with a user", NO_VARIABLE, "http://me:pw@127.0.0.1:%u", URL, false,
      http, HEARD(CONNECT BASIC "\r\n"), 0, "" },
    { "HTTP with a user, by hook", NO_VARIABLE, "http://me:pw@p.test", URL,
      true, http, HEARD(CONNECT BASIC "\r\n"), 0, "" },
    { "HTTP that wants a user", NO_VARIABLE, "127.0.0.1:%u", URL, false,
      http_407, HEARD(CONNECT "\r\n"), WS_ERR_PROXY, "it wants credentials" },
    { "SOCKS5", NO_VARIABLE, "socks5://127.0.0.1:%u", URL, false,
      socks, HEARD("\5\1\0" NAMED), 0, "" },
    { "SOCKS5, by hook", NO_VARIABLE, "socks5://p.test", URL, true,
      socks, HEARD("\5\1\0" NAMED), 0, "" },
    { "SOCKS5 with a user", NO_VARIABLE, "socks5h://me:pw@127.0.0.1:%u", URL,
      false, socks_user, HEARD("\5\2\0\2\1\2me\2pw" NAMED), 0, "" },
    { "SOCKS5 with a user, by hook", NO_VARIABLE, "socks5://me:pw@p.test", URL,
      true, socks_user, HEARD("\5\2\0\2\1\2me\2pw" NAMED), 0, "" },
    { "SOCKS5 with another user", NO_VARIABLE, "socks5://me:pw@127.0.0.1:%u",
      URL, false, socks_other_user, HEARD("\5\2\0\2\1\2me\2pw"), WS_ERR_PROXY,
      "it refused the user and password" },
    { "SOCKS5 that wants a user", NO_VARIABLE, "socks5://127.0.0.1:%u", URL,
      false, socks_wants_user, HEARD("\5\1\0"), WS_ERR_PROXY,
      "it wants credentials" },
    { "HTTP of the environment", "HTTP_PROXY", "127.0.0.1:%u", NULL, URL, false,
      http, HEARD(CONNECT "\r\n"), 0, "" },
    { "HTTP of the environment, by hook", "http_proxy", "me:pw@p.test", NULL,
      URL, true, http, HEARD(CONNECT BASIC "\r\n"), 0, "" },
    { "SOCKS5 of the environment", "all_proxy", "socks5://127.0.0.1:%u", NULL,
      URL, false, socks, HEARD("\5\1\0" NAMED), 0, "" },
    { "none, whatever the environment says", "HTTP_PROXY", "p.test", "", URL,
      true, none, HEARD(""), 0, "" },
    { "the environment's, but not for this machine", "HTTP_PROXY", "p.test",
      NULL, "ws://127.0.0.1:%u/", false, none, HEARD(""), 0, "" },
    { "the environment's for wss", "HTTPS_PROXY", "p.test", NULL, URL, true,
      none, HEARD(""), 0, "" },
};
/* clang-format on */

static void expand(char out[static 64], const char *pattern, unsigned port)
{
    const char *mark = strstr(pattern, "%u");
    size_t n = mark ? (size_t)(mark - pattern) : strlen(pattern);

    memcpy(out, pattern, n);
    out[n] = '\0';
    if (mark)
        snprintf(out + n, 64 - n, "%u%s", port, mark + 2);
}

static void check_heard(const struct permutation *p, const struct scripted *s)
{
    if (s->heard_len != p->heard_len ||
        memcmp(s->heard, p->heard, p->heard_len) != 0)
        fail_msg("%s: heard %zu bytes: %.*s", p->what, s->heard_len,
                 (int)s->heard_len, (const char *)s->heard);
    if (p->hook)
        assert_string_equal(s->host, p->heard_len ? "p.test" : "server.test");
}

static void check_permutation(const struct permutation *p, bool by_byte)
{
    struct scripted s = { .answer = p->code ? NULL : AGREED "\x81\x02hi",
                          .turns = p->turns,
                          .by_byte = by_byte };
    unsigned port = p->hook ? 0 : scripted_listen(&s);
    char proxy[64] = "", url[64], value[64];
    const ws_dialer d = { .proxy = p->proxy ? proxy : NULL,
                          .connect = p->hook ? scripted_connect : NULL,
                          .arg = &s };
    ws_message m;
    ws_error err;

    expand(url, p->url, port);
    if (p->proxy)
        expand(proxy, p->proxy, port);
    clear_environment(NULL);
    if (p->name) {
        expand(value, p->value, port);
        setenv(p->name, value, 1);
    }

    ws_conn *c = ws_dial(&d, url, NULL, NULL, &err);
    if (err.code != p->code || !strstr(err.text, p->text))
        fail_msg("%s: %d, %s", p->what, err.code, err.text);
    assert_int_equal(c != NULL, p->code == 0);
    if (c) {
        assert_int_equal(ws_read_message(c, &m), 0);
        assert_string_equal(m.data, "hi");
    }
    ws_close(c);
    scripted_end(&s);
    check_heard(p, &s);
}

static void check_permutations(void *arg)
{
    for (size_t i = 0; i < COUNT(permutations); i++)
        check_permutation(&permutations[i], *(bool *)arg);
}

static void each_way_leads_to_the_server(void **state)
{
    (void)state;

    for (int i = 0; i < 2; i++) {
        check_permutations(&(bool){ i });
        mode_in_fiber(check_permutations, &(bool){ i });
    }
}

/* ---- What a proxy says -------------------------------------------------- */

static ws_conn *dial(struct scripted *s, ws_dialer d, ws_response **resp,
                     ws_error *err)
{
    d.connect = scripted_connect;
    d.arg = s;
    return ws_dial(&d, URL, NULL, resp, err);
}

static void an_address_is_not_a_name(void **state)
{
    (void)state;
    static const struct scripted_turn turns[] = {
        { 3, "\5\0", 2 },
        { 22, "\5\5", 2 },
        { 0 },
    };
    static const char *const proxies[] = { "http://p.test", "socks5://p.test" };
    static const char heard[] = "\5\1\0\5\1\0\4\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0"
                                "\0\0\1\1\273";

    for (size_t i = 0; i < COUNT(proxies); i++) {
        struct scripted s = { .turns = i == 0 ? http_407 : turns };
        const ws_dialer d = { .proxy = proxies[i],
                              .connect = scripted_connect,
                              .arg = &s };

        assert_null(ws_dial(&d, "ws://[2001:db8::1]:443/", NULL, NULL, NULL));
        scripted_end(&s);
        if (i == 0)
            assert_non_null(strstr((char *)s.heard,
                                   "CONNECT [2001:db8::1]:443 HTTP/1.1\r\n"
                                   "Host: [2001:db8::1]:443\r\n"));
        else
            assert_memory_equal(s.heard, heard, sizeof(heard) - 1);
    }
}

static void any_2xx_is_consent_without_a_body(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "HTTP/1.1 200 Connection established\r\n\r\n",
        "HTTP/1.0 200\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 299 x\r\nContent-Length: 9\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\nVia: a\n b\n\n",
    };

    for (size_t i = 0; i < 2 * COUNT(answers); i++) {
        const struct scripted_turn turns[] = { { 0, answers[i / 2], 0 },
                                               { 0 } };
        struct scripted s = { .answer = AGREED,
                              .turns = turns,
                              .by_byte = i % 2 };
        ws_response *resp;
        ws_conn *c = dial(&s, (ws_dialer){ .proxy = "p.test" }, &resp, NULL);

        assert_non_null(c);
        assert_int_equal(resp->status, 101);
        ws_response_free(resp);
        ws_close(c);
        scripted_end(&s);
    }
}

struct refusal {
    const char *what;
    const char *proxy;
    struct scripted_turn turns[3];
    int code;
    int status;
    const char *text;
    const char *body; /* of the answer; NULL: there is none */
};

/* clang-format off */
static const struct refusal refusals[] = {
    { "403",
      "p.test", { { 0, "HTTP/1.1 403 Filtered\r\n\r\nno", 0 } },
      WS_ERR_PROXY, 403, "the proxy p.test answered 403 to CONNECT "
      "server.test:81; it may not allow this host or port", "no" },
    { "407 without a reason",
      "p.test", { { 0, "HTTP/1.1 407\r\nContent-Length: 4\r\n\r\nwho?", 0 } },
      WS_ERR_PROXY, 407, "it wants credentials", "who?" },
    { "502",
      "p.test:8080", { { 0, "HTTP/1.1 502 x\r\n\r\n", 0 } },
      WS_ERR_PROXY, 502, "the proxy p.test:8080 answered 502", "" },
    { "405",
      "p.test", { { 0, "HTTP/1.1 405 x\r\nContent-Length: 0\r\n\r\n", 0 } },
      WS_ERR_PROXY, 405, "does not allow CONNECT", "" },
    { "302",
      "p.test", { { 0, "HTTP/1.1 302 x\r\nLocation: /\r\n\r\n", 0 } },
      WS_ERR_PROXY, 302, "answered 302 to CONNECT server.test:81; it redirects "
      "to /", "" },
    { "404 and a Location",
      "p.test", { { 0, "HTTP/1.1 404 x\r\nLocation: /\r\n\r\n", 0 } },
      WS_ERR_PROXY, 404, "; is it a proxy?", "" },
    { "999",
      "p.test", { { 0, "HTTP/1.1 999 x\r\n\r\n", 0 } },
      WS_ERR_PROXY, 999, "answered 999", "" },
    { "101",
      "p.test", { { 0, "HTTP/1.1 101 x\r\n\r\n", 0 } },
      WS_ERR_PROXY, 101, "answered 101", "" },
    { "no HTTP",
      "p.test", { { 0, "\5\377", 0 } },
      WS_ERR_PROXY, 0, "the proxy p.test: malformed answer: a control byte: "
      "\"\\x05", NULL },
    { "a TLS alert",
      "p.test", { { 0, "\x15\3\1\0\2\2\x28", 7 } },
      WS_ERR_PROXY, 0, "the proxy p.test: malformed answer: a control byte: "
      "\"\\x15", NULL },
    { "no empty line",
      "p.test", { { 0, "HTTP/1.1 200 OK\r\n", 0 } },
      WS_ERR_PROXY, 0, "the proxy p.test closed the connection", NULL },
    { "more behind the answer",
      "p.test", { { 0, OK "\x81\x02hi", 0 } },
      WS_ERR_PROXY, 0, "the proxy p.test: unexpected bytes behind its answer (4)", NULL },
    { "HTTP instead of SOCKS",
      "socks5://p.test", { { 3, "HTTP/1.1 400 x\r\n\r\n", 0 } },
      WS_ERR_PROXY, 0, "the proxy p.test: malformed answer: expected version 5",
      NULL },
    { "a byte of SOCKS",
      "socks5://p.test", { { 3, "\5", 1 } },
      WS_ERR_PROXY, 0, "the proxy p.test closed the connection", NULL },
    { "code 2 of SOCKS",
      "socks5://p.test", { { 3, "\5\0", 2 }, { 18, "\5\2\0\1", 4 } },
      WS_ERR_PROXY, 0, "its rules do not allow", NULL },
    { "half an answer of SOCKS",
      "socks5://p.test", { { 3, "\5\0", 2 }, { 18, "\5\0\0\1", 4 } },
      WS_ERR_PROXY, 0, "the proxy p.test closed the connection", NULL },
    { "more of SOCKS than its turn",
      "socks5://p.test", { { 3, "\5\0\5", 3 } },
      WS_ERR_PROXY, 0, "bytes behind its answer (1)", NULL },
};
/* clang-format on */

static void check_refusal(const struct refusal *row, bool by_byte)
{
    struct scripted s = { .turns = row->turns, .by_byte = by_byte };
    ws_response *resp;
    ws_error err;

    assert_null(dial(&s, (ws_dialer){ .proxy = row->proxy }, &resp, &err));
    scripted_end(&s);
    if (!by_byte)
        dial_table_row(row->what, &err);
    if (err.code != row->code || !strstr(err.text, row->text))
        fail_msg("expected %d, %s; got %d, %s", row->code, row->text, err.code,
                 err.text);
    assert_int_equal(err.http_status, row->status);
    assert_int_equal(resp != NULL, row->body != NULL);
    if (resp) {
        assert_int_equal(resp->status, row->status);
        assert_string_equal(resp->body, row->body);
    }
    ws_response_free(resp);
}

/* Byte by byte what comes too early is still to come. */
static void refusals_say_what_the_proxy_said(void **state)
{
    (void)state;

    dial_table_head("What a proxy says instead");
    for (size_t i = 0; i < COUNT(refusals); i++) {
        check_refusal(&refusals[i], false);
        if (!strstr(refusals[i].text, "behind its answer"))
            check_refusal(&refusals[i], true);
    }
}

static void a_password_is_never_shown(void **state)
{
    (void)state;
    static const struct {
        const char *proxy;
        const struct scripted_turn *turns;
    } rows[] = {
        { "http://me:secret@p.test", http_407 },
        { "socks5://me:secret@p.test", socks_wants_user },
        { "ftp://me:secret@p.test", none },
        { "http://me:secret@p.test:0", none },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct scripted s = { .turns = rows[i].turns };
        ws_error err;

        assert_null(
            dial(&s, (ws_dialer){ .proxy = rows[i].proxy }, NULL, &err));
        scripted_end(&s);
        assert_non_null(strstr(err.text, "p.test"));
        assert_null(strstr(err.text, "secret"));
    }
}

static bool wiped; /* what a SOCKS proxy was told, the password among it */

void __real_explicit_bzero(void *p, size_t n);
void __wrap_explicit_bzero(void *p, size_t n);
void __wrap___explicit_bzero_chk(void *p, size_t n, size_t room);

void __wrap_explicit_bzero(void *p, size_t n)
{
    wiped =
        wiped || (n == sizeof(struct ws__socks5) && memmem(p, n, "sesame", 6));
    __real_explicit_bzero(p, n);
}

void __wrap___explicit_bzero_chk(void *p, size_t n, size_t room)
{
    (void)room;
    __wrap_explicit_bzero(p, n);
}

/* What is said later lies over its beginning. */
static void one_does_not_stay_where_it_was_said(void **state)
{
    (void)state;
    static const struct {
        struct scripted_turn turns[4];
        int code;
    } rows[] = {
        { { { 4, "\5\2", 2 },
            { 30, "\1\0", 2 },
            { sizeof(NAMED) - 1, "\5\0\0\3\1x\0\0", 8 } },
          0 },
        { { { 4, "\5\2", 2 }, { 30, "\1\1", 2 } }, WS_ERR_PROXY },
        { { { 4, "\5\2", 2 }, { 30, "\1", 1 } }, WS_ERR_PROXY },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct scripted s = { .answer = rows[i].code ? NULL : AGREED,
                              .turns = rows[i].turns };
        ws_error err;

        wiped = false;
        ws_conn *c =
            dial(&s,
                 (ws_dialer){
                     .proxy = "socks5://me:the-secret-is-open-sesame@p.test" },
                 NULL, &err);
        assert_int_equal(err.code, rows[i].code);
        ws_close(c);
        scripted_end(&s);
        assert_true(wiped);
    }
}

static void what_cannot_be_said_is_not_begun(void **state)
{
    (void)state;
    char user[600] = "socks5://";
    struct scripted s = { .turns = none };
    ws_error err;

    memset(user + strlen(user), 'x', 300);
    strcat(user, "@p.test");
    assert_null(dial(&s, (ws_dialer){ .proxy = user }, NULL, &err));
    scripted_end(&s);
    assert_int_equal(err.code, WS_ERR_PROXY);
    assert_non_null(strstr(err.text, "1 to 255 bytes"));
    assert_int_equal(s.heard_len, 0);
}

/* ---- Connecting --------------------------------------------------------- */

static void a_proxy_that_is_not_there_is_named(void **state)
{
    (void)state;
    struct scripted s = { .turns = none };
    unsigned port = scripted_listen(&s);
    char proxy[64], text[80];
    ws_error err;

    scripted_end(&s); /* nobody listens there */
    expand(proxy, "socks5://127.0.0.1:%u", port);
    snprintf(text, sizeof(text), "connect to the proxy 127.0.0.1:%u: ", port);
    assert_null(ws_dial(&(ws_dialer){ .proxy = proxy }, URL, NULL, NULL, &err));
    assert_int_equal(err.code, -ECONNREFUSED);
    assert_non_null(strstr(err.text, text));
}

/* ---- Deadline and cancel ------------------------------------------------ */

/* Where a proxy falls silent. */
static const struct {
    const char *proxy;
    struct scripted_turn turns[4];
} silences[] = {
    { "p.test", { { 0 } } },
    { "p.test", { { 0, "HTTP/1.1 2", 0 } } },
    { "p.test", { { 0, "HTTP/1.1 103 x\r\n\r\n", 0 } } },
    { "socks5://p.test", { { 0 } } },
    { "socks5://p.test", { { 3, "\5", 1 } } },
    { "socks5://p.test", { { 3, "\5\0", 2 } } },
    { "socks5://p.test", { { 3, "\5\0", 2 }, { 18, "\5\0\0\1\0", 5 } } },
    { "socks5://me:pw@p.test", { { 4, "\5\2", 2 } } },
    { "socks5://me:pw@p.test", { { 4, "\5\2", 2 }, { 7, "\1", 1 } } },
};

static void a_silent_proxy_is_left_at_the_timeout(void **state)
{
    (void)state;

    for (size_t i = 0; i < COUNT(silences); i++) {
        struct scripted s = { .turns = silences[i].turns, .silent = true };
        ws_error err;

        assert_null(dial(&s,
                         (ws_dialer){ .proxy = silences[i].proxy,
                                      .handshake_timeout_ms = 20 },
                         NULL, &err));
        scripted_end(&s);
        assert_int_equal(err.code, WS_ERR_TIMEOUT);
        assert_non_null(strstr(err.text, "no answer from the proxy p.test"));
    }
}

static ws_error miss_server_within(int timeout_ms)
{
    struct scripted s = { .turns = http, .answer = "", .silent = true };
    const ws_dialer d = { .proxy = "p.test",
                          .handshake_timeout_ms = timeout_ms };
    ws_error err;

    assert_null(dial(&s, d, NULL, &err));
    scripted_end(&s);
    assert_int_equal(err.code, WS_ERR_TIMEOUT);
    return err;
}

/* One deadline over all: the proxy has answered, which takes longer on a busy
 * machine, and the server does not. */
static void a_silent_server_behind_a_proxy_is_left_at_the_timeout(void **state)
{
    (void)state;
    int ms = 20;
    ws_error err = miss_server_within(ms);

    while (strstr(err.text, "from the proxy") && ms < 20 * 1000)
        err = miss_server_within(ms *= 2);
    assert_non_null(strstr(err.text, "no answer from server.test:81"));
}

static void cancel_ends_the_talk_with_a_proxy_at_each_step(void **state)
{
    (void)state;

    for (size_t i = 0; i < COUNT(silences); i++) {
        ws_event cancel = { 0 };
        struct scripted s = { .turns = silences[i].turns,
                              .silent = true,
                              .set = &cancel };
        ws_error err;

        assert_null(dial(
            &s, (ws_dialer){ .proxy = silences[i].proxy, .cancel = &cancel },
            NULL, &err));
        scripted_end(&s);
        assert_int_equal(err.code, WS_ERR_CANCELED);
        assert_non_null(strstr(err.text, "the proxy p.test"));
    }
}

/* ---- Memory ------------------------------------------------------------- */

static void every_allocation_failure_is_survived(void **state)
{
    (void)state;
    static const struct {
        const char *proxy;
        const struct scripted_turn *turns;
        int code;
    } rows[] = {
        { "http://me:pw@p.test", http, 0 },
        { "http://p.test", http_407, WS_ERR_PROXY },
        { "socks5://me:pw@p.test", socks_user, 0 },
        { "socks5://p.test", socks_wants_user, WS_ERR_PROXY },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        bool failed = true;

        for (long n = 1; failed; n++) {
            struct scripted s = { .turns = rows[i].turns, .answer = AGREED };
            long live = mode_live();
            ws_error err;

            alloc_fail_at(n);
            ws_conn *c =
                dial(&s, (ws_dialer){ .proxy = rows[i].proxy }, NULL, &err);
            failed = alloc_failed();
            alloc_fail_at(0);
            assert_int_equal(err.code, failed ? -ENOMEM : rows[i].code);
            assert_int_equal(c == NULL, err.code != 0);
            if (!c)
                assert_int_equal(mode_live(), live);
            ws_shutdown(c); /* nothing lingers to be counted next time */
            ws_close(c);
            scripted_end(&s);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup(name, clear_environment)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(each_way_leads_to_the_server),
        TEST(an_address_is_not_a_name),
        TEST(any_2xx_is_consent_without_a_body),
        TEST(refusals_say_what_the_proxy_said),
        TEST(a_password_is_never_shown),
        TEST(one_does_not_stay_where_it_was_said),
        TEST(what_cannot_be_said_is_not_begun),
        TEST(a_proxy_that_is_not_there_is_named),
        TEST(a_silent_proxy_is_left_at_the_timeout),
        TEST(a_silent_server_behind_a_proxy_is_left_at_the_timeout),
        TEST(cancel_ends_the_talk_with_a_proxy_at_each_step),
        TEST(every_allocation_failure_is_survived),
    };

    alloc_fail_install();
    dial_table_begin(argc, argv);
    return dial_table_end(run_in_mode("dial_proxy", tests, NULL, NULL));
}
