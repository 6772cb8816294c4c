/* SPDX-License-Identifier: MIT */

/* What a server has written arrives, however slowly the peer takes it, and
 * whatever it says meanwhile. */

#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>

#include <silverback.h>

#include "certs.h"
#include "peer.h"
#include "mode.h"
#include "slow.h"
#include "tls_peer.h"
#include "conn/linger.h"

enum {
    LARGE = 1 << 20,
    HEADER = 10, /* of a frame so large */
    CLOSE = 4,   /* a whole frame, of a server's */
    STEP = 64 * 1024,
};

static char large[LARGE];

/* ---- The server --------------------------------------------------------- */

static void say_and_return(ws_request *r, void *arg)
{
    ws_conn *c = ws_upgrade(NULL, r, NULL);

    (void)arg;
    if (!c)
        return;
    ws_write_message(c, WS_BINARY, large, LARGE);
    ws_write_close(c, WS_CLOSE_NORMAL, NULL);
    ws_close(c);
}

static void say_and_read(ws_request *r, void *arg)
{
    ws_conn *c = ws_upgrade(NULL, r, NULL);
    ws_message m;

    (void)arg;
    if (!c)
        return;
    ws_write_message(c, WS_BINARY, large, LARGE);
    while (ws_read_message(c, &m) == 0)
        continue;
    ws_close(c);
}

static void say_when_called(ws_conn *c, ws_message *m, void *arg)
{
    (void)arg;
    if (m)
        ws_write_message(c, WS_BINARY, large, LARGE);
}

static void be_called(ws_request *r, void *arg)
{
    ws_conn *c = ws_upgrade(NULL, r, NULL);

    (void)arg;
    if (c && ws_on_message(c, say_when_called, NULL) != 0)
        ws_close(c);
}

static void socket_says(ws_conn *c, void *arg)
{
    (void)arg;
    ws_write_message(c, WS_BINARY, large, LARGE);
}

static void answer(ws_request *r, void *arg)
{
    (void)arg;
    ws_reply(r, 200, NULL, large, LARGE);
}

static void answer_by_file(ws_request *r, void *arg)
{
    (void)arg;
    ws_reply_file(r, certs_folder);
}

static ws_route routes[] = {
    { .path = "/return", .handler = say_and_return },
    { .path = "/read", .handler = say_and_read },
    { .path = "/called", .handler = be_called },
    { .path = "/socket", .socket = socket_says },
    { .path = "/answer", .handler = answer },
    { .path = "/large", .handler = answer_by_file },
    { 0 },
};

/* ---- The peer ----------------------------------------------------------- */

static const char pong[] = { '\x8a', '\x80', 0, 0, 0, 0 };
static const char goes[] = { '\x88', '\x82', 0, 0, 0, 0, '\x03', '\xe8' };
static const char asks[] = { '\x81', '\x80', 0, 0, 0, 0 };

static const char asks_and_goes[] = { '\x81', '\x80', 0, 0, 0, 0,      '\x88',
                                      '\x82', 0,      0, 0, 0, '\x03', '\xe8' };

#define UPGRADE                                                                \
    "Connection: Upgrade\r\nUpgrade: websocket\r\n"                            \
    "Sec-WebSocket-Version: 13\r\n"                                            \
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"

struct visit {
    const char *path;
    const char *fields;
    const char *first; /* said at once, or when it shuts down; NULL: nothing */
    size_t first_len;
    const char *then; /* said all the time */
    size_t then_len;
    size_t want; /* bytes after the head, and then the end */
    bool tls;
    bool shut_down; /* the server, once bytes come */
};

static ws_tls files;
static ws_listener *l;
static int shut_down_with;

static void shut_down(void *arg)
{
    (void)arg;
    shut_down_with = ws_listener_shutdown(l, ws_after(PATIENCE_S * 1000));
}

/* A record at a time; a step is more, since so is what is acknowledged. */
static ssize_t take_tls(struct slow *s, void *buf, size_t n)
{
    size_t got = 0, part;

    while (got < n && SSL_read_ex(s->arg, (char *)buf + got, n - got, &part))
        got += part;
    if (got > 0)
        return (ssize_t)got;
    return SSL_get_error(s->arg, 0) == SSL_ERROR_ZERO_RETURN ? 0 : -1;
}

static void talk_tls(struct slow *s)
{
    (void)SSL_write(s->arg, s->say, (int)s->say_n);
}

static void begin_tls(struct slow *s, SSL_CTX *ctx)
{
    s->arg = SSL_new(ctx);
    SSL_set_fd(s->arg, s->fd);
    assert_int_equal(SSL_connect(s->arg), 1);
    s->take = take_tls;
    s->talk = talk_tls;
}

static void talk(struct slow *s, const char *p, size_t n)
{
    if (s->arg)
        assert_int_equal(SSL_write(s->arg, p, (int)n), (int)n);
    else
        say_n(s->fd, p, n);
}

static void take_head(struct slow *s)
{
    char end[4] = { 0 };

    while (memcmp(end, "\r\n\r\n", 4) != 0) {
        memmove(end, end + 1, 3);
        assert_int_equal(slow_take(s, end + 3, 1), 1);
    }
}

/* Whoever is told goodbye knows that idle connections have been told, too. */
static ws_fiber *shut_down_begin(void)
{
    struct answer a;
    char byte;
    int witness = call(l);

    say(witness, "GET /called HTTP/1.1" SERVED UPGRADE "\r\n");
    assert_true(hear_head(witness, &a));
    ws_fiber *f = mode_go(shut_down, NULL);
    assert_int_equal(hear_some(witness, &byte, 1), 1);
    close(witness);
    return f;
}

static void make_visit(const struct visit *v, struct slow *s)
{
    char request[512];

    snprintf(request, sizeof(request), "GET %s HTTP/1.1" SERVED "%s\r\n",
             v->path, v->fields);
    talk(s, request, strlen(request));
    take_head(s);
    if (v->first && !v->shut_down)
        talk(s, v->first, v->first_len);
    if (!v->tls)
        assert_true(ws_wait_fd(s->fd, POLLIN, ws_after(SLOW_WAIT_MS)) > 0);
}

/* Returns whether it tells. */
static bool ask_and_take(const struct visit *v, struct slow *s, int quiet_ms)
{
    s->since = ws_now();
    make_visit(v, s);
    ws_fiber *f = v->shut_down ? shut_down_begin() : NULL;
    if (v->first && v->shut_down)
        talk(s, v->first, v->first_len);
    take_slowly(s, SIZE_MAX);
    if (!f)
        shut_down(NULL);
    ws_join(f);
    assert_int_equal(shut_down_with, 0);
    if (!slow_tells(s, quiet_ms, v->want))
        return false;
    assert_int_equal(s->got, v->want);
    assert_false(s->reset);
    return true;
}

/* It takes longer, in all, than who takes nothing is given. */
static bool try_visit(const struct visit *v, int quiet_ms)
{
    ws__linger_quiet_ms = quiet_ms;
    SSL_CTX *ctx = v->tls ? SSL_CTX_new(TLS_client_method()) : NULL;

    l = serve((ws_server){ .routes = routes, .tls = v->tls ? &files : NULL });
    struct slow s = { .fd = call(l),
                      .step = STEP,
                      .pause_ms = 3 * quiet_ms / (LARGE / STEP) / 2,
                      .say = v->then,
                      .say_n = v->then_len };
    setsockopt(s.fd, SOL_SOCKET, SO_RCVBUF, &(int){ STEP }, sizeof(int));
    if (ctx)
        begin_tls(&s, ctx);
    bool tells = ask_and_take(v, &s, quiet_ms);
    close(s.fd);
    SSL_free(s.arg);
    SSL_CTX_free(ctx);
    return tells;
}

static void visit(struct visit v)
{
    int quiet_ms = SLOW_FIRST_MS;

    while (!try_visit(&v, quiet_ms))
        quiet_ms = slow_longer(quiet_ms);
}

/* ---- WebSockets --------------------------------------------------------- */

static void when_the_handler_closes_and_returns(void **state)
{
    (void)state;
    visit((struct visit){ .path = "/return",
                          .fields = UPGRADE,
                          .then = pong,
                          .then_len = sizeof(pong),
                          .want = HEADER + LARGE + CLOSE });
}

static void when_it_does_so_over_tls(void **state)
{
    (void)state;
    visit((struct visit){ .path = "/return",
                          .fields = UPGRADE,
                          .then = pong,
                          .then_len = sizeof(pong),
                          .want = HEADER + LARGE + CLOSE,
                          .tls = true });
}

static void when_a_routes_socket_returns(void **state)
{
    (void)state;
    visit((struct visit){ .path = "/socket",
                          .fields = UPGRADE,
                          .first = goes,
                          .first_len = sizeof(goes),
                          .then = asks,
                          .then_len = sizeof(asks),
                          .want = HEADER + LARGE + CLOSE });
}

static void when_what_ws_on_message_calls_sees_the_end(void **state)
{
    (void)state;
    visit((struct visit){ .path = "/called",
                          .fields = UPGRADE,
                          .first = asks_and_goes,
                          .first_len = sizeof(asks_and_goes),
                          .then = pong,
                          .then_len = sizeof(pong),
                          .want = HEADER + LARGE + CLOSE });
}

static void when_the_server_shuts_down(void **state)
{
    (void)state;
    visit((struct visit){ .path = "/read",
                          .fields = UPGRADE,
                          .first = goes,
                          .first_len = sizeof(goes),
                          .then = pong,
                          .then_len = sizeof(pong),
                          .want = HEADER + LARGE + CLOSE,
                          .shut_down = true });
}

/* ---- HTTP --------------------------------------------------------------- */

static void when_the_connection_ends_with_an_answer(void **state)
{
    (void)state;
    visit((struct visit){ .path = "/answer",
                          .fields = "Connection: close\r\n",
                          .then = "\r\n",
                          .then_len = 2,
                          .want = LARGE });
}

static void when_the_answer_is_a_file(void **state)
{
    (void)state;
    visit((struct visit){ .path = "/large",
                          .fields = "Connection: close\r\n",
                          .then = "\r\n",
                          .then_len = 2,
                          .want = LARGE });
}

static void when_the_server_shuts_down_after_an_answer(void **state)
{
    (void)state;
    visit((struct visit){ .path = "/answer",
                          .fields = "",
                          .first = "\r\n",
                          .first_len = 2,
                          .want = LARGE,
                          .shut_down = true });
}

/* ---- Nobody ------------------------------------------------------------- */

/* A server's end of a connection over TCP, and its peer's. */
static int connect_both(int *peer)
{
    struct sockaddr_in in = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t n = sizeof(in);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    *peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&in, n), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &n), 0);
    assert_int_equal(connect(*peer, (struct sockaddr *)&in, n), 0);
    int accepted = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    assert_true(accepted >= 0);
    close(fd);
    return accepted;
}

static void leave_more_than_it_takes(int fd)
{
    ssize_t n;

    do
        n = send(fd, large, LARGE, MSG_NOSIGNAL);
    while (n > 0);
    assert_int_equal(errno, EAGAIN);
}

/* It ends its stream first, or not, and has not taken all. */
static void is_gone(bool ends)
{
    int peer, fd = connect_both(&peer);
    struct ws__stream s;
    struct ws__linger g = { .stream = &s, .idle = true };

    ws__stream_socket(&s, fd);
    leave_more_than_it_takes(fd);
    if (ends) {
        assert_int_equal(shutdown(peer, SHUT_WR), 0);
        assert_true(ws_wait_fd(fd, POLLIN, ws_after(PATIENCE_S * 1000)) > 0);
        assert_false(ws__linger_step(&g));
        assert_true(g.ended);
    }
    const struct linger reset = { .l_onoff = 1 };
    setsockopt(peer, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    close(peer);
    assert_true(ws_wait_fd(fd, 0, ws_after(PATIENCE_S * 1000)) > 0);
    assert_true(ws__stream_unacked(&s) > 0);
    assert_true(ws__linger_step(&g));
    ws__stream_fini(&s);
}

static void not_for_an_idle_peer_that_is_gone(void **state)
{
    (void)state;
    is_gone(false);
    is_gone(true);
}

/* ------------------------------------------------------------------------- */

static int begin(void **state)
{
    certs_set_up(state);
    files.cert_file = certs_path("server.pem");
    int fd = open(certs_path("large"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(ftruncate(fd, LARGE), 0);
    close(fd);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(when_the_handler_closes_and_returns),
        cmocka_unit_test(when_it_does_so_over_tls),
        cmocka_unit_test(when_a_routes_socket_returns),
        cmocka_unit_test(when_what_ws_on_message_calls_sees_the_end),
        cmocka_unit_test(when_the_server_shuts_down),
        cmocka_unit_test(when_the_connection_ends_with_an_answer),
        cmocka_unit_test(when_the_answer_is_a_file),
        cmocka_unit_test(when_the_server_shuts_down_after_an_answer),
        cmocka_unit_test(not_for_an_idle_peer_that_is_gone),
    };

    signal(SIGPIPE, SIG_IGN); /* OpenSSL's writes */
    return run_in_mode("linger", tests, begin, certs_tear_down);
}
