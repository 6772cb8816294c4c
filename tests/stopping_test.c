/* SPDX-License-Identifier: MIT */

/* A server's end in steps, over connections that no network has seen. */

#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/un.h>

#include <silverback.h>

#include "http/registry.h"
#include "mode.h"
#include "peer.h"

enum { PATIENCE_MS = PATIENCE_S * 1000 };

static struct answer a;
static ws_listener *l;

/* ---- Handlers ----------------------------------------------------------- */

static ws_event entered, leave;
static atomic_int ended;

static void hello(ws_request *r, void *arg)
{
    (void)arg;
    ws_reply_text(r, 200, r->remote_addr);
}

static void hold(ws_request *r, void *arg)
{
    (void)arg;
    ws_event_set(&entered);
    ws_event_wait(&leave, 0);
    ws_reply_text(r, 200, "late");
}

/* For an hour, unless the server stops. */
static void sleep_long(ws_request *r, void *arg)
{
    (void)arg;
    ws_event_set(&entered);
    int woken = ws_wait_any(-1, 0, ws_after(3600 * 1000), &leave,
                            ws_request_stopping(r));
    ws_reply_text(r, woken == 0 ? 200 : 500, "awake");
}

static void echo(ws_conn *c, void *arg)
{
    ws_message m;

    (void)arg;
    while (ws_read_message(c, &m) == 0)
        (void)ws_write_message(c, m.type, m.data, m.len);
    atomic_fetch_add(&ended, 1);
}

/* Writes nothing, so that a goodbye finds nobody in its way. */
static void listen_quietly(ws_conn *c, void *arg)
{
    ws_message m;

    (void)arg;
    ws_event_set(&entered);
    while (ws_read_message(c, &m) == 0)
        continue;
}

static ws_conn *kept_conn;

static void keep(ws_conn *c, void *arg)
{
    (void)arg;
    kept_conn = ws_ref(c);
    ws_event_set(&entered);
}

static void await_stop(ws_conn *c, void *arg)
{
    (void)arg;
    ws_event_set(&entered);
    if (ws_wait_any(ws_fd(c), 0, ws_after(PATIENCE_MS), ws_stopping(c), NULL) ==
        0)
        ws_write_text(c, "stopping");
}

static const ws_route routes[] = {
    { .path = "/", .handler = hello },
    { .path = "/hold", .handler = hold },
    { .path = "/hold/thread", .handler = hold, .thread = true },
    { .path = "/sleep", .handler = sleep_long },
    { .path = "/echo", .socket = echo },
    { .path = "/quiet", .socket = listen_quietly },
    { .path = "/kept", .socket = keep },
    { .path = "/stop", .socket = await_stop },
    { 0 },
};

static void begin(ws_server s)
{
    ws_error err;

    entered = leave = (ws_event){ { NULL } };
    atomic_store(&ended, 0);
    mode_set(&s);
    s.addr = s.addr ? s.addr : "none";
    s.routes = routes;
    l = ws_listen(&s, &err);
    if (!l)
        fail_msg("%s", err.text);
}

static void finish(void)
{
    assert_int_equal(ws_listener_shutdown(l, ws_after(PATIENCE_MS)), 0);
}

/* A connection that was not accepted by anybody. */
static int hand_in(const char *remote)
{
    const struct timeval patience = { .tv_sec = PATIENCE_S };
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    setsockopt(fds[1], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    assert_int_equal(ws_listener_serve_fd(l, fds[0], remote), 0);
    return fds[1];
}

static void ask_upgrade(int fd, const char *path)
{
    char request[256];

    snprintf(request, sizeof(request),
             "GET %s HTTP/1.1" SERVED "Upgrade: websocket\r\n"
             "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
             path);
    say(fd, request);
    assert_true(hear(fd, &a));
}

static void hear_n(int fd, void *p, size_t n)
{
    for (size_t at = 0; at < n;) {
        ssize_t r = hear_some(fd, (char *)p + at, n - at);
        assert_true(r > 0);
        at += (size_t)r;
    }
}

static int hand_in_upgraded(const char *path)
{
    int fd = hand_in("a client");

    ask_upgrade(fd, path);
    assert_int_equal(a.status, 101);
    return fd;
}

static void expect_echo(int fd)
{
    char got[7];

    say_n(fd, "\x81\x85\0\0\0\0hello", 11);
    hear_n(fd, got, sizeof(got));
    assert_memory_equal(got, "\x81\x05hello", 7);
}

/* A close frame, which is answered. */
static void hear_goodbye(int fd, int code, const char *reason)
{
    uint8_t head[4], got[128] = { 0 };
    size_t n = strlen(reason);

    hear_n(fd, head, sizeof(head));
    assert_int_equal(head[0], 0x88);
    assert_int_equal(head[1], 2 + n);
    assert_int_equal(head[2] << 8 | head[3], code);
    hear_n(fd, got, n);
    assert_string_equal(got, reason);
    say_n(fd, "\x88\x82\0\0\0\0\x03\xe8", 8);
}

/* ---- Handed in ---------------------------------------------------------- */

static void a_socket_that_is_handed_in_is_served(void **state)
{
    (void)state;
    begin((ws_server){ 0 });
    assert_string_equal(ws_listener_addr(l), "none");
    assert_null(ws_listener_addr_at(l, 0));
    int fd = hand_in("192.0.2.1:80");

    for (int i = 0; i < 2; i++) {
        say(fd, "GET / HTTP/1.1" SERVED "\r\n");
        assert_true(hear(fd, &a));
        assert_int_equal(a.status, 200);
        assert_string_equal(a.body, "192.0.2.1:80");
    }
    close(fd);
    fd = hand_in(NULL);
    say(fd, "GET / HTTP/1.1" SERVED "\r\n");
    assert_true(hear(fd, &a));
    assert_string_equal(a.body, "");
    close(fd);
    finish();
}

static void what_is_no_connection_is_not_served(void **state)
{
    (void)state;
    begin((ws_server){ 0 });
    int listening = socket(AF_INET, SOCK_STREAM, 0);
    int packets[2];

    listen(listening, 1);
    socketpair(AF_UNIX, SOCK_DGRAM, 0, packets);
    const int rows[] = { -1, listening, packets[0], dup(2), 9999 };
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(ws_listener_serve_fd(l, rows[i], NULL),
                         WS_ERR_INVALID);
    assert_int_equal(fcntl(listening, F_GETFD), -1);
    close(packets[1]);
    assert_int_equal(ws_listener_serve_fd(NULL, -1, NULL), WS_ERR_INVALID);
    finish();
}

/* A server with as many connections as it may have: this one. */
static int begin_full(void)
{
    begin((ws_server){ .max_connections = 1 });
    int fd = hand_in(NULL);
    say(fd, "GET / HTTP/1.1" SERVED "\r\n");
    assert_true(hear(fd, &a));
    return fd;
}

static void one_above_the_limit_gets_503(void **state)
{
    (void)state;
    int first = begin_full();

    int second = hand_in(NULL);
    assert_true(hear(second, &a));
    assert_int_equal(a.status, 503);
    close(first);
    close(second);
    finish();
}

static uint64_t count_of(const ws_listener *of, enum ws_counter what)
{
    uint64_t counts[WS_COUNTERS];

    assert_int_equal(ws_stats(of, counts, WS_COUNTERS), 0);
    return counts[what];
}

/* However many there are, what was turned away has no fiber each. */
static void those_turned_away_take_no_memory(void **state)
{
    (void)state;
    enum { MANY = 200, FEW = 20 };

    int first = begin_full();
    uint64_t before = count_of(NULL, WS_COUNT_FIBERS);
    for (int i = 0; i < MANY; i++) {
        int fd = hand_in(NULL);
        assert_true(hear(fd, &a));
        assert_int_equal(a.status, 503);
        close(fd);
    }
    assert_true(count_of(NULL, WS_COUNT_FIBERS) < before + FEW);
    close(first);
    finish();
}

/* Nobody accepts here, who would see to it. */
static void one_that_was_turned_away_is_closed_at_the_end(void **state)
{
    (void)state;
    int first = begin_full();
    int second = hand_in(NULL);
    assert_true(hear(second, &a));
    assert_int_equal(a.status, 503);

    close(first);
    finish();
    assert_int_equal(send(second, "x", 1, MSG_NOSIGNAL), -1);
    assert_int_equal(errno, EPIPE);
    close(second);
}

static void nothing_is_handed_in_once_it_stops(void **state)
{
    (void)state;
    int fds[2];

    begin((ws_server){ 0 });
    assert_int_equal(ws_listener_stop(l, ws_after(PATIENCE_MS)), 0);
    socketpair(AF_UNIX, SOCK_STREAM, 0, fds);
    assert_int_equal(ws_listener_serve_fd(l, fds[0], NULL), WS_ERR_CANCELED);
    assert_true(has_ended(fds[1]));
    close(fds[1]);
    finish();
}

/* ---- The first step ----------------------------------------------------- */

static void a_kept_connection_is_answered_and_let_go(void **state)
{
    (void)state;
    begin((ws_server){ 0 });
    int fd = hand_in(NULL);
    say(fd, "GET / HTTP/1.1" SERVED "\r\n");
    assert_true(hear(fd, &a));
    assert_null(field_of(&a, "Connection"));

    assert_int_equal(ws_listener_stop(l, ws_after(PATIENCE_MS)), 0);
    say(fd, "GET / HTTP/1.1" SERVED "\r\n");
    assert_true(hear(fd, &a));
    assert_int_equal(a.status, 200);
    assert_string_equal(field_of(&a, "Connection"), "close");
    assert_true(has_ended(fd));
    close(fd);
    finish();
}

static void an_upgrade_of_a_kept_connection_gets_503(void **state)
{
    (void)state;
    begin((ws_server){ 0 });
    int kept = hand_in(NULL), first = hand_in(NULL);
    say(kept, "GET / HTTP/1.1" SERVED "\r\n");
    assert_true(hear(kept, &a));

    assert_int_equal(ws_listener_stop(l, ws_after(PATIENCE_MS)), 0);
    ask_upgrade(kept, "/echo");
    assert_int_equal(a.status, 503);
    assert_string_equal(field_of(&a, "Connection"), "close");

    ask_upgrade(first, "/echo"); /* it was let in for this */
    assert_int_equal(a.status, 101);
    close(first);
    close(kept);
    finish();
}

static void connections_go_on_after_it(void **state)
{
    (void)state;
    begin((ws_server){ 0 });
    int fd = hand_in_upgraded("/echo");
    assert_int_equal(ws_listener_stop(l, ws_after(PATIENCE_MS)), 0);
    expect_echo(fd);
    close(fd);
    finish();
}

static void each_handler_can_wait_for_it(void **state)
{
    (void)state;
    char got[10];

    begin((ws_server){ 0 });
    int request = hand_in(NULL);
    say(request, "GET /sleep HTTP/1.1" SERVED "\r\n");
    ws_event_wait(&entered, 0);
    ws_event_clear(&entered);
    int conn = hand_in_upgraded("/stop");
    ws_event_wait(&entered, 0);
    assert_false(ws_event_is_set(ws_listener_stopping(l)));

    assert_int_equal(ws_listener_stop(l, ws_after(PATIENCE_MS)), 0);
    assert_true(ws_event_is_set(ws_listener_stopping(l)));
    assert_true(hear(request, &a));
    assert_int_equal(a.status, 200);
    hear_n(conn, got, sizeof(got));
    assert_memory_equal(got, "\x81\x08stopping", 10);
    close(request);
    close(conn);
    assert_null(ws_stopping(NULL));
    finish();
}

/* ---- Goodbyes ----------------------------------------------------------- */

struct closing {
    ws_fiber *fiber;
    int64_t ms;
    int result;
};

static void close_listener(void *closing)
{
    struct closing *c = closing;

    c->result = ws_listener_shutdown(l, ws_after(c->ms));
}

static void goodbye_has_the_code_and_the_reason(void **state)
{
    (void)state;
    static const ws_goodbye first = { .code = 1012, .reason = "new version" };
    static const ws_goodbye rows[] = { { 0 },
                                       { .code = 4000, .reason = "later" } };

    for (size_t i = 0; i < 1 + COUNT(rows); i++) {
        struct closing c = { .ms = PATIENCE_MS };

        begin((ws_server){ .goodbye = &first });
        int fd = hand_in_upgraded("/echo");
        if (i > 0)
            assert_int_equal(ws_listener_set_goodbye(l, &rows[i - 1]), 0);
        c.fiber = mode_go(close_listener, &c);
        hear_goodbye(fd,
                     i == 0   ? 1012
                     : i == 1 ? 1001
                              : 4000,
                     i == 0   ? "new version"
                     : i == 1 ? ""
                              : "later");
        ws_join(c.fiber);
        assert_int_equal(c.result, 0);
        close(fd);
    }
}

static void a_code_that_may_not_be_sent_is_refused(void **state)
{
    (void)state;
    static const ws_goodbye bad = { .code = 1006 };
    const ws_server s = { .addr = "none", .goodbye = &bad };
    ws_error err;

    assert_null(ws_listen(&s, &err));
    assert_int_equal(err.code, WS_ERR_INVALID);
    assert_non_null(strstr(err.text, "got 1006"));
    begin((ws_server){ 0 });
    assert_int_equal(ws_listener_set_goodbye(l, &bad), WS_ERR_INVALID);
    finish();
}

/* The first that has something to read. */
static int next_to_hear(struct pollfd *fds, nfds_t n)
{
    for (int64_t limit = ws_after(PATIENCE_MS); ws_now() < limit; ws_sleep(1))
        if (poll(fds, n, 0) > 0)
            for (nfds_t i = 0; i < n; i++)
                if (fds[i].revents & POLLIN)
                    return (int)i;
    fail();
    return 0;
}

/* Each has its time; that it is not much later depends on the machine. */
static void goodbyes_are_spread(void **state)
{
    (void)state;
    enum { N = 8, SPREAD_MS = 400 };
    static const ws_goodbye slow = { .code = 1012, .spread_ms = SPREAD_MS };
    struct closing c = { .ms = 60 * 1000 };
    struct pollfd fds[N];

    begin((ws_server){ .goodbye = &slow });
    for (int i = 0; i < N; i++) {
        fds[i].fd = hand_in_upgraded("/echo");
        fds[i].events = POLLIN;
        expect_echo(fds[i].fd); /* it is among the others */
    }
    int64_t began = ws_now();
    c.fiber = mode_go(close_listener, &c);
    for (int i = 1; i <= N; i++) {
        int next = next_to_hear(fds, N);

        assert_true(ws_now() - began >= i * SPREAD_MS / N - 1);
        hear_goodbye(fds[next].fd, 1012, "");
        close(fds[next].fd);
        fds[next].fd = -1;
    }
    ws_join(c.fiber);
    assert_int_equal(c.result, 0);
}

static void a_deadline_leaves_no_time_to_spread(void **state)
{
    (void)state;
    static const ws_goodbye slow = { .spread_ms = 3600 * 1000 };
    char got[4];

    begin((ws_server){ .goodbye = &slow });
    int fd = hand_in_upgraded("/quiet");
    assert_int_equal(ws_event_wait(&entered, ws_after(PATIENCE_MS)), 0);
    assert_int_equal(ws_listener_shutdown(l, 1), 0);
    hear_n(fd, got, sizeof(got));
    assert_memory_equal(got, "\x88\x02\x03\xe9", sizeof(got));
    assert_true(has_ended(fd));
    close(fd);
}

/* Its listener is gone, and the event is there. */
static void a_connection_that_is_kept_keeps_the_event(void **state)
{
    (void)state;
    begin((ws_server){ 0 });
    int fd = hand_in_upgraded("/kept");
    assert_int_equal(ws_event_wait(&entered, ws_after(PATIENCE_MS)), 0);
    ws_event *stopping = ws_stopping(kept_conn);
    assert_false(ws_event_is_set(stopping));
    hear_goodbye(fd, WS_CLOSE_NORMAL, "");
    close(fd);
    finish();
    assert_ptr_equal(ws_stopping(kept_conn), stopping);
    assert_true(ws_event_is_set(stopping));
    assert_int_equal(ws_write_text(kept_conn, "late"), WS_ERR_CANCELED);
    ws_unref(kept_conn);
}

/* What was accepted is served, though its request comes late. */
static void who_has_just_come_may_still_ask(void **state)
{
    (void)state;
    struct closing c = { .ms = PATIENCE_MS };

    ws__registry_fresh_ms = PATIENCE_MS;
    begin((ws_server){ 0 });
    int fd = hand_in(NULL);
    c.fiber = mode_go(close_listener, &c);
    ws_event_wait(ws_listener_stopping(l), 0);
    say(fd, "GET / HTTP/1.1" SERVED "\r\n");
    assert_true(hear(fd, &a));
    assert_int_equal(a.status, 200);
    assert_string_equal(field_of(&a, "Connection"), "close");
    ws_join(c.fiber);
    assert_int_equal(c.result, 0);
    close(fd);
    ws__registry_fresh_ms = 1000;
}

/* But is not waited for: nothing of it comes, and that is the end. */
static void but_not_for_long(void **state)
{
    (void)state;
    ws__registry_fresh_ms = 20;
    begin((ws_server){ .request_timeout_ms = -1 });
    int fd = hand_in(NULL);

    finish();
    assert_true(has_ended(fd));
    close(fd);
    ws__registry_fresh_ms = 1000;
}

/* ---- Who still runs ----------------------------------------------------- */

static void who_still_runs_is_named(void **state)
{
    (void)state;
    static const char *const paths[] = { "/hold", "/hold", "/hold/thread" };
    int fds[COUNT(paths)];
    char request[64];

    begin((ws_server){ 0 });
    for (size_t i = 0; i < COUNT(paths); i++) {
        fds[i] = hand_in(NULL);
        snprintf(request, sizeof(request), "GET %s HTTP/1.1" SERVED "\r\n",
                 paths[i]);
        say(fds[i], request);
        ws_event_wait(&entered, 0);
        ws_event_clear(&entered);
    }
    assert_int_equal(ws_listener_error(l)->code, 0);
    assert_int_equal(ws_listener_shutdown(l, 1), WS_ERR_TIMEOUT);
    const ws_error *err = ws_listener_error(l);
    assert_int_equal(err->code, WS_ERR_TIMEOUT);
    assert_non_null(strstr(err->text, "3 handlers still run: "));
    assert_non_null(strstr(err->text, "/hold 2"));
    assert_non_null(strstr(err->text, "/hold/thread 1"));
    ws_event_set(&leave);
    finish();
    for (size_t i = 0; i < COUNT(fds); i++)
        close(fds[i]);
}

/* ---- Whether it lives --------------------------------------------------- */

static atomic_bool spin;

static void compute(ws_request *r, void *arg)
{
    (void)arg;
    ws_event_set(&entered);
    while (atomic_load(&spin))
        continue;
    ws_reply_text(r, 200, "");
}

static void a_worker_that_is_held_up_is_not_alive(void **state)
{
    (void)state;
    static const ws_route own[] = { { .path = "/", .handler = compute },
                                    { 0 } };
    const ws_server s = { .addr = "none", .routes = own, .workers = 1 };

    if (mode_is("fibers")) /* where this would be the only thread */
        return;
    entered = (ws_event){ { NULL } };
    atomic_store(&spin, true);
    l = ws_listen(&s, NULL);
    assert_int_equal(ws_listener_alive(l, ws_after(PATIENCE_MS)), 0);
    int fd = hand_in(NULL);
    say(fd, "GET / HTTP/1.1" SERVED "\r\n");
    ws_event_wait(&entered, 0);
    assert_int_equal(ws_listener_alive(l, ws_after(1)), WS_ERR_TIMEOUT);
    assert_int_equal(ws_listener_alive(l, 1), WS_ERR_TIMEOUT);
    atomic_store(&spin, false);
    assert_int_equal(ws_listener_alive(l, ws_after(PATIENCE_MS)), 0);
    close(fd);
    finish();
    assert_int_equal(ws_listener_alive(NULL, 0), WS_ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_socket_that_is_handed_in_is_served),
        cmocka_unit_test(what_is_no_connection_is_not_served),
        cmocka_unit_test(one_above_the_limit_gets_503),
        cmocka_unit_test(those_turned_away_take_no_memory),
        cmocka_unit_test(one_that_was_turned_away_is_closed_at_the_end),
        cmocka_unit_test(nothing_is_handed_in_once_it_stops),
        cmocka_unit_test(a_kept_connection_is_answered_and_let_go),
        cmocka_unit_test(an_upgrade_of_a_kept_connection_gets_503),
        cmocka_unit_test(connections_go_on_after_it),
        cmocka_unit_test(each_handler_can_wait_for_it),
        cmocka_unit_test(goodbye_has_the_code_and_the_reason),
        cmocka_unit_test(a_code_that_may_not_be_sent_is_refused),
        cmocka_unit_test(goodbyes_are_spread),
        cmocka_unit_test(a_deadline_leaves_no_time_to_spread),
        cmocka_unit_test(a_connection_that_is_kept_keeps_the_event),
        cmocka_unit_test(who_has_just_come_may_still_ask),
        cmocka_unit_test(but_not_for_long),
        cmocka_unit_test(who_still_runs_is_named),
        cmocka_unit_test(a_worker_that_is_held_up_is_not_alive),
    };

    return run_in_mode("stopping", tests, NULL, NULL);
}
