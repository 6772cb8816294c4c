/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>

#include <silverback/dial.h>

#include "alloc_fail.h"
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
#define URL "ws://scripted.test:81/chat?a=b"

static const char *const protocols[] = { "chat.v2", "chat.v1", NULL };

/* ---- Helpers ------------------------------------------------------------ */

static ws_conn *dial(struct scripted *s, ws_dialer d, ws_error *err)
{
    d.connect = scripted_connect;
    d.arg = s;
    return ws_dial(&d, URL, NULL, NULL, err);
}

static void assert_dial_fails(struct scripted *s, ws_dialer d, int code,
                              const char *text)
{
    ws_error err;

    assert_null(dial(s, d, &err));
    scripted_end(s);
    assert_int_equal(err.code, code);
    assert_non_null(strstr(err.text, text));
}

/* ---- The request -------------------------------------------------------- */

static void dial_hands_host_port_and_request_to_the_connect_hook(void **state)
{
    (void)state;
    struct scripted s = { .answer = AGREED "\r\n" };
    const ws_dialer d = {
        .connect = scripted_connect,
        .arg = &s,
        .subprotocols = protocols,
        .enable_compression = true,
    };
    const ws_header headers[] = { { "Origin", "http://here" }, { 0 } };

    ws_close(ws_dial(&d, URL, headers, NULL, NULL));
    scripted_end(&s);
    assert_string_equal(s.host, "scripted.test");
    assert_string_equal(s.port, "81");
    static const char *const parts[] = {
        "GET /chat?a=b HTTP/1.1\r\n",
        "\r\nHost: scripted.test:81\r\n",
        "\r\nUpgrade: websocket\r\n",
        "\r\nConnection: Upgrade\r\n",
        "\r\nSec-WebSocket-Version: 13\r\n",
        "chat.v2",
        "chat.v1",
        "\r\nSec-WebSocket-Extensions: permessage-deflate",
        "\r\nOrigin: http://here\r\n",
    };
    for (size_t i = 0; i < COUNT(parts); i++)
        assert_non_null(strstr(s.request, parts[i]));
}

static void dial_makes_a_new_key_each_time(void **state)
{
    (void)state;
    struct scripted s[2] = { { .answer = "" }, { .answer = "" } };
    char accept[2][WS__ACCEPT_LEN + 1];

    for (int i = 0; i < 2; i++) {
        assert_dial_fails(&s[i], (ws_dialer){ 0 }, WS_ERR_EOF, "");
        scripted_accept(&s[i], accept[i]);
    }
    assert_string_not_equal(accept[0], accept[1]);
}

static void dial_refuses_bad_arguments_before_it_connects(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        ws_header header;
        int code;
    } bad[] = {
        { "http://x/", { 0 }, WS_ERR_URL },
        { "ws://", { 0 }, WS_ERR_URL },
        { "ws://x/#fragment", { 0 }, WS_ERR_URL },
        { URL, { "Upgrade", "x" }, WS_ERR_INVALID },
        { URL, { "Connection", "x" }, WS_ERR_INVALID },
        { URL, { "sec-websocket-key", "x" }, WS_ERR_INVALID },
        { URL, { "Sec-WebSocket-Version", "8" }, WS_ERR_INVALID },
        { URL, { "Sec-WebSocket-Extensions", "x" }, WS_ERR_INVALID },
        { URL, { "not a token", "x" }, WS_ERR_INVALID },
        { URL, { "", "x" }, WS_ERR_INVALID },
        { URL, { "X\r\nY", "x" }, WS_ERR_INVALID },
        { URL, { "X", "x\r\nY: y" }, WS_ERR_INVALID },
        { URL, { "X", "x\ny" }, WS_ERR_INVALID },
        { URL, { "X", "x\r" }, WS_ERR_INVALID },
        { URL, { "X", "x\x7f" }, WS_ERR_INVALID },
        { URL, { "Host", "a/b" }, WS_ERR_INVALID },
        { URL, { "Host", "a\r\nX: y" }, WS_ERR_INVALID },
        { "ws://x/\r\nX: y", { 0 }, WS_ERR_URL },
        { "ws://x\n/", { 0 }, WS_ERR_URL },
        { "ws://127.0.0.1:80\\@other.test/", { 0 }, WS_ERR_URL },
        { "ws://x/%zz", { 0 }, WS_ERR_URL },
        { "ws://me:p%0aw@x/", { 0 }, WS_ERR_URL },
        { "ws://me:p%00w@x/", { 0 }, WS_ERR_URL },
    };

    for (size_t i = 0; i < COUNT(bad); i++) {
        struct scripted s = { .answer = "" };
        const ws_dialer d = { .connect = scripted_connect, .arg = &s };
        const ws_header headers[] = { bad[i].header, { 0 } };
        ws_response *resp;
        ws_error err;

        assert_null(ws_dial(&d, bad[i].url, headers, &resp, &err));
        assert_null(resp);
        assert_int_equal(err.code, bad[i].code);
        assert_true(strlen(err.text) > 0);
        assert_false(s.called);
    }
}

static void request_of(struct scripted *s, const char *url,
                       const ws_header *headers)
{
    const ws_dialer d = { .connect = scripted_connect, .arg = s };

    assert_null(ws_dial(&d, url, headers, NULL, NULL));
    scripted_end(s);
}

static void the_callers_host_replaces_ours_but_not_the_address(void **state)
{
    (void)state;
    struct scripted s = { .answer = "" };

    request_of(&s, URL, (ws_header[]){ { "host", "other.test" }, { 0 } });
    assert_string_equal(s.host, "scripted.test");
    assert_non_null(strstr(s.request, "\r\nHost: other.test\r\n"));
    assert_null(strstr(s.request, "scripted.test"));
}

/* RFC 6874, section 3. */
static void a_zone_is_for_the_connection_alone(void **state)
{
    (void)state;
    struct scripted s = { .answer = "" };

    request_of(&s, "ws://[fe80::1%25eth0]:81/", NULL);
    assert_string_equal(s.host, "fe80::1%eth0");
    assert_string_equal(s.port, "81");
    assert_non_null(strstr(s.request, "\r\nHost: [fe80::1]:81\r\n"));
}

/* What Linux says to one without. */
static int refuse_as_invalid(const char *host, const char *port,
                             int64_t deadline, void *arg)
{
    (void)host;
    (void)port;
    (void)deadline;
    (void)arg;
    return -EINVAL;
}

static void a_zone_that_is_missing_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *url, *proxy, *text;
    } rows[] = {
        { "ws://[fe80::1]:81/", "",
          "connect to [fe80::1]:81: a link-local address needs its zone: "
          "[fe80::1%25eth0]" },
        { "ws://a/", "http://[febf::1]",
          "connect to the proxy [febf::1]: a link-local address needs its "
          "zone: [fe80::1%25eth0]" },
        { "ws://[fe80::1%25eth0]:81/", "",
          "connect to [fe80::1]:81: Invalid argument" },
        { "ws://[fec0::1]/", "", "connect to [fec0::1]: Invalid argument" },
        { "ws://a/", "", "connect to a: Invalid argument" },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        const ws_dialer d = { .connect = refuse_as_invalid,
                              .proxy = rows[i].proxy };
        ws_error err;

        assert_null(ws_dial(&d, rows[i].url, NULL, NULL, &err));
        assert_int_equal(err.code, -EINVAL);
        assert_string_equal(err.text, rows[i].text);
    }
}

static void what_a_url_may_not_hold_is_escaped_in_the_request(void **state)
{
    (void)state;
    struct scripted s = { .answer = "" };

    request_of(&s, "ws://a/\xc3\xa9 {x}?y=\\|", NULL);
    assert_non_null(
        strstr(s.request, "GET /%C3%A9%20%7Bx%7D?y=%5C%7C HTTP/1.1\r\n"));
}

static void user_information_becomes_basic_auth(void **state)
{
    (void)state;
    struct scripted s[2] = { { .answer = "" }, { .answer = "" } };

    request_of(&s[0], "ws://me:p%40w@scripted.test/", NULL);
    assert_non_null(strstr(s[0].request, /* me:p@w */
                           "\r\nAuthorization: Basic bWU6cEB3\r\n"));
    assert_non_null(strstr(s[0].request, "\r\nHost: scripted.test\r\n"));
    request_of(&s[1], "ws://me:pw@scripted.test/",
               (ws_header[]){ { "Authorization", "Bearer x" }, { 0 } });
    assert_non_null(strstr(s[1].request, "\r\nAuthorization: Bearer x\r\n"));
    assert_null(strstr(s[1].request, "Basic"));
}

/* ---- The answer --------------------------------------------------------- */

static void dial_says_eof_at_every_cut_of_the_head(void **state)
{
    (void)state;
    static const char answer[] = AGREED "X: y\r\n\r\n";
    size_t whole = strlen(answer) - strlen("$A") + WS__ACCEPT_LEN;

    for (size_t n = 1; n < whole; n++) {
        struct scripted s = { .answer = answer, .len = n };
        assert_dial_fails(&s, (ws_dialer){ 0 }, WS_ERR_EOF,
                          "scripted.test:81 closed the connection");
    }
}

static void bytes_behind_the_answer_are_the_first_message(void **state)
{
    (void)state;
    struct scripted s = { .answer = AGREED "\r\n\x81\x02hi\x81\x05there" };
    ws_message m;
    ws_conn *c = dial(&s, (ws_dialer){ 0 }, NULL);

    assert_int_equal(ws_read_message(c, &m), 0);
    assert_string_equal(m.data, "hi");
    assert_int_equal(ws_read_message(c, &m), 0);
    assert_string_equal(m.data, "there");
    ws_close(c);
    scripted_end(&s);
}

static void the_connection_has_what_was_agreed(void **state)
{
    (void)state;
    /* RFC 7692, section 7.2.3.1. */
    static const uint8_t hello[] = { 0xc1, 0x07, 0xf2, 0x48, 0xcd,
                                     0xc9, 0xc9, 0x07, 0x00 };
    struct scripted s = {
        .answer = AGREED DEFLATE "Sec-WebSocket-Protocol: chat.v1\r\n\r\n",
        .behind = hello,
        .behind_len = sizeof(hello),
    };
    const ws_dialer d = { .subprotocols = protocols,
                          .enable_compression = true };
    ws_conn *c = dial(&s, d, NULL);
    ws_message m;

    assert_true(fcntl(ws_fd(c), F_GETFL) & O_NONBLOCK);
    assert_string_equal(ws_subprotocol(c), "chat.v1");
    assert_int_equal(ws_read_message(c, &m), 0);
    assert_string_equal(m.data, "Hello");
    ws_close(c);
    scripted_end(&s);
}

static void the_dialers_limits_hold_for_the_connection(void **state)
{
    (void)state;
    struct scripted s = { .answer = AGREED "\r\n\x81\x02hi\x81\x05there" };
    ws_message m;
    ws_conn *c = dial(&s, (ws_dialer){ .read_limit = 4 }, NULL);

    assert_int_equal(ws_read_message(c, &m), 0);
    assert_int_equal(ws_read_message(c, &m), WS_ERR_TOO_BIG);
    ws_close(c);
    scripted_end(&s);
}

static void more_fields_are_taken_by_a_setting(void **state)
{
    (void)state;
    static const struct {
        int setting, fields; /* beside three */
        bool taken;
    } rows[] = {
        { 0, 97, true },     { 0, 98, false }, { 200, 197, true },
        { 200, 198, false }, { 3, 0, true },   { 3, 1, false },
        { -1, 5000, true },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        size_t step = strlen("X: y\r\n");
        char *answer = calloc(1, 256 + step * (size_t)rows[i].fields);
        struct scripted s = { .answer = answer };
        ws_error err;

        strcpy(answer, AGREED);
        char *at = answer + strlen(answer);
        for (int k = 0; k < rows[i].fields; k++)
            memcpy(at + step * (size_t)k, "X: y\r\n", step);
        strcat(at, "\r\n");
        ws_conn *c = dial(
            &s, (ws_dialer){ .max_response_fields = rows[i].setting }, &err);
        assert_int_equal(c != NULL, rows[i].taken);
        if (!c)
            assert_non_null(strstr(err.text, "max_response_fields"));
        ws_close(c);
        scripted_end(&s);
        free(answer);
    }
}

static void at_most_1024_bytes_of_a_body_are_kept(void **state)
{
    (void)state;
    char answer[9000] = "HTTP/1.1 500 x\r\n\r\n";
    memset(answer + strlen(answer), 'x', 8000);
    struct scripted s = { .answer = answer, .silent = true };
    const ws_dialer d = { .connect = scripted_connect, .arg = &s };
    ws_response *resp;

    assert_null(ws_dial(&d, URL, NULL, &resp, NULL));
    scripted_end(&s);
    assert_int_equal(resp->body_len, 1024);
    assert_int_equal(strlen(resp->body), 1024);
    ws_response_free(resp);
    ws_response_free(NULL);
}

/* ---- Deadline and cancel ------------------------------------------------ */

static void a_silent_server_is_left_at_the_timeout(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "",
        "HTTP",
        SWITCHING UPGRADE,
        "HTTP/1.1 100 Continue\r\n\r\n",
    };
    const ws_dialer d = { .handshake_timeout_ms = 20 };

    for (size_t i = 0; i < COUNT(answers); i++) {
        struct scripted s = { .answer = answers[i], .silent = true };
        assert_dial_fails(&s, d, WS_ERR_TIMEOUT,
                          "no answer from scripted.test:81 within");
    }
}

/* By the refusal, or by the timeout if that comes first. */
static int be_refused_within(int timeout_ms)
{
    struct scripted s = {
        .answer = "HTTP/1.1 403 No\r\nContent-Length: 9\r\n\r\nno",
        .silent = true,
    };
    ws_error err;

    assert_null(
        dial(&s, (ws_dialer){ .handshake_timeout_ms = timeout_ms }, &err));
    scripted_end(&s);
    if (err.code == WS_ERR_HANDSHAKE)
        assert_non_null(strstr(err.text, "403"));
    return err.code;
}

/* On a busy machine the head, too, may take longer than that. */
static void a_refusal_stands_when_its_body_never_ends(void **state)
{
    (void)state;
    int ms = 20, code;

    while ((code = be_refused_within(ms)) == WS_ERR_TIMEOUT && ms < 20 * 1000)
        ms *= 2;
    assert_int_equal(code, WS_ERR_HANDSHAKE);
}

/* Without a timeout, waiting would be for ever. */
static void a_body_that_is_over_is_not_waited_for(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno",
        "HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\n\r\n",
        SWITCHING "\r\n",
    };

    for (size_t i = 0; i < COUNT(answers); i++) {
        struct scripted s = { .answer = answers[i], .silent = true };
        assert_dial_fails(&s, (ws_dialer){ .handshake_timeout_ms = -1 },
                          WS_ERR_HANDSHAKE, "bad handshake");
    }
}

static void a_dial_that_was_canceled_before_does_not_connect(void **state)
{
    (void)state;
    ws_event cancel = { 0 };
    struct scripted s = { .answer = AGREED "\r\n" };

    ws_event_set(&cancel);
    assert_dial_fails(&s, (ws_dialer){ .cancel = &cancel }, WS_ERR_CANCELED,
                      "scripted.test:81");
    assert_false(s.called);
}

static void cancel_ends_the_exchange_at_each_step(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "",
        SWITCHING UPGRADE,
        "HTTP/1.1 103 Early Hints\r\n\r\n",
        "HTTP/1.1 403 No\r\nContent-Length: 9\r\n\r\n",
        "HTTP/1.1 403 No\r\nContent-Length: 9\r\n\r\nno",
    };

    for (size_t i = 0; i < 2 * COUNT(answers); i++) {
        ws_event cancel = { 0 };
        struct scripted s = { .answer = answers[i / 2], .silent = true };

        *(i % 2 ? &s.set : &s.set_at_connect) = &cancel;
        assert_dial_fails(&s, (ws_dialer){ .cancel = &cancel }, WS_ERR_CANCELED,
                          "scripted.test:81");
    }
}

struct full {
    ws_event cancel;
    int peer; /* which reads nothing */
};

static int connect_without_room(const char *host, const char *port,
                                int64_t deadline, void *full)
{
    static const char others[4096];
    struct full *f = full;
    int fds[2];

    (void)host;
    (void)port;
    (void)deadline;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    while (send(fds[0], others, sizeof(others), MSG_DONTWAIT) > 0)
        continue;
    f->peer = fds[1];
    ws_event_set(&f->cancel);
    return fds[0];
}

static void cancel_ends_a_request_that_finds_no_room(void **state)
{
    (void)state;
    struct full f = { .peer = -1 };
    const ws_dialer d = { .connect = connect_without_room,
                          .arg = &f,
                          .cancel = &f.cancel,
                          .handshake_timeout_ms = 20 * 1000 };
    ws_error err;

    assert_null(ws_dial(&d, URL, NULL, NULL, &err));
    assert_int_equal(err.code, WS_ERR_CANCELED);
    close(f.peer);
}

/* ---- Sockets ------------------------------------------------------------ */

/* A socket bound to a port of this machine, which is written into url. */
static int bind_port(char url[static 64])
{
    struct sockaddr_in a = { .sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    getsockname(fd, (struct sockaddr *)&a, &(socklen_t){ sizeof(a) });
    snprintf(url, 64, "ws://127.0.0.1:%d/", ntohs(a.sin_port));
    return fd;
}

static void a_port_where_nobody_listens_refuses(void **state)
{
    (void)state;
    char url[64];
    int fd = bind_port(url);
    ws_response *resp;
    ws_error err;

    assert_null(ws_dial(NULL, url, NULL, &resp, &err));
    assert_null(resp);
    assert_int_equal(err.code, -ECONNREFUSED);
    assert_non_null(strstr(err.text, "connect to 127.0.0.1:"));
    assert_non_null(strcasestr(err.text, "connection refused"));
    close(fd);
}

static int refuse(const char *host, const char *port, int64_t deadline,
                  void *arg)
{
    (void)host;
    (void)port;
    (void)deadline;
    return *(int *)arg;
}

static void a_hook_that_fails_gives_its_own_code(void **state)
{
    (void)state;
    static int codes[] = { WS_ERR_PROXY, -EHOSTUNREACH, WS_ERR_TIMEOUT };

    for (size_t i = 0; i < COUNT(codes); i++) {
        const ws_dialer d = { .connect = refuse, .arg = &codes[i] };
        ws_error err;

        assert_null(ws_dial(&d, URL, NULL, NULL, &err));
        assert_int_equal(err.code, codes[i]);
        assert_non_null(strstr(err.text, "connect to scripted.test:81: "));
    }
}

/* Its queue is full, so a connection neither comes about nor fails. */
static int bind_full_port(char url[static 64], int fds[static 4])
{
    struct sockaddr_in a;
    int fd = bind_port(url);

    assert_int_equal(listen(fd, 0), 0);
    getsockname(fd, (struct sockaddr *)&a, &(socklen_t){ sizeof(a) });
    for (int i = 0; i < 4; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        if (connect(fds[i], (struct sockaddr *)&a, sizeof(a)) != 0)
            assert_int_equal(errno, EINPROGRESS);
    }
    return fd;
}

static void *set_event(void *event)
{
    ws_event_set(event);
    return NULL;
}

static void connecting_ends_at_the_timeout_or_by_cancel(void **state)
{
    (void)state;
    ws_event cancel = { 0 };
    const ws_dialer rows_[] = {
        { .handshake_timeout_ms = 20 },
        { .cancel = &cancel },
    };
    static const int codes[] = { WS_ERR_TIMEOUT, WS_ERR_CANCELED };
    char url[64];
    int fds[4], fd = bind_full_port(url, fds);
    pthread_t setter;

    for (size_t i = 0; i < COUNT(codes); i++) {
        ws_error err;

        if (rows_[i].cancel)
            pthread_create(&setter, NULL, set_event, &cancel);
        assert_null(ws_dial(&rows_[i], url, NULL, NULL, &err));
        assert_int_equal(err.code, codes[i]);
        assert_non_null(strstr(err.text, "127.0.0.1:"));
    }
    pthread_join(setter, NULL);
    for (int i = 0; i < 4; i++)
        close(fds[i]);
    close(fd);
}

/* Stands before the C library's: two.test has two addresses, slow.test none
 * before the gate is open. */
static struct sockaddr_in two[2];
static ws_event gate;

int getaddrinfo(const char *host, const char *port,
                const struct addrinfo *hints, struct addrinfo **list)
{
    int (*real)(const char *, const char *, const struct addrinfo *,
                struct addrinfo **);
    struct addrinfo *other;

    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    if (hints->ai_flags & AI_NUMERICHOST || !host || !strstr(host, ".test"))
        return real(host, port, hints, list);
    if (strcmp(host, "slow.test") == 0)
        ws_event_wait(&gate, 0);
    if (real("127.0.0.1", port, hints, list) != 0 ||
        real("127.0.0.1", port, hints, &other) != 0)
        return EAI_FAIL;
    memcpy((*list)->ai_addr, &two[0], sizeof(two[0]));
    memcpy(other->ai_addr, &two[1], sizeof(two[1]));
    (*list)->ai_next = other;
    return 0;
}

/* Nothing but the next attempt ends the silence of the first. */
static void a_silent_address_is_passed_over(void **state)
{
    (void)state;
    struct scripted s = { .answer = AGREED "\r\n" };
    char url[64];
    int fds[4], fd = bind_full_port(url, fds);
    unsigned port = scripted_listen(&s);
    const ws_dialer d = { .handshake_timeout_ms = -1 };
    ws_error err;

    getsockname(fd, (struct sockaddr *)&two[0], &(socklen_t){ sizeof(*two) });
    two[1] = two[0];
    two[1].sin_port = htons((uint16_t)port);
    ws_conn *c = ws_dial(&d, "ws://two.test/", NULL, NULL, &err);
    assert_string_equal(err.text, "");
    assert_non_null(c);
    ws_shutdown(c); /* nothing lingers to be counted next time */
    ws_close(c);
    scripted_end(&s);
    for (int i = 0; i < 4; i++)
        close(fds[i]);
    close(fd);
}

static void resolving_ends_at_the_timeout_or_by_cancel(void **state)
{
    (void)state;
    ws_event cancel = { 0 };
    const ws_dialer dialers[] = {
        { .handshake_timeout_ms = 20 },
        { .cancel = &cancel },
    };
    static const int codes[] = { WS_ERR_TIMEOUT, WS_ERR_CANCELED };
    long live = mode_live();
    pthread_t setter;

    for (size_t i = 0; i < COUNT(codes); i++) {
        ws_error err;

        if (dialers[i].cancel)
            pthread_create(&setter, NULL, set_event, &cancel);
        assert_null(ws_dial(&dialers[i], "ws://slow.test/", NULL, NULL, &err));
        assert_int_equal(err.code, codes[i]);
        assert_non_null(strstr(err.text, "slow.test"));
    }
    pthread_join(setter, NULL);
    ws_event_set(&gate);
    while (alloc_live() > live) /* the helper threads free what they had */
        sched_yield();
}

/* ---- Memory ------------------------------------------------------------- */

static void every_allocation_failure_is_survived(void **state)
{
    (void)state;
    static const char *const answers[] = {
        AGREED DEFLATE "Sec-WebSocket-Protocol: chat.v1\r\n\r\n\x81\x02hi",
        "HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno",
        "garbage\r\n\r\n",
    };
    static const int codes[] = { 0, WS_ERR_HANDSHAKE, WS_ERR_HTTP };

    for (size_t i = 0; i < COUNT(answers); i++) {
        bool failed = true;

        for (long n = 1; failed; n++) {
            struct scripted s = { .answer = answers[i] };
            const ws_dialer d = {
                .subprotocols = protocols,
                .enable_compression = true,
            };
            ws_error err;

            long live = mode_live();
            alloc_fail_at(n);
            ws_conn *c = dial(&s, d, &err);
            failed = alloc_failed();
            alloc_fail_at(0);
            assert_int_equal(err.code, failed ? -ENOMEM : codes[i]);
            assert_int_equal(c == NULL, err.code != 0);
            if (!c) /* helpers of the tests before may yet free theirs */
                assert_true(mode_live() <= live);
            ws_shutdown(c); /* nothing lingers to be counted next time */
            ws_close(c);
            scripted_end(&s);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dial_hands_host_port_and_request_to_the_connect_hook),
        cmocka_unit_test(dial_makes_a_new_key_each_time),
        cmocka_unit_test(dial_refuses_bad_arguments_before_it_connects),
        cmocka_unit_test(the_callers_host_replaces_ours_but_not_the_address),
        cmocka_unit_test(a_zone_is_for_the_connection_alone),
        cmocka_unit_test(a_zone_that_is_missing_is_named),
        cmocka_unit_test(what_a_url_may_not_hold_is_escaped_in_the_request),
        cmocka_unit_test(user_information_becomes_basic_auth),
        cmocka_unit_test(dial_says_eof_at_every_cut_of_the_head),
        cmocka_unit_test(bytes_behind_the_answer_are_the_first_message),
        cmocka_unit_test(the_connection_has_what_was_agreed),
        cmocka_unit_test(the_dialers_limits_hold_for_the_connection),
        cmocka_unit_test(more_fields_are_taken_by_a_setting),
        cmocka_unit_test(at_most_1024_bytes_of_a_body_are_kept),
        cmocka_unit_test(a_silent_server_is_left_at_the_timeout),
        cmocka_unit_test(a_refusal_stands_when_its_body_never_ends),
        cmocka_unit_test(a_body_that_is_over_is_not_waited_for),
        cmocka_unit_test(a_dial_that_was_canceled_before_does_not_connect),
        cmocka_unit_test(cancel_ends_the_exchange_at_each_step),
        cmocka_unit_test(cancel_ends_a_request_that_finds_no_room),
        cmocka_unit_test(a_port_where_nobody_listens_refuses),
        cmocka_unit_test(a_hook_that_fails_gives_its_own_code),
        cmocka_unit_test(connecting_ends_at_the_timeout_or_by_cancel),
        cmocka_unit_test(a_silent_address_is_passed_over),
        cmocka_unit_test(resolving_ends_at_the_timeout_or_by_cancel),
        cmocka_unit_test(every_allocation_failure_is_survived),
    };

    alloc_fail_install();
    return run_in_mode("dial", tests, NULL, NULL);
}
