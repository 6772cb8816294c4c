/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/un.h>

#include <silverback/fiber.h>
#include <silverback/http.h>

#include "alloc_fail.h"
#include "descriptors.h"
#include "peer.h"
#include "mode.h"
#include "conn/linger.h"

static struct answer a;

/* ---- The log ------------------------------------------------------------ */

static atomic_int lines;
static char last_line[512];
static ws_event logged;

static void keep_line(const char *line, void *arg)
{
    (void)arg;
    if (is_of_a_busy_machine(line))
        return;
    atomic_fetch_add(&lines, 1);
    snprintf(last_line, sizeof(last_line), "%s", line);
    ws_event_set(&logged);
}

/* ---- Handlers ----------------------------------------------------------- */

static void hello(ws_request *r, void *arg)
{
    ws_reply_text(r, 200, arg ? arg : r->path);
}

static void echo(ws_request *r, void *arg)
{
    (void)arg;
    ws_reply(r, 200, NULL, r->body, r->body_len);
}

static void silent(ws_request *r, void *arg)
{
    (void)r;
    (void)arg;
}

static void describe(ws_request *r, void *arg)
{
    char text[512];

    (void)arg;
    snprintf(text, sizeof(text), "%s|%s|%s|%s|%s", r->method, r->target,
             r->path, r->query, r->host);
    ws_reply_text(r, 200, text);
}

static ws_event entered, leave;

static void wait_inside(ws_request *r, void *arg)
{
    (void)arg;
    ws_event_set(&entered);
    ws_event_wait(&leave, 0);
    ws_reply_text(r, 200, "late");
}

static void from_fiber(void *arg)
{
    (void)arg;
    ws_event_wait(&leave, 0);
}

static void start_fiber(ws_request *r, void *arg)
{
    (void)arg;
    ws_detach(ws_go(from_fiber, NULL));
    ws_reply_text(r, 200, "");
}

static const ws_route routes[] = {
    { .path = "/a/b/", .handler = hello, .arg = "below b" },
    { .path = "/", .handler = hello, .arg = "root" },
    { .path = "/a", .handler = hello },
    { .path = "/a/", .handler = hello, .arg = "below a" },
    { .path = "/echo", .handler = echo },
    { .path = "/silent", .handler = silent },
    { .path = "/describe/", .handler = describe },
    { .path = "/wait", .handler = wait_inside },
    { .path = "/fiber", .handler = start_fiber },
    { 0 },
};

static ws_listener *l;

static int start(void **state)
{
    (void)state;
    entered = leave = (ws_event){ { NULL } };
    l = serve((ws_server){ .routes = routes });
    return 0;
}

static int stop(void **state)
{
    (void)state;
    return ws_listener_shutdown(l, ws_after(PATIENCE_S * 1000));
}

/* ---- Requests ----------------------------------------------------------- */

/* Statuses that the server itself answers with, each followed by the end of the
 * connection. */
static void each_fault_has_its_status(void **state)
{
    (void)state;
    static const struct {
        const char *request;
        int status;
    } rows[] = {
        { "GET /\r\nHost: a\r\n\r\n", 400 },    /* RFC 9112, 3 */
        { "GET / HTTP/1.1\nHost: a\n\n", 400 }, /* 2.2 */
        { "GET / HTTP/1.1\r\n\r\n", 400 },      /* 3.2: no Host */
        { "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400 },      /* 5.1 */
        { "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", 400 }, /* 5.2 */
        { "GET /%zz HTTP/1.1" SERVED "\r\n", 400 },
        { "GET /%00 HTTP/1.1" SERVED "\r\n", 400 },
        { "GET a HTTP/1.1" SERVED "\r\n", 400 }, /* 3.2 */
        { "GET * HTTP/1.1" SERVED "\r\n", 400 }, /* 3.2.4 */
        { "POST / HTTP/1.1" SERVED "Content-Length: +1\r\n\r\n", 400 },
        { "POST / HTTP/1.1" SERVED "Content-Length: 1\r\n"
          "Content-Length: 2\r\n\r\n",
          400 }, /* 6.3 */
        { "POST / HTTP/1.1" SERVED "Content-Length: 1\r\n"
          "Transfer-Encoding: chunked\r\n\r\n",
          400 }, /* 6.3 */
        { "POST / HTTP/1.1" SERVED "Transfer-Encoding: chunked\r\n\r\nx\r\n",
          400 }, /* 7.1 */
        { "POST / HTTP/1.1" SERVED "Content-Length: 65537\r\n\r\n", 413 },
        { "POST / HTTP/1.1" SERVED "Content-Length: 1\r\nExpect: b\r\n\r\n",
          417 }, /* RFC 9110, 10.1.1 */
        { "POST / HTTP/1.1" SERVED "Transfer-Encoding: gzip\r\n\r\n", 501 },
        { "GET / HTTP/2.0" SERVED "\r\n", 505 },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        int fd = call(l);

        say(fd, rows[i].request);
        assert_true(hear(fd, &a));
        assert_int_equal(a.status, rows[i].status);
        assert_string_equal(field_of(&a, "Connection"), "close");
        assert_true(has_ended(fd));
        close(fd);
    }
}

static void a_head_that_is_too_large_is_414_or_431(void **state)
{
    (void)state;
    static char request[40 * 1024];
    const size_t n = 20 * 1024;

    memset(request, 'x', n);
    memcpy(request, "GET /", 5);
    request[n] = '\0';
    assert_int_equal(ask(l, request, &a), 414);

    snprintf(request, sizeof(request),
             "GET / HTTP/1.1" SERVED "a: %0*d\r\n\r\n", (int)n, 1);
    assert_int_equal(ask(l, request, &a), 431);

    char *p = request + snprintf(request, 64, "GET / HTTP/1.1" SERVED);
    for (int i = 0; i < 100; i++)
        p = memcpy(p, "a: b\r\n", 7), p += 6;
    memcpy(p, "\r\n", 3);
    assert_int_equal(ask(l, request, &a), 431);
}

static void a_chunked_body_that_is_too_large_is_413(void **state)
{
    (void)state;
    static char body[70 * 1024];
    int fd = call(l);

    say(fd, "POST /echo HTTP/1.1" SERVED
            "Transfer-Encoding: chunked\r\n\r\n11800\r\n");
    memset(body, 'b', sizeof(body));
    say_n(fd, body, sizeof(body));
    assert_true(hear(fd, &a));
    assert_int_equal(a.status, 413);
    close(fd);
}

/* As if the size had come alone. */
static void a_chunk_is_too_large_before_it_is_malformed(void **state)
{
    (void)state;
    static const char *const chunks[] = {
        "11800;x\r\r\n",
        "11800x\r\n",
        "fffffffffffffffff\r\n",
    };

    for (size_t i = 0; i < COUNT(chunks); i++) {
        char request[256];

        snprintf(request, sizeof(request),
                 "POST /echo HTTP/1.1" SERVED
                 "Transfer-Encoding: chunked\r\n\r\n%s",
                 chunks[i]);
        assert_int_equal(ask(l, request, &a), 413);
    }
}

static void the_longest_route_wins(void **state)
{
    (void)state;
    static const struct {
        const char *target;
        const char *body;
    } rows[] = {
        { "/", "root" },         { "/c", "root" },
        { "/a", "/a" },          { "/a/", "below a" },
        { "/a/c", "below a" },   { "/a/b", "below a" },
        { "/a/b/c", "below b" }, { "/a/./b/../b/c", "below b" },
        { "/%61", "/a" },        { "/a?b/c", "/a" },
        { "/ab", "root" },       { "/x/../../a", "/a" },
    };
    char request[128];

    for (size_t i = 0; i < COUNT(rows); i++) {
        snprintf(request, sizeof(request), "GET %s HTTP/1.1" SERVED "\r\n",
                 rows[i].target);
        assert_int_equal(ask(l, request, &a), 200);
        assert_string_equal(a.body, rows[i].body);
    }
}

static void no_route_is_404_and_no_answer_500(void **state)
{
    (void)state;
    static const ws_route none[] = { { .path = "/a/", .handler = hello },
                                     { 0 } };
    ws_listener *other = serve((ws_server){ .routes = none });

    assert_int_equal(ask(other, "GET /a HTTP/1.1" SERVED "\r\n", &a), 404);
    assert_int_equal(ask(l, "GET /silent HTTP/1.1" SERVED "\r\n", &a), 500);
    assert_int_equal(ws_listener_shutdown(other, 0), 0);
    other = serve((ws_server){ 0 });
    assert_int_equal(ask(other, "GET / HTTP/1.1" SERVED "\r\n", &a), 404);
    assert_int_equal(ws_listener_shutdown(other, 0), 0);
}

static void the_request_is_taken_apart(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        const char *body;
    } rows[] = {
        { "GET /describe/%20x/../y?q=%20&b HTTP/1.1",
          "GET|/describe/%20x/../y?q=%20&b|/describe/y|q=%20&b|a" },
        { "PUT http://b:80/describe/?q HTTP/1.1", /* RFC 9112, 3.2.2 */
          "PUT|http://b:80/describe/?q|/describe/|q|b:80" },
        { "GET /describe/? HTTP/1.0", "GET|/describe/?|/describe/||a" },
        /* As curl sends what is not ASCII. */
        { "GET /describe/\xc3\xa9?q=\xc3\xa4 HTTP/1.1",
          "GET|/describe/\xc3\xa9?q=\xc3\xa4|/describe/\xc3\xa9|q=\xc3\xa4|a" },
    };
    char request[256];

    for (size_t i = 0; i < COUNT(rows); i++) {
        snprintf(request, sizeof(request), "%s" SERVED "\r\n", rows[i].line);
        assert_int_equal(ask(l, request, &a), 200);
        assert_string_equal(a.body, rows[i].body);
    }
}

/* RFC 9110, section 9.3.7: it is asked of the server, and no handler's. */
static void the_server_itself_is_there(void **state)
{
    (void)state;
    int fd = call(l);

    for (int i = 0; i < 2; i++) {
        say(fd, "OPTIONS * HTTP/1.1" SERVED "\r\n");
        assert_true(hear(fd, &a));
        assert_int_equal(a.status, 200);
        assert_int_equal(a.len, 0);
    }
    close(fd);
}

static void a_request_may_come_byte_by_byte(void **state)
{
    (void)state;
    static const char request[] =
        "POST /echo HTTP/1.1" SERVED "Transfer-Encoding: chunked\r\n\r\n"
        "3;x\r\nabc\r\n2\r\nde\r\n0\r\nt: u\r\n\r\n";
    int fd = call(l);

    for (size_t i = 0; i < sizeof(request) - 1; i++) {
        say_n(fd, request + i, 1);
        sched_yield();
    }
    assert_true(hear(fd, &a));
    assert_string_equal(a.body, "abcde");
    close(fd);
}

static void every_cut_of_a_request_gives_the_same(void **state)
{
    (void)state;
    static const char request[] =
        "POST /echo HTTP/1.1" SERVED "Content-Length: 5\r\n\r\nabcde"
        "GET /a HTTP/1.1" SERVED "\r\n";
    int fd = call(l);

    for (size_t cut = 1; cut < sizeof(request) - 1; cut++) {
        say_n(fd, request, cut);
        sched_yield();
        say_n(fd, request + cut, sizeof(request) - 1 - cut);
        assert_true(hear(fd, &a));
        assert_string_equal(a.body, "abcde");
        assert_true(hear(fd, &a));
        assert_string_equal(a.body, "/a");
    }
    close(fd);
}

static void a_body_may_be_as_large_as_the_limit(void **state)
{
    (void)state;
    static char body[64 * 1024];
    int fd = call(l);

    memset(body, 'b', sizeof(body));
    say(fd, "POST /echo HTTP/1.1" SERVED "Content-Length: 65536\r\n\r\n");
    say_n(fd, body, sizeof(body));
    assert_true(hear(fd, &a));
    assert_int_equal(a.len, sizeof(body));
    assert_memory_equal(a.body, body, sizeof(body));
    close(fd);
}

static void expect_is_answered_before_the_body(void **state)
{
    (void)state;
    int fd = call(l);

    say(fd, "POST /echo HTTP/1.1" SERVED
            "Expect: 100-Continue\r\nContent-Length: 3\r\n\r\n");
    assert_true(hear(fd, &a));
    assert_int_equal(a.status, 100);
    say(fd, "abc");
    assert_true(hear(fd, &a));
    assert_int_equal(a.status, 200);
    assert_string_equal(a.body, "abc");

    /* Who has begun to send does not wait; and without a body there is
     * nothing to wait for. */
    say(fd, "POST /echo HTTP/1.1" SERVED
            "Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc"
            "GET /a HTTP/1.1" SERVED "Expect: 100-continue\r\n\r\n");
    assert_true(hear(fd, &a));
    assert_int_equal(a.status, 200);
    assert_true(hear(fd, &a));
    assert_int_equal(a.status, 200);
    close(fd);
}

/* ---- Connections -------------------------------------------------------- */

static void three_pipelined_requests_get_three_answers(void **state)
{
    (void)state;
    int fd = call(l);

    say(fd, "GET /a HTTP/1.1" SERVED "\r\n"
            "POST /echo HTTP/1.1" SERVED "Content-Length: 2\r\n\r\nhi"
            "GET /c HTTP/1.1" SERVED "\r\n");
    assert_true(hear(fd, &a));
    assert_string_equal(a.body, "/a");
    assert_null(field_of(&a, "Connection"));
    assert_true(hear(fd, &a));
    assert_string_equal(a.body, "hi");
    assert_true(hear(fd, &a));
    assert_string_equal(a.body, "root");
    close(fd);
}

/* RFC 9112, section 9.3. */
static void a_connection_lives_as_long_as_both_want(void **state)
{
    (void)state;
    static const struct {
        const char *request;
        const char *connection;
        bool ends;
    } rows[] = {
        { "GET /a HTTP/1.1" SERVED "\r\n", NULL, false },
        { "GET /a HTTP/1.1" SERVED "Connection: x, CLOSE\r\n\r\n", "close",
          true },
        { "GET /a HTTP/1.0" SERVED "\r\n", "close", true },
        { "GET /a HTTP/1.0" SERVED "Connection: keep-alive\r\n\r\n",
          "keep-alive", false },
        { "GET /none-such HTTP/1.1" SERVED "\r\n", NULL, false },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        int fd = call(l);

        say(fd, rows[i].request);
        assert_true(hear(fd, &a));
        const char *connection = field_of(&a, "Connection");
        assert_int_equal(!connection, !rows[i].connection);
        if (connection)
            assert_string_equal(connection, rows[i].connection);
        if (rows[i].ends) {
            assert_true(has_ended(fd));
        } else {
            say(fd, "GET /a HTTP/1.1" SERVED "\r\n");
            assert_true(hear(fd, &a));
        }
        close(fd);
    }
}

static void a_slow_request_is_answered_408(void **state)
{
    (void)state;
    static const char *const parts[] = {
        "G",
        "GET / HTTP/1.1\r\nHost",
        "POST /echo HTTP/1.1" SERVED "Content-Length: 2\r\n\r\na",
    };
    ws_listener *hasty =
        serve((ws_server){ .routes = routes, .request_timeout_ms = 200 });

    for (size_t i = 0; i < COUNT(parts); i++) {
        assert_int_equal(ask(hasty, parts[i], &a), 408);
        assert_string_equal(field_of(&a, "Connection"), "close");
    }

    /* The second request has its own time, from its first byte. */
    for (size_t i = 0; i < COUNT(parts); i++) {
        int fd = call(hasty);
        say(fd, "GET /a HTTP/1.1" SERVED "\r\n");
        assert_true(hear(fd, &a));
        say(fd, parts[i]);
        assert_true(hear(fd, &a));
        assert_int_equal(a.status, 408);
        assert_true(has_ended(fd));
        close(fd);
    }
    assert_int_equal(ws_listener_shutdown(hasty, 0), 0);
}

/* That there is always one more byte does not put the deadline off. */
static void a_request_that_goes_on_and_on_is_answered_408(void **state)
{
    (void)state;
    static const char chunk[] = "1\r\na\r\n";
    static char chunks[10000 * (sizeof(chunk) - 1)];
    ws_listener *hasty = serve((ws_server){ .routes = routes,
                                            .request_timeout_ms = 200,
                                            .max_body_bytes = 1 << 26 });
    int fd = call(hasty);
    struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };

    for (size_t i = 0; i < sizeof(chunks); i++)
        chunks[i] = chunk[i % (sizeof(chunk) - 1)];
    say(fd, "POST / HTTP/1.1" SERVED "Transfer-Encoding: chunked\r\n\r\n");
    for (size_t sent = 0; poll(&p, 1, -1) == 1 && p.revents == POLLOUT;) {
        ssize_t n = send(fd, chunks + sent, sizeof(chunks) - sent,
                         MSG_DONTWAIT | MSG_NOSIGNAL);
        sent += n > 0 ? (size_t)n : 0;
        sent = sent == sizeof(chunks) ? 0 : sent;
    }
    assert_true(hear(fd, &a));
    assert_int_equal(a.status, 408);
    close(fd);
    assert_int_equal(ws_listener_shutdown(hasty, 0), 0);
}

static void each_request_has_a_time_of_its_own(void **state)
{
    (void)state;
    enum { TIME_MS = 200 };
    ws_listener *hasty =
        serve((ws_server){ .routes = routes, .request_timeout_ms = TIME_MS });
    int fd = call(hasty);

    say(fd, "GET /a HTTP/1.1" SERVED "\r\n");
    assert_true(hear(fd, &a));
    ws_sleep(2 * TIME_MS);
    say(fd, "GET /a HTTP/1.1" SERVED "\r\n");
    assert_true(hear(fd, &a));
    assert_int_equal(a.status, 200);
    close(fd);
    assert_int_equal(ws_listener_shutdown(hasty, 0), 0);
}

static void who_says_nothing_is_cut_in_silence(void **state)
{
    (void)state;
    ws_listener *hasty = serve((ws_server){
        .routes = routes, .request_timeout_ms = 200, .idle_timeout_ms = 50 });
    int fd = call(hasty);

    assert_true(has_ended(fd));
    close(fd);
    fd = call(hasty);
    say(fd, "GET /a HTTP/1.1" SERVED "\r\n");
    assert_true(hear(fd, &a));
    assert_true(has_ended(fd));
    close(fd);
    assert_int_equal(ws_listener_shutdown(hasty, 0), 0);
}

/* Closing with unread input would reset the connection, and lose the answer. */
static void a_refused_upload_still_reads_its_answer(void **state)
{
    (void)state;
    static char body[1024 * 1024];
    int fd = call(l);

    say(fd, "POST /echo HTTP/1.1" SERVED "Content-Length: 1048576\r\n\r\n");
    say_n(fd, body, sizeof(body));
    assert_true(hear(fd, &a));
    assert_int_equal(a.status, 413);
    shutdown(fd, SHUT_WR);
    assert_true(has_ended(fd));
    close(fd);
}

/* ---- Limits ------------------------------------------------------------- */

static void too_many_connections_are_turned_away_with_503(void **state)
{
    (void)state;
    ws_listener *small =
        serve((ws_server){ .routes = routes, .max_connections = 2 });
    int fds[2];

    atomic_store(&lines, 0);
    for (int i = 0; i < 2; i++) {
        fds[i] = call(small);
        say(fds[i], "GET /a HTTP/1.1" SERVED "\r\n");
        assert_true(hear(fds[i], &a));
    }
    for (int i = 0; i < 20; i++) {
        int fd = call(small);
        assert_true(hear(fd, &a));
        assert_int_equal(a.status, 503);
        assert_true(has_ended(fd));
        close(fd);
    }
    assert_int_equal(atomic_load(&lines), 1); /* for all of them */
    assert_non_null(strstr(last_line, "2 connections"));
    assert_non_null(strstr(last_line, "max_connections"));
    close(fds[0]);
    do /* until its session has seen that */
        ask(small, "GET /a HTTP/1.1" SERVED "\r\n", &a);
    while (a.status == 503);
    assert_int_equal(a.status, 200);
    close(fds[1]);
    assert_int_equal(ws_listener_shutdown(small, 0), 0);
}

static void connect_only(int fd)
{
    struct sockaddr_in in = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

    in.sin_port = htons(
        (uint16_t)strtol(strrchr(ws_listener_addr(l), ':') + 1, NULL, 10));
    assert_int_equal(connect(fd, (struct sockaddr *)&in, sizeof(in)), 0);
}

static void without_descriptors_it_pauses_says_so_once_and_recovers(
    void **state)
{
    (void)state;
    int first = call(l), fd = call(l); /* two are open, both ends */

    say(first, "GET /a HTTP/1.1" SERVED "\r\n");
    assert_true(hear(first, &a));
    say(fd, "GET /a HTTP/1.1" SERVED "\r\n");
    assert_true(hear(fd, &a));
    close(fd);

    fd = socket(AF_INET, SOCK_STREAM, 0);
    atomic_store(&lines, 0);
    descriptors_run_out();
    connect_only(fd);
    assert_int_equal(ws_event_wait(&logged, ws_after(PATIENCE_S * 1000)), 0);
    say(first, "GET /a HTTP/1.1" SERVED "\r\n"); /* still served */
    assert_true(hear(first, &a));
    ws_sleep(250); /* more than one pause */
    descriptors_come_back();

    say(fd, "GET /a HTTP/1.1" SERVED "\r\n");
    assert_true(hear(fd, &a));
    assert_int_equal(a.status, 200);
    assert_int_equal(atomic_load(&lines), 1);
    close(fd);
    close(first);
}

/* However often descriptors run out, and come back for a moment.  No other
 * listener is there: one whose acceptors have just begun would say it, too. */
static void that_it_is_without_descriptors_is_said_seldom(void **state)
{
    (void)state;

    atomic_store(&lines, 0);
    for (int i = 0; i < 3; i++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);

        ws_event_clear(&logged);
        descriptors_run_out();
        connect_only(fd);
        assert_int_equal(ws_event_wait(&logged, i == 0 ? 0 : ws_after(150)),
                         i == 0 ? 0 : WS_ERR_TIMEOUT);
        descriptors_come_back();
        say(fd, "GET /a HTTP/1.1" SERVED "\r\n");
        assert_true(hear(fd, &a));
        assert_int_equal(a.status, 200);
        close(fd);
    }
    assert_int_equal(atomic_load(&lines), 1);
}

static void every_failed_allocation_is_survived(void **state)
{
    (void)state;

    for (long n = 1; n < 40; n++) {
        int fd = call(l);

        alloc_fail_at(n);
        say(fd, "POST /echo HTTP/1.1" SERVED "Content-Length: 3\r\n\r\nabc");
        bool heard = hear(fd, &a);
        alloc_fail_at(0);
        if (heard)
            assert_true(a.status == 200 || a.status == 500);
        close(fd);
        assert_int_equal(ask(l, "GET /a HTTP/1.1" SERVED "\r\n", &a), 200);
    }
}

/* ---- Shutdown ----------------------------------------------------------- */

struct ending {
    ws_listener *l;
    int64_t deadline;
    int result;
};

static void *end(void *arg)
{
    struct ending *e = arg;

    e->result = ws_listener_shutdown(e->l, e->deadline);
    return NULL;
}

/* A server counts on it by default.  The second request was waited for. */
static void a_connection_takes_one_descriptor(void **state)
{
    (void)state;
    int before = descriptors_open(), fds[4];

    for (size_t i = 0; i < COUNT(fds); i++)
        fds[i] = call(l);
    for (size_t i = 0; i < 2 * COUNT(fds); i++) {
        say(fds[i % COUNT(fds)], "GET /a HTTP/1.1" SERVED "\r\n");
        assert_true(hear(fds[i % COUNT(fds)], &a));
    }
    assert_true(descriptors_open() <= before + 2 * (int)COUNT(fds));
    for (size_t i = 0; i < COUNT(fds); i++)
        close(fds[i]);
}

static void shutdown_cuts_idle_connections_at_once(void **state)
{
    (void)state;
    ws_listener *other = serve((ws_server){ .routes = routes });
    int fresh = call(other), used = call(other);

    say(used, "GET /a HTTP/1.1" SERVED "\r\n");
    assert_true(hear(used, &a));
    int quiet_ms = ws__linger_quiet_ms;
    ws__linger_quiet_ms = PATIENCE_S * 1000; /* nor is that waited for */
    int64_t deadline = ws_after(PATIENCE_S * 1000);
    assert_int_equal(ws_listener_shutdown(other, deadline), 0);
    ws__linger_quiet_ms = quiet_ms;
    assert_true(ws_now() < deadline);
    assert_true(has_ended(used));
    char c;
    assert_true(recv(fresh, &c, 1, 0) <= 0);
    close(fresh);
    close(used);
}

static void shutdown_waits_for_handlers(void **state)
{
    (void)state;
    ws_listener *other = serve((ws_server){ .routes = routes });
    struct ending e = { .l = other, .deadline = ws_after(PATIENCE_S * 1000) };
    pthread_t t;
    int fd = call(other);

    say(fd, "GET /wait HTTP/1.1" SERVED "\r\n");
    ws_event_wait(&entered, 0);
    pthread_create(&t, NULL, end, &e);
    struct sockaddr_in in = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    in.sin_port = htons(
        (uint16_t)strtol(strrchr(ws_listener_addr(other), ':') + 1, NULL, 10));
    for (bool refused = false; !refused;) {
        int next = socket(AF_INET, SOCK_STREAM, 0);
        refused = connect(next, (struct sockaddr *)&in, sizeof(in)) != 0;
        close(next);
    }
    ws_event_set(&leave);
    assert_true(hear(fd, &a));
    assert_string_equal(a.body, "late");
    assert_string_equal(field_of(&a, "Connection"), "close");
    close(fd);
    pthread_join(t, NULL);
    assert_int_equal(e.result, 0);
}

static void shutdown_waits_for_the_fibers_of_handlers(void **state)
{
    (void)state;
    ws_listener *other = serve((ws_server){ .routes = routes });

    ask(other, "GET /fiber HTTP/1.1" SERVED "\r\n", &a);
    assert_int_equal(ws_listener_shutdown(other, 1), WS_ERR_TIMEOUT);
    ws_event_set(&leave);
    assert_int_equal(ws_listener_shutdown(other, 0), 0);
}

static void a_handler_that_stays_is_a_timeout(void **state)
{
    (void)state;
    ws_listener *other = serve((ws_server){ .routes = routes });
    int fd = call(other);

    say(fd, "GET /wait HTTP/1.1" SERVED "\r\n");
    ws_event_wait(&entered, 0);
    assert_int_equal(ws_listener_shutdown(other, 1), WS_ERR_TIMEOUT);
    ws_event_set(&leave);
    assert_int_equal(ws_listener_shutdown(other, 0), 0);
    close(fd);
}

static void in_a_fiber(void *arg)
{
    (void)arg;
    ws_listener *other = serve((ws_server){ .routes = routes });

    ask(other, "GET /a HTTP/1.1" SERVED "\r\n", &a);
    assert_int_equal(ws_listener_shutdown(other, 0), 0);
}

static void a_listener_may_be_made_in_a_fiber(void **state)
{
    (void)state;
    mode_in_fiber(in_a_fiber, NULL);
    assert_int_equal(a.status, 200);
}

/* ---- Addresses ---------------------------------------------------------- */

static void a_socket_file_is_served_and_removed(void **state)
{
    (void)state;
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    char folder[] = "/tmp/server_test.XXXXXX", addr[64];

    assert_non_null(mkdtemp(folder));
    snprintf(un.sun_path, sizeof(un.sun_path), "%s/s", folder);
    snprintf(addr, sizeof(addr), "unix:%s/s", folder);
    ws_listener *local = serve((ws_server){ .addr = addr, .routes = routes });
    assert_string_equal(ws_listener_addr(local), addr);

    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&un, sizeof(un)), 0);
    say(fd, "GET /a HTTP/1.1" SERVED "\r\n");
    assert_true(hear(fd, &a));
    assert_int_equal(a.status, 200);
    close(fd);
    assert_int_equal(ws_listener_shutdown(local, 0), 0);
    assert_int_not_equal(access(un.sun_path, F_OK), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void an_address_in_use_is_an_error(void **state)
{
    (void)state;
    const ws_server again = { .addr = ws_listener_addr(l) };
    ws_error err;

    assert_null(ws_listen(&again, &err));
    assert_int_equal(err.code, -EADDRINUSE);
    assert_true(err.text[0] != '\0');
    assert_null(ws_listen(&again, NULL));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_fault_has_its_status),
        TEST(a_head_that_is_too_large_is_414_or_431),
        TEST(a_chunked_body_that_is_too_large_is_413),
        TEST(a_chunk_is_too_large_before_it_is_malformed),
        TEST(the_longest_route_wins),
        TEST(no_route_is_404_and_no_answer_500),
        TEST(the_request_is_taken_apart),
        TEST(the_server_itself_is_there),
        TEST(a_request_may_come_byte_by_byte),
        TEST(every_cut_of_a_request_gives_the_same),
        TEST(a_body_may_be_as_large_as_the_limit),
        TEST(expect_is_answered_before_the_body),
        TEST(three_pipelined_requests_get_three_answers),
        TEST(a_connection_lives_as_long_as_both_want),
        TEST(a_slow_request_is_answered_408),
        TEST(a_request_that_goes_on_and_on_is_answered_408),
        TEST(each_request_has_a_time_of_its_own),
        TEST(who_says_nothing_is_cut_in_silence),
        TEST(a_refused_upload_still_reads_its_answer),
        TEST(too_many_connections_are_turned_away_with_503),
        TEST(without_descriptors_it_pauses_says_so_once_and_recovers),
        TEST(that_it_is_without_descriptors_is_said_seldom),
        TEST(every_failed_allocation_is_survived),
        TEST(a_connection_takes_one_descriptor),
        TEST(shutdown_cuts_idle_connections_at_once),
        TEST(shutdown_waits_for_handlers),
        TEST(shutdown_waits_for_the_fibers_of_handlers),
        TEST(a_handler_that_stays_is_a_timeout),
        TEST(a_listener_may_be_made_in_a_fiber),
        TEST(a_socket_file_is_served_and_removed),
        TEST(an_address_in_use_is_an_error),
    };

    alloc_fail_install();
    ws_set_log(keep_line, NULL);
    return run_in_mode("server", tests, NULL, NULL);
}
