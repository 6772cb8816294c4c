/* SPDX-License-Identifier: MIT */

/* What is counted, and how it is told: ws_stats, ws_metrics, ws_healthz and the
 * server's access function. */

#include "peer.h"

#include <stdatomic.h>

#include <silverback.h>

#include "mode.h"

static struct answer a;

/* ---- A server ----------------------------------------------------------- */

static void echo(ws_conn *c, void *arg)
{
    ws_message m;

    (void)arg;
    while (ws_read_message(c, &m) == 0)
        ws_write_message(c, m.type, m.data, m.len);
}

static void hello(ws_request *r, void *arg)
{
    (void)arg;
    ws_reply_text(r, 200, "hello\n");
}

static const ws_upgrader compressing = { .enable_compression = true };

static const ws_route routes[] = {
    { .path = "/echo", .socket = echo },
    { .path = "/small", .socket = echo, .upgrader = &compressing },
    { .path = "/hello", .handler = hello },
    { .path = "/metrics", .handler = ws_metrics },
    { .path = "/healthz", .handler = ws_healthz },
    { 0 },
};

static ws_listener *l;

static int start(void **state)
{
    (void)state;
    l = serve((ws_server){ .routes = routes });
    return 0;
}

static int stop(void **state)
{
    (void)state;
    return ws_listener_shutdown(l, ws_after(PATIENCE_S * 1000));
}

static ws_conn *dial(const char *path, bool compress)
{
    const ws_dialer d = { .enable_compression = compress };
    char url[128];
    ws_error err;

    snprintf(url, sizeof(url), "ws://%s%s", ws_listener_addr(l), path);
    ws_conn *c = ws_dial(&d, url, NULL, NULL, &err);
    if (!c)
        fail_msg("%s", err.text);
    return c;
}

/* ---- What is counted ---------------------------------------------------- */

static uint64_t count_of(const ws_listener *of, enum ws_counter what)
{
    uint64_t counts[WS_COUNTERS];

    assert_int_equal(ws_stats(of, counts, WS_COUNTERS), 0);
    return counts[what];
}

/* What others count, they count later than it is seen. */
static void expect_of(const ws_listener *of, enum ws_counter what, uint64_t n)
{
    int64_t until = ws_after(PATIENCE_S * 1000);

    while (count_of(of, what) != n && ws_now() < until)
        ws_sleep(1);
    assert_int_equal(count_of(of, what), n);
}

static void expect(enum ws_counter what, uint64_t n)
{
    expect_of(l, what, n);
}

static void say_hello(ws_conn *c, const char *text)
{
    ws_message m;

    assert_int_equal(ws_write_message(c, WS_TEXT, text, strlen(text)), 0);
    assert_int_equal(ws_read_message(c, &m), 0);
}

static void messages_are_counted(void **state)
{
    (void)state;
    ws_conn *c = dial("/echo", false);
    uint64_t before = count_of(NULL, WS_COUNT_BYTES_OUT);

    say_hello(c, "hello");
    say_hello(c, "worlds");
    expect(WS_COUNT_WEBSOCKETS, 1);
    expect(WS_COUNT_MESSAGES_IN, 2);
    expect(WS_COUNT_MESSAGES_OUT, 2);
    expect(WS_COUNT_BYTES_IN, 11);
    expect(WS_COUNT_BYTES_OUT, 11);
    expect(WS_COUNT_COMPRESSED_IN, 0);
    /* The client's own are the process's, not the listener's. */
    assert_true(count_of(NULL, WS_COUNT_BYTES_OUT) - before >= 22);
    ws_finish(c, 4000, "bye", ws_after(PATIENCE_S * 1000));
    ws_close(c);
    expect(WS_COUNT_OPENED, 1);
    expect(WS_COUNT_CLOSED_4XXX, 1);
    expect(WS_COUNT_WEBSOCKETS, 0);
}

static void so_are_pieces(void **state)
{
    (void)state;
    ws_conn *c = dial("/echo", false);
    ws_message m;

    assert_int_equal(ws_next_writer(c, WS_BINARY), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(ws_write(c, "abcd", 4), 0);
    assert_int_equal(ws_end_message(c), 0);
    assert_int_equal(ws_read_message(c, &m), 0);
    expect(WS_COUNT_MESSAGES_IN, 1);
    expect(WS_COUNT_BYTES_IN, 12);
    ws_close(c);
}

static void compressed_bytes_are_those_of_the_wire(void **state)
{
    (void)state;
    ws_conn *c = dial("/small", true);
    char text[4096];

    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    say_hello(c, text);
    expect(WS_COUNT_BYTES_IN, sizeof(text) - 1);
    expect(WS_COUNT_BYTES_OUT, sizeof(text) - 1);
    for (int i = 0; i < 2; i++) {
        uint64_t n = count_of(l, (enum ws_counter)(WS_COUNT_COMPRESSED_IN + i));
        assert_in_range(n, 5, 500);
    }
    ws_close(c);
}

static void pings_are_counted(void **state)
{
    (void)state;
    ws_conn *c = dial("/echo", false);

    ws_write_control(c, WS_PING, "?", 1, ws_after(PATIENCE_S * 1000));
    say_hello(c, "x");
    expect(WS_COUNT_PINGS_IN, 1);
    expect(WS_COUNT_PONGS_OUT, 1);
    ws_close(c);
}

static void ends_count_under_their_code(void **state)
{
    (void)state;
    static const struct {
        int code;
        enum ws_counter counter;
    } rows[] = {
        { 1000, WS_COUNT_CLOSED_1000 }, { 1001, WS_COUNT_CLOSED_1001 },
        { 3000, WS_COUNT_CLOSED_3XXX }, { 3999, WS_COUNT_CLOSED_3XXX },
        { 4999, WS_COUNT_CLOSED_4XXX }, { 1011, WS_COUNT_CLOSED_1011 },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        uint64_t before = count_of(l, rows[i].counter);
        ws_conn *c = dial("/echo", false);

        ws_finish(c, rows[i].code, NULL, ws_after(PATIENCE_S * 1000));
        ws_close(c);
        expect(rows[i].counter, before + 1);
    }
}

static void answers_count_under_their_class(void **state)
{
    (void)state;
    static const struct {
        const char *say;
        enum ws_counter counter;
    } rows[] = {
        { "GET /hello HTTP/1.1" SERVED "\r\n", WS_COUNT_RESPONSES_2XX },
        { "GET /nothing HTTP/1.1" SERVED "\r\n", WS_COUNT_RESPONSES_4XX },
        { "GET /echo HTTP/1.1" SERVED "\r\n", WS_COUNT_REFUSED_400 },
        { "nonsense\r\n\r\n", WS_COUNT_RESPONSES_4XX },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        uint64_t before = count_of(l, rows[i].counter);
        int fd = call(l);

        say(fd, rows[i].say);
        assert_true(hear(fd, &a));
        expect(rows[i].counter, before + 1);
        close(fd);
    }
    expect(WS_COUNT_ACCEPTED, COUNT(rows));
    expect(WS_COUNT_CONNECTIONS, 0);
}

static void who_is_turned_away_is_counted(void **state)
{
    (void)state;
    ws_listener *kept = l;
    int first, second;

    l = serve((ws_server){ .routes = routes, .max_connections = 1 });
    first = call(l);
    say(first, "GET /hello HTTP/1.1" SERVED "\r\n");
    assert_true(hear(first, &a));
    second = call(l);
    assert_true(hear(second, &a));
    assert_int_equal(a.status, 503);
    expect(WS_COUNT_TURNED_AWAY, 1);
    expect(WS_COUNT_ACCEPTED, 2);
    expect(WS_COUNT_CONNECTIONS, 1);
    close(first);
    close(second);
    assert_int_equal(ws_listener_shutdown(l, ws_after(PATIENCE_S * 1000)), 0);
    l = kept;
}

/* The process's count goes on when a listener is gone. */
static void what_was_counted_stays(void **state)
{
    (void)state;
    ws_listener *kept = l;
    uint64_t before = count_of(NULL, WS_COUNT_MESSAGES_IN);

    l = serve((ws_server){ .routes = routes });
    ws_conn *c = dial("/echo", false);
    say_hello(c, "x");
    ws_finish(c, 1000, NULL, ws_after(PATIENCE_S * 1000));
    ws_close(c);
    expect(WS_COUNT_MESSAGES_IN, 1);
    assert_int_equal(ws_listener_shutdown(l, ws_after(PATIENCE_S * 1000)), 0);
    l = kept;
    /* Its and ours. */
    assert_int_equal(count_of(NULL, WS_COUNT_MESSAGES_IN) - before, 2);
}

static void say_hello_and_leave(void *url)
{
    ws_conn *c = dial(url, false);

    say_hello(c, "x");
    ws_finish(c, 1000, NULL, ws_after(PATIENCE_S * 1000));
    ws_close(c);
}

/* Or a worker, of what a client did in it. */
static void so_does_what_a_client_counted(void **state)
{
    (void)state;
    uint64_t before = count_of(NULL, WS_COUNT_MESSAGES_OUT);
    ws_fiber *f = mode_go_elsewhere(say_hello_and_leave, "/echo");

    ws_join(f);
    expect_of(NULL, WS_COUNT_MESSAGES_OUT, before + 2); /* the server's, too */
}

/* The buffer is lent while a message is under way. */
static void what_is_there_now_is_counted(void **state)
{
    (void)state;
    ws_conn *c = dial("/echo", false);
    uint64_t fibers = count_of(NULL, WS_COUNT_FIBERS);
    ws_type type;

    expect_of(NULL, WS_COUNT_BUFFERS, 0);
    assert_int_equal(ws_write_text(c, "x"), 0);
    assert_int_equal(ws_next_reader(c, &type), 0);
    expect_of(NULL, WS_COUNT_BUFFERS, 1);
    if (!mode_is("threads"))
        assert_true(fibers > 0);
    ws_close(c);
}

static void misuse_gets_a_code(void **state)
{
    (void)state;
    uint64_t few[2] = { 7, 7 }, many[WS_COUNTERS + 3];

    assert_int_equal(ws_stats(l, NULL, 3), WS_ERR_INVALID);
    ws_healthz(NULL, NULL);
    ws_healthz(&(ws_request){ 0 }, NULL);
    ws_metrics(NULL, NULL);
    assert_int_equal(ws_stats(l, few, 1), 0);
    assert_int_equal(few[1], 7);
    memset(many, 1, sizeof(many));
    assert_int_equal(ws_stats(NULL, many, COUNT(many)), 0);
    for (size_t i = WS_COUNTERS; i < COUNT(many); i++)
        assert_int_equal(many[i], 0);
}

/* ---- For Prometheus ----------------------------------------------------- */

static void get(const char *path)
{
    char text[256];
    int fd = call(l);

    snprintf(text, sizeof(text), "GET %s HTTP/1.1" SERVED "\r\n", path);
    say(fd, text);
    assert_true(hear(fd, &a));
    close(fd);
}

/* The value of a line that begins with this; -1: there is none. */
static long value_of(const char *begin)
{
    const char *at = strstr(a.body, begin);

    return at ? strtol(at + strlen(begin), NULL, 10) : -1;
}

static void metrics_are_what_was_counted(void **state)
{
    (void)state;
    char begin[256];
    ws_conn *c = dial("/echo", false);

    say_hello(c, "five.");
    get("/metrics");
    assert_int_equal(a.status, 200);
    assert_string_equal(field_of(&a, "Content-Type"),
                        "text/plain; version=0.0.4; charset=utf-8");
    snprintf(begin, sizeof(begin),
             "\nsilverback_message_bytes_total{listener=\"%s\","
             "direction=\"in\"} ",
             ws_listener_addr(l));
    assert_int_equal(value_of(begin), 5);
    snprintf(begin, sizeof(begin), "\nsilverback_websockets{listener=\"%s\"} ",
             ws_listener_addr(l));
    assert_int_equal(value_of(begin), 1);
    assert_true(value_of("\nsilverback_message_bytes_total{listener=\"\","
                         "direction=\"out\"} ") >= 5);
    assert_non_null(strstr(a.body, "\n# TYPE silverback_websockets gauge\n"));
    assert_non_null(
        strstr(a.body, "\n# TYPE silverback_messages_total counter\n"));
    ws_close(c);
}

/* Whoever reads the metrics would refuse all of them for one byte. */
static void a_listeners_name_is_a_labels_value(void **state)
{
    (void)state;
    char addr[64], line[128];

    snprintf(addr, sizeof(addr), "unix:@stats %d \"\\\n\xff", (int)getpid());
    ws_listener *odd = serve((ws_server){ .addr = addr, .routes = routes });

    snprintf(line, sizeof(line),
             "\nsilverback_websockets{listener="
             "\"unix:@stats %d \\\"\\\\\\\\n\\\\xff\"} ",
             (int)getpid());
    get("/metrics");
    assert_int_equal(value_of(line), 0);
    assert_int_equal(ws_listener_shutdown(odd, 0), 0);
}

/* Each family stands in one place, begun by its words. */
static void each_family_stands_once(void **state)
{
    (void)state;
    char family[128] = "";
    size_t families = 0;

    get("/metrics");
    assert_int_equal(a.body[a.len - 1], '\n');
    for (char *line = strtok(a.body, "\n"); line; line = strtok(NULL, "\n")) {
        if (strncmp(line, "# HELP ", 7) == 0) {
            snprintf(family, sizeof(family), "%.*s",
                     (int)strcspn(line + 7, " "), line + 7);
            assert_true(strlen(line + 7) > strlen(family) + 1);
            families++;
        } else if (strncmp(line, "# TYPE ", 7) == 0) {
            assert_int_equal(strncmp(line + 7, family, strlen(family)), 0);
        } else {
            assert_int_equal(strncmp(line, family, strlen(family)), 0);
            assert_int_equal(line[strlen(family)], '{');
        }
    }
    assert_int_equal(families, 19);
}

static void health_is_ok(void **state)
{
    (void)state;
    get("/healthz");
    assert_int_equal(a.status, 200);
    assert_string_equal(a.body, "ok\n");
}

/* ---- The access function ------------------------------------------------ */

static ws_mutex access_lock;
static char lines[4096];

static void note(const ws_access *ac, void *arg)
{
    char line[512];

    assert_ptr_equal(arg, lines);
    snprintf(line, sizeof(line), "%s %s %d %d %llu %d\n",
             ac->request ? ac->request->method : "-",
             ac->request ? ac->request->target : "-", ac->status,
             ac->conn != NULL, (unsigned long long)ac->bytes,
             ac->conn ? ws_close_code(ac->conn) : 0);
    assert_true(ac->ms >= 0);
    assert_true(strncmp(ac->remote_addr, "127.0.0.1:", 10) == 0);
    ws_mutex_lock(&access_lock);
    strncat(lines, line, sizeof(lines) - strlen(lines) - 1);
    ws_mutex_unlock(&access_lock);
}

static bool has_line(const char *line)
{
    int64_t until = ws_after(PATIENCE_S * 1000);
    bool found = false;

    while (!found && ws_now() < until) {
        ws_mutex_lock(&access_lock);
        found = strstr(lines, line) != NULL;
        ws_mutex_unlock(&access_lock);
        if (!found)
            ws_sleep(1);
    }
    return found;
}

static void requests_and_connections_are_told_of(void **state)
{
    (void)state;
    ws_listener *kept = l;

    lines[0] = '\0';
    l = serve(
        (ws_server){ .routes = routes, .access = note, .access_arg = lines });
    get("/hello");
    assert_true(has_line("GET /hello 200 0 6 0\n"));
    get("/nothing?x");
    assert_true(has_line("GET /nothing?x 404 0 19 0\n"));
    int fd = call(l);
    say(fd, "nonsense\r\n\r\n");
    assert_true(hear(fd, &a));
    close(fd);
    assert_true(has_line("- - 400 0 "));
    ws_conn *c = dial("/echo", false);
    assert_true(has_line("GET /echo 101 1 0 0\n"));
    ws_finish(c, 4001, NULL, ws_after(PATIENCE_S * 1000));
    ws_close(c);
    assert_true(has_line("- - 0 1 0 4001\n"));

    fd = call(l); /* of whose address the kernel knows nothing at the end */
    say(fd, "GET /echo HTTP/1.1" SERVED "Connection: Upgrade\r\n"
            "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    assert_true(hear(fd, &a));
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){ .l_onoff = 1 },
               sizeof(struct linger));
    close(fd);
    assert_true(has_line("- - 0 1 0 1006\n"));
    assert_int_equal(ws_listener_shutdown(l, ws_after(PATIENCE_S * 1000)), 0);
    l = kept;
}

/* ---- Frames ------------------------------------------------------------- */

static ws_mutex trace_lock;
static char trace[4096];
static const ws_conn *traced;

static void set_event(void *event)
{
    ws_event_set(event);
}

/* A log function may wait for another fiber of its worker. */
static void others_have_a_turn(void)
{
    ws_event turn = { { 0 } };
    ws_fiber *f = ws_go(set_event, &turn);

    assert_int_equal(ws_event_wait(&turn, ws_after(PATIENCE_S * 1000)), 0);
    ws_join(f);
}

static void keep_frame(const ws_log_record *r, void *arg)
{
    const char *frame = strstr(r->fields, "event=frame direction=");

    (void)arg;
    if (strstr(r->fields, "direction=in"))
        others_have_a_turn();
    if (!frame || r->conn != traced)
        return;
    assert_int_equal(r->level, WS_LOG_DEBUG);
    assert_non_null(strstr(r->fields, ws_remote_addr(r->conn)));
    ws_mutex_lock(&trace_lock);
    strncat(trace, strstr(frame, "direction=") + 10, 3);
    strncat(trace, strstr(frame, " opcode="), 64);
    strcat(trace, "\n");
    ws_mutex_unlock(&trace_lock);
}

static void frames_are_traced(void **state)
{
    (void)state;
    ws_conn *c = dial("/small", true);

    trace[0] = '\0';
    traced = c;
    ws_set_log_records(keep_frame, NULL);
    say_hello(c, "before");
    ws_set_trace(c, true);
    ws_enable_write_compression(c, false);
    assert_int_equal(ws_next_writer(c, WS_TEXT), 0);
    assert_int_equal(ws_write(c, "12345", 5), 0);
    assert_int_equal(ws_flush(c), 0);
    assert_int_equal(ws_end_message(c), 0);
    ws_finish(c, 1000, NULL, ws_after(PATIENCE_S * 1000));
    ws_set_trace(c, false);
    ws_close(c);
    ws_set_log_records(NULL, NULL);
    assert_string_equal(trace, "out opcode=text fin=0 rsv1=0 length=5\n"
                               "out opcode=continuation fin=1 rsv1=0 length=0\n"
                               "out opcode=close fin=1 rsv1=0 length=2\n"
                               "in  opcode=text fin=1 rsv1=1 length=7\n"
                               "in  opcode=close fin=1 rsv1=0 length=2\n");
}

static void so_are_all_if_the_environment_says_so(void **state)
{
    (void)state;
    trace[0] = '\0';
    setenv("SILVERBACK_TRACE", "1", 1); /* for good: the server reads it, too */
    ws_conn *c = dial("/echo", false);
    traced = c;
    ws_set_log_records(keep_frame, NULL);
    say_hello(c, "five.");
    ws_close(c);
    ws_set_log_records(NULL, NULL);
    assert_string_equal(trace, "out opcode=text fin=1 rsv1=0 length=5\n"
                               "in  opcode=text fin=1 rsv1=0 length=5\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(messages_are_counted),
        TEST(so_are_pieces),
        TEST(compressed_bytes_are_those_of_the_wire),
        TEST(pings_are_counted),
        TEST(ends_count_under_their_code),
        TEST(answers_count_under_their_class),
        TEST(who_is_turned_away_is_counted),
        TEST(what_was_counted_stays),
        TEST(so_does_what_a_client_counted),
        TEST(what_is_there_now_is_counted),
        TEST(misuse_gets_a_code),
        TEST(metrics_are_what_was_counted),
        TEST(a_listeners_name_is_a_labels_value),
        TEST(each_family_stands_once),
        TEST(health_is_ok),
        TEST(requests_and_connections_are_told_of),
        TEST(frames_are_traced),
        TEST(so_are_all_if_the_environment_says_so),
    };

    return run_in_mode("stats", tests, NULL, NULL);
}
