/* SPDX-License-Identifier: MIT */

/* What peers and callers may have put into any text that quotes them. */

#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <silverback/dial.h>
#include <silverback/upgrade.h>

#include "base/log.h"
#include "certs.h"
#include "line.h"
#include "mode.h"
#include "scripted.h"

#define AGREED                                                                 \
    "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"          \
    "Sec-WebSocket-Accept: $A\r\n"

/* The same as far as HTTP lets it through, and without what is no UTF-8. */
#define IN_HTTP "a\t\xc2\x85\xc2\x9b\x9b\xe2\x80\xa8\xe2\x80\xae\xc3(\xff"
#define IN_UTF8 "a\r\n\x1b[2J\x7f\t\x01\xc2\x85\xc2\x9b\xe2\x80\xa8\xe2\x80\xae"

/* Something of it is there, escaped. */
static void check_line(const char *what, const char *text)
{
    if (!is_one_line(text) || !strchr(text, '\\'))
        fail_msg("%s: <<%s>>", what, text);
}

/* ---- What the caller says ----------------------------------------------- */

static const struct {
    const char *what;
    const char *url, *proxy, *header, *value, *origin, *subprotocol;
} calls[] = {
    { "a scheme", .url = LINE_BREAKERS "://a/" },
    { "a host", .url = "ws://" LINE_BREAKERS "/" },
    { "a path", .url = "ws://a/" LINE_BREAKERS },
    { "no path", .url = "ws://a\xff\xe2\x80\xa8/" },
    { "a proxy", .proxy = "http://" LINE_BREAKERS },
    { "a proxy's scheme", .proxy = LINE_BREAKERS "://p" },
    { "a proxy's name", .proxy = "http://u@" LINE_BREAKERS },
    { "a header's name", .header = LINE_BREAKERS, .value = "x" },
    { "a Host", .header = "Host", .value = "a\xc2\x9b\xff" },
    { "a subprotocol", .subprotocol = LINE_BREAKERS },
};

static void callers_are_quoted_in_one_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(calls); i++) {
        const char *subprotocols[] = { calls[i].subprotocol, NULL };
        const ws_dialer d = { .proxy = calls[i].proxy ? calls[i].proxy : "",
                              .subprotocols = subprotocols };
        const ws_header headers[] = { { calls[i].header, calls[i].value },
                                      { 0 } };
        ws_error err;

        assert_null(ws_dial(&d, calls[i].url ? calls[i].url : "ws://a/",
                            headers, NULL, &err));
        check_line(calls[i].what, err.text);
    }
}

static void addresses_are_quoted_in_one_line(void **state)
{
    (void)state;
    static const char *const addresses[] = {
        LINE_BREAKERS,
        LINE_BREAKERS ":80",
        "127.0.0.1:" LINE_BREAKERS,
        "unix:/nowhere/" LINE_BREAKERS,
    };

    for (size_t i = 0; i < COUNT(addresses); i++) {
        ws_server s = { .addr = addresses[i] };
        ws_error err;

        mode_set(&s);
        assert_null(ws_listen(&s, &err));
        check_line(addresses[i], err.text);
    }
}

static void files_and_names_of_tls_are_quoted_in_one_line(void **state)
{
    (void)state;
    static const ws_tls rows[] = {
        { .cert_file = "/nowhere/" LINE_BREAKERS },
        { .ca_file = "/nowhere/" LINE_BREAKERS },
        { .server_name = LINE_BREAKERS },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct scripted s = { .answer = "", .silent = true };
        const ws_dialer d = {
            .connect = scripted_connect,
            .arg = &s,
            .proxy = "",
            .tls = &rows[i],
            /* only the last one gets as far as the silence */
            .handshake_timeout_ms = rows[i].server_name ? 500 : 20 * 1000,
        };
        ws_error err;

        assert_null(ws_dial(&d, "wss://scripted.test/", NULL, NULL, &err));
        scripted_end(&s);
        check_line("TLS", err.text);
    }
}

/* ---- What a server or a proxy says -------------------------------------- */

static const struct {
    const char *what, *answer, *proxy, *origin;
} answers[] = {
    { "no HTTP", LINE_BREAKERS, NULL, NULL },
    { "a status line", "HTTP/1.1 10" IN_HTTP "\r\n", NULL, NULL },
    { "a field", "HTTP/1.1 101 x\r\n" IN_HTTP ": x\r\n", NULL, NULL },
    { "a Location",
      "HTTP/1.1 302 x\r\nLocation: " IN_HTTP "\r\nContent-Length: 0\r\n\r\n",
      NULL, NULL },
    { "an Upgrade", "HTTP/1.1 101 x\r\nUpgrade: " IN_HTTP "\r\n\r\n", NULL,
      NULL },
    { "a Connection",
      "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: " IN_HTTP "\r\n\r\n",
      NULL, NULL },
    { "an Accept",
      "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: " IN_HTTP "\r\n\r\n",
      NULL, NULL },
    { "a subprotocol", AGREED "Sec-WebSocket-Protocol: " IN_HTTP "\r\n\r\n",
      NULL, NULL },
    { "an extension", AGREED "Sec-WebSocket-Extensions: " IN_HTTP "\r\n\r\n",
      NULL, NULL },
    { "an Origin, ours", "HTTP/1.1 403 x\r\nContent-Length: 0\r\n\r\n", NULL,
      IN_HTTP },
    { "a proxy without HTTP", LINE_BREAKERS "\r\n\r\n", "http://p.test", NULL },
    { "a proxy's Location",
      "HTTP/1.1 302 x\r\nLocation: " IN_HTTP "\r\nContent-Length: 0\r\n\r\n",
      "http://p.test", NULL },
    { "a proxy without SOCKS", LINE_BREAKERS, "socks5://p.test", NULL },
};

static void servers_are_quoted_in_one_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(answers); i++) {
        bool socks = answers[i].proxy && answers[i].proxy[0] == 's';
        const struct scripted_turn turns[] = {
            { socks ? 3 : 0, answers[i].answer, 0 }, { 0 }
        };
        struct scripted s = { .answer =
                                  answers[i].proxy ? NULL : answers[i].answer,
                              .turns = answers[i].proxy ? turns : NULL };
        const ws_dialer d = { .connect = scripted_connect,
                              .arg = &s,
                              .proxy =
                                  answers[i].proxy ? answers[i].proxy : "" };
        const ws_header headers[] = {
            { answers[i].origin ? "Origin" : NULL, answers[i].origin }, { 0 }
        };
        ws_error err;

        assert_null(ws_dial(&d, "ws://scripted.test/", headers, NULL, &err));
        scripted_end(&s);
        check_line(answers[i].what, err.text);
    }
}

static void certificates_are_quoted_in_one_line(void **state)
{
    (void)state;
    cert_write_new("quoted.pem",
                   (struct cert_spec){ .cn = "a\r\n\x1b[2J\xc2\x9b" }, NULL);
    const ws_tls files = { .cert_file = certs_path("quoted.pem") };
    ws_server s = { .addr = "127.0.0.1:0", .tls = &files };
    char url[64];
    ws_error err;

    mode_set(&s);
    ws_listener *l = ws_listen(&s, &err);
    assert_non_null(l);
    snprintf(url, sizeof(url), "wss://%s/", ws_listener_addr(l));
    assert_null(ws_dial(&(ws_dialer){ .proxy = "" }, url, NULL, NULL, &err));
    assert_int_equal(err.code, WS_ERR_TLS);
    check_line("a certificate", err.text);
    ws_listener_shutdown(l, ws_after(1000));
}

/* ---- What a peer says --------------------------------------------------- */

static void the_reason_of_a_close_is_quoted_in_one_line(void **state)
{
    (void)state;
    int fds[2];
    ws_message m;

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    ws_conn *c = ws_adopt(fds[0], NULL, NULL);
    ws_conn *peer = ws_adopt(fds[1], &(ws_adoption){ .client = true }, NULL);

    assert_int_equal(ws_write_close(peer, 4000, IN_UTF8), 0);
    assert_int_equal(ws_read_message(c, &m), WS_ERR_CLOSED);
    assert_string_equal(ws_close_reason(c), IN_UTF8);
    check_line("a reason", ws_conn_error(c)->text);
    ws_close(peer);
    ws_close(c);
}

/* ---- The log ------------------------------------------------------------ */

static void keep(const char *line, void *arg)
{
    snprintf(arg, 512, "%s", line);
}

static void the_log_gets_one_line(void **state)
{
    (void)state;
    static const ws_tls trusting = { .server_name = "a\xc2\x9b\xff\xe2\x80\xa8",
                                     .insecure_skip_verify = true };
    char line[512] = "";

    ws_set_log(keep, line);
    for (int ms = 20; line[0] == '\0' && ms < 20 * 1000; ms *= 2) {
        struct scripted s = { .answer = "", .silent = true };
        const ws_dialer d = {
            .connect = scripted_connect,
            .arg = &s,
            .proxy = "",
            .tls = &trusting,
            .handshake_timeout_ms = ms, /* more on a busy machine */
        };

        ws_close(ws_dial(&d, "wss://scripted.test/", NULL, NULL, NULL));
        scripted_end(&s);
    }
    ws_set_log(NULL, NULL);
    check_line("the log", line);
}

static int begin(void **state)
{
    (void)state;
    certs_begin();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(callers_are_quoted_in_one_line),
        cmocka_unit_test(addresses_are_quoted_in_one_line),
        cmocka_unit_test(files_and_names_of_tls_are_quoted_in_one_line),
        cmocka_unit_test(servers_are_quoted_in_one_line),
        cmocka_unit_test(certificates_are_quoted_in_one_line),
        cmocka_unit_test(the_reason_of_a_close_is_quoted_in_one_line),
        cmocka_unit_test(the_log_gets_one_line),
    };

    return run_in_mode("quote", tests, begin, certs_tear_down);
}
