/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <errno.h>
#include <stdatomic.h>

#include <silverback.h>

#include "echo.h"
#include "peer.h"
#include "mode.h"

#define CHOOSY                                                                 \
    "GET /choosy HTTP/1.1" SERVED "Connection: Upgrade\r\n"                    \
    "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"                      \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

static atomic_int lines;
static char last_line[512];

static void keep_line(const char *line, void *arg)
{
    (void)arg;
    if (is_of_a_busy_machine(line))
        return;
    snprintf(last_line, sizeof(last_line), "%s", line);
    atomic_fetch_add(&lines, 1);
}

static ws_event returned; /* the socket has */

static void echo_and_tell(ws_conn *c, void *arg)
{
    echo(c, arg);
    ws_event_set(&returned);
}

static void greet(ws_conn *c, void *arg)
{
    ws_write_text(c, arg);
    ws_event_set(&returned);
}

static void leave_half(ws_conn *c, void *arg)
{
    (void)arg;
    if (ws_next_writer(c, WS_TEXT) == 0 && ws_write(c, "half", 4) == 0)
        ws_flush(c);
}

static void close_itself(ws_conn *c, void *arg)
{
    (void)arg;
    ws_write_close(c, WS_CLOSE_GOING_AWAY, "own");
}

static void break_it(ws_conn *c, void *arg)
{
    (void)arg;
    ws_shutdown(c);
}

/* Which is not for it to do. */
static void close_it(ws_conn *c, void *arg)
{
    (void)arg;
    ws_close(c);
    ws_write_text(c, "still there");
    ws_close(c);
}

static atomic_bool elsewhere; /* a request was there for another fiber */

static void look_elsewhere(void *c)
{
    elsewhere = elsewhere || ws_conn_request(c) != NULL;
}

/* In the handler's fiber, but not the handler's connection. */
static void look_at_another(void)
{
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    ws_conn *c = ws_adopt(fds[0], NULL, NULL);
    look_elsewhere(c);
    close(fds[1]);
    ws_close(c);
}

static void tell_request(ws_conn *c, void *arg)
{
    ws_request *r = ws_conn_request(c);
    ws_conn *other = ws_ref(c);

    (void)arg;
    ws_join(ws_go(look_elsewhere, other));
    look_at_another();
    ws_writef(c, "%s %s %s %s %s", r->path, ws_param_get(ws_query(r), "room"),
              ws_param_get(ws_cookies(r), "sid"),
              ws_header_get(r->headers, "X-Mine"),
              strncmp(r->remote_addr, "127.0.0.1:", 10) == 0 ? "local" : "?");
    assert_int_equal(ws_on_message(c, NULL, NULL), WS_ERR_INVALID);
    assert_int_equal(ws_reply_text(r, 200, "late"), WS_ERR_INVALID);
    ws_unref(other);
}

static void see_message(ws_conn *c, ws_message *m, void *arg)
{
    (void)arg;
    elsewhere = elsewhere || ws_conn_request(c) != NULL;
    if (m)
        ws_write_text(c, m->data);
}

static void hand_on(ws_request *r, void *arg)
{
    ws_conn *c = ws_upgrade(NULL, r, NULL);

    (void)arg;
    assert_ptr_equal(ws_conn_request(c), r);
    assert_null(ws_conn_request(NULL));
    assert_int_equal(ws_on_message(c, see_message, NULL), 0);
}

static void want_message(ws_conn *c, void *arg)
{
    if (ws_on_message(c, see_message, arg) == WS_ERR_INVALID)
        ws_write_text(c, "invalid");
}

static bool nobody(const ws_request *r, void *arg)
{
    (void)r;
    (void)arg;
    return false;
}

static const char *const chat[] = { "chat", NULL };
static const ws_upgrader choosy = { .check_origin = nobody };
static const ws_upgrader talkative = { .subprotocols = chat,
                                       .enable_compression = true };

static const ws_route routes[] = {
    { .path = "/echo", .socket = echo_and_tell },
    { .path = "/greet", .socket = greet, .arg = "hello" },
    { .path = "/half", .socket = leave_half },
    { .path = "/itself", .socket = close_itself },
    { .path = "/break", .socket = break_it },
    { .path = "/close", .socket = close_it },
    { .path = "/close-thread", .socket = close_it, .thread = true },
    { .path = "/told/", .socket = tell_request },
    { .path = "/told-thread", .socket = tell_request, .thread = true },
    { .path = "/handed", .handler = hand_on },
    { .path = "/wanting", .socket = want_message },
    { .path = "/choosy", .socket = echo_and_tell, .upgrader = &choosy },
    { .path = "/chat", .socket = echo_and_tell, .upgrader = &talkative },
    { 0 },
};

static ws_listener *l;

static int start(void **state)
{
    (void)state;
    ws_event_clear(&returned);
    l = serve((ws_server){ .routes = routes });
    return 0;
}

static int stop(void **state)
{
    (void)state;
    return ws_listener_shutdown(l, ws_after(PATIENCE_S * 1000));
}

static ws_conn *dial(const char *path, const ws_dialer *d)
{
    char url[128];
    ws_error err;

    snprintf(url, sizeof(url), "ws://%s%s", ws_listener_addr(l), path);
    ws_conn *c = ws_dial(d, url, NULL, NULL, &err);
    if (!c)
        fail_msg("%s", err.text);
    ws_set_read_deadline(c, ws_after(PATIENCE_S * 1000));
    return c;
}

static void expect_text(ws_conn *c, const char *text)
{
    ws_message m;

    assert_int_equal(ws_read_message(c, &m), 0);
    assert_string_equal(m.data, text);
}

static void expect_close(ws_conn *c, int code)
{
    ws_message m;

    assert_int_equal(ws_read_message(c, &m), WS_ERR_CLOSED);
    assert_int_equal(ws_close_code(c), code);
}

static void the_server_upgrades_and_calls(void **state)
{
    (void)state;
    ws_conn *c = dial("/echo", NULL);

    for (int i = 0; i < 3; i++) {
        assert_int_equal(ws_writef(c, "message %d", i), 0);
        char want[16];
        snprintf(want, sizeof(want), "message %d", i);
        expect_text(c, want);
    }
    assert_int_equal(ws_finish(c, 1001, NULL, ws_after(PATIENCE_S * 1000)), 0);
    assert_int_equal(ws_close_code(c), 1001);
    assert_int_equal(ws_event_wait(&returned, ws_after(PATIENCE_S * 1000)), 0);
    ws_close(c);
}

static void its_return_is_1000(void **state)
{
    (void)state;
    ws_conn *c = dial("/greet", NULL);

    expect_text(c, "hello");
    expect_close(c, WS_CLOSE_NORMAL);
    ws_close(c);
}

static void the_upgrader_decides(void **state)
{
    (void)state;
    static struct answer a;
    const ws_dialer d = { .subprotocols = chat, .enable_compression = true };
    ws_conn *c = dial("/chat", &d);

    assert_string_equal(ws_subprotocol(c), "chat");
    assert_int_equal(ws_write_text(c, "compressed"), 0);
    expect_text(c, "compressed");
    ws_close(c);
    assert_int_equal(ask(l, CHOOSY "\r\n", &a), 403);
    assert_int_equal(ask(l, "GET /echo HTTP/1.1" SERVED "\r\n", &a), 400);
}

/* And what a stranger's nonsense gets does not. */
static void why_it_was_refused_stands_in_the_log_once(void **state)
{
    (void)state;
    static struct answer a;

    atomic_store(&lines, 0);
    for (int i = 0; i < 3; i++) {
        ask(l, "GET /echo HTTP/1.1" SERVED "\r\n", &a);
        ask(l, CHOOSY "Origin: http://a.example\r\n\r\n", &a);
        assert_int_equal(a.status, 403);
    }
    assert_int_equal(atomic_load(&lines), 1);
    assert_non_null(strstr(last_line, "route /choosy: refused 127.0.0.1:"));
    assert_non_null(
        strstr(last_line, "Origin \"http://a.example\" at Host \"a\""));
}

static void what_it_leaves_half_written_is_broken_off(void **state)
{
    (void)state;
    ws_conn *c = dial("/half", NULL);

    expect_close(c, WS_CLOSE_NORMAL);
    ws_close(c);
}

static void a_close_of_its_own_is_the_one(void **state)
{
    (void)state;
    ws_conn *c = dial("/itself", NULL);

    expect_close(c, WS_CLOSE_GOING_AWAY);
    assert_string_equal(ws_close_reason(c), "own");
    ws_close(c);
}

static void what_it_shuts_down_ends_at_once(void **state)
{
    (void)state;
    ws_message m;
    ws_conn *c = dial("/break", NULL);
    int error = ws_read_message(c, &m);

    assert_true(error == WS_ERR_EOF || error == -ECONNRESET);
    ws_close(c);
}

static void a_close_is_refused_and_made_when_it_returns(void **state)
{
    (void)state;
    static const char *const paths[] = { "/close", "/close-thread" };

    for (int i = 0; i < 2; i++) {
        atomic_store(&lines, 0);
        ws_conn *c = dial(paths[i], NULL);
        expect_text(c, "still there");
        expect_close(c, WS_CLOSE_NORMAL);
        assert_int_equal(atomic_load(&lines), 1);
        assert_non_null(strstr(last_line, "ws_close of a connection that the "
                                          "library closes"));
        ws_close(c);
    }
}

/* The peer reads on but gives no answer: after its second the server ends the
 * stream, not before. */
static void a_peer_that_does_not_answer_has_a_second(void **state)
{
    (void)state;
    static const uint8_t said[] = { 0x81, 5,    'h', 'e',  'l', 'l',
                                    'o',  0x88, 2,   0x03, 0xe8 };
    static struct answer a;
    uint8_t got[sizeof(said)];
    int fd = call(l);

    say(fd, "GET /greet HTTP/1.1" SERVED "Connection: Upgrade\r\n"
            "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    int64_t before = ws_now();
    assert_true(hear_head(fd, &a));
    assert_int_equal(a.status, 101);
    assert_int_equal(recv(fd, got, sizeof(got), MSG_WAITALL), sizeof(got));
    assert_memory_equal(got, said, sizeof(said));
    assert_true(has_ended(fd));
    assert_true(ws_now() - before >= 1000);
    close(fd);
}

static void it_sees_the_request_and_nobody_else_does(void **state)
{
    (void)state;
    const ws_header headers[] = { { "X-Mine", "mine" },
                                  { "Cookie", "sid=7" },
                                  { 0 } };
    static const char *const paths[] = { "/told/x?room=1",
                                         "/told-thread?room=1" };
    static const char *const texts[] = { "/told/x 1 7 mine local",
                                         "/told-thread 1 7 mine local" };

    elsewhere = false;
    for (size_t i = 0; i < COUNT(paths); i++) {
        char url[128];
        snprintf(url, sizeof(url), "ws://%s%s", ws_listener_addr(l), paths[i]);
        ws_conn *c = ws_dial(NULL, url, headers, NULL, NULL);
        assert_non_null(c);
        ws_set_read_deadline(c, ws_after(PATIENCE_S * 1000));
        expect_text(c, texts[i]);
        assert_null(ws_conn_request(c));
        expect_close(c, WS_CLOSE_NORMAL);
        ws_close(c);
    }
    ws_conn *c = dial("/handed", NULL);
    assert_int_equal(ws_write_text(c, "seen"), 0);
    expect_text(c, "seen");
    ws_close(c);
    assert_false(elsewhere);
}

static void its_connection_cannot_be_handed_on(void **state)
{
    (void)state;
    ws_conn *c = dial("/wanting", NULL);

    expect_text(c, "invalid");
    expect_close(c, WS_CLOSE_NORMAL);
    ws_close(c);
}

static void many_sockets_at_once(void **state)
{
    (void)state;
    enum { MANY = 20 };
    ws_conn *c[MANY];

    for (int i = 0; i < MANY; i++)
        c[i] = dial("/echo", NULL);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(ws_writef(c[i], "%d", i), 0);
    for (int i = 0; i < MANY; i++) {
        char want[16];
        snprintf(want, sizeof(want), "%d", i);
        expect_text(c[i], want);
        ws_close(c[i]);
    }
}

static void shut_down(void *arg)
{
    *(int *)arg = ws_listener_shutdown(l, ws_after(PATIENCE_S * 1000));
}

static void a_shutdown_of_the_server_says_1001(void **state)
{
    (void)state;
    int result = -1;
    ws_conn *c = dial("/echo", NULL);

    assert_int_equal(ws_write_text(c, "here"), 0);
    expect_text(c, "here");
    ws_fiber *f = ws_go(shut_down, &result);
    expect_close(c, WS_CLOSE_GOING_AWAY);
    ws_close(c);
    ws_join(f);
    assert_int_equal(result, 0);
    l = serve((ws_server){ .routes = routes });
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_server_upgrades_and_calls),
        TEST(its_return_is_1000),
        TEST(the_upgrader_decides),
        TEST(why_it_was_refused_stands_in_the_log_once),
        TEST(what_it_leaves_half_written_is_broken_off),
        TEST(a_close_of_its_own_is_the_one),
        TEST(what_it_shuts_down_ends_at_once),
        TEST(a_close_is_refused_and_made_when_it_returns),
        TEST(a_peer_that_does_not_answer_has_a_second),
        TEST(it_sees_the_request_and_nobody_else_does),
        TEST(its_connection_cannot_be_handed_on),
        TEST(many_sockets_at_once),
        TEST(a_shutdown_of_the_server_says_1001),
    };

    ws_set_log(keep_line, NULL);
    return run_in_mode("socket", tests, NULL, NULL);
}
