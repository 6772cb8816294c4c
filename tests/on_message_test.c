/* SPDX-License-Identifier: MIT */

/* Connections whose messages a function is called for: in a fiber, in a thread
 * route, and over TLS. */

#include "test.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include <silverback.h>

#include "certs.h"
#include "echo.h"
#include "fiber/worker.h"
#include "peer.h"
#include "mode.h"
#include "conn/extras.h"
#include "conn/inbox.h"
#include "server/listener.h"
#include "conn/outbox.h"
#include "conn/write_error.h"

enum {
    PATIENCE_MS = PATIENCE_S * 1000,
    LARGE = 1024 * 1024,
};

/* ---- The server --------------------------------------------------------- */

/* How a connection is served. */
struct way {
    const char *scheme;
    const char *path;
    const ws_tls *tls;
};

static ws_tls server_tls, client_tls;

static const struct way in_fiber = { "ws", "/", NULL };
static const struct way in_thread = { "ws", "/thread", NULL };
static const struct way over_tls = { "wss", "/", &server_tls };
static const struct way *way;

static ws_listener *l;
static ws_upgrader upgrader;
static ws_message_fn fn; /* NULL: echo */
static void (*before)(ws_conn *c, ws_request *r);
static bool starved; /* of memory, while it takes the connection */
static void (*_Atomic after)(ws_conn *c); /* it was taken; or the last call */
static ws_conn *kept; /* the last one that was served, and a reference to it */

/* What has become of one of them. */
struct one {
    ws_conn *c;
    pthread_t thread; /* the handler's */
    atomic_int inside;
    atomic_bool over;
};

static struct one ones[64];

/* And of all. */
static struct {
    atomic_int begun;
    atomic_int calls; /* with a message */
    atomic_int ends;
    atomic_int overlaps;  /* began while another one ran */
    atomic_int late;      /* came after the end */
    atomic_int elsewhere; /* not in a fiber or thread, as it should have been */
    atomic_int error;
    atomic_int close_code;
} seen;

static ws_event taken, ended; /* one of them */

static void call_echo(ws_conn *c, ws_message *m, void *arg)
{
    (void)arg;
    ws_write_message(c, m->type, m->data, m->len);
}

static bool is_in_place(const struct one *o)
{
    if (way == &in_thread || l->host.server.threads)
        return !ws__in_fiber() && pthread_equal(pthread_self(), o->thread);
    return ws__in_fiber();
}

static void call_after(ws_conn *c)
{
    void (*fn_after)(ws_conn * c) = after;

    if (fn_after)
        fn_after(c);
}

static void note_end(ws_conn *c)
{
    seen.error = ws_conn_error(c)->code;
    seen.close_code = ws_close_code(c);
    atomic_fetch_add(&seen.ends, 1);
    ws_event_set(&ended);
}

static void called(ws_conn *c, ws_message *m, void *arg)
{
    struct one *o = arg;

    if (c != o->c || !is_in_place(o))
        atomic_fetch_add(&seen.elsewhere, 1);
    if (atomic_load(&o->over))
        atomic_fetch_add(&seen.late, 1);
    if (atomic_fetch_add(&o->inside, 1) != 0)
        atomic_fetch_add(&seen.overlaps, 1);
    if (m) {
        atomic_fetch_add(&seen.calls, 1);
        (fn ? fn : call_echo)(c, m, arg);
    }
    atomic_fetch_sub(&o->inside, 1);
    if (m)
        return;
    call_after(c);
    atomic_store(&o->over, true);
    note_end(c);
}

static int take(ws_conn *c)
{
    struct one *o = &ones[atomic_fetch_add(&seen.begun, 1)];

    o->c = c;
    o->thread = pthread_self();
    int error = ws_on_message(c, called, o);
    if (error != 0)
        atomic_fetch_sub(&seen.begun, 1);
    ws_event_set(&taken);
    return error;
}

static void handler(ws_request *r, void *arg)
{
    ws_conn *c = ws_upgrade(&upgrader, r, NULL);

    (void)arg;
    if (!c)
        return;
    ws_unref(kept);
    kept = ws_ref(c);
    if (before)
        before(c, r);
    alloc_fail_here(starved);
    int error = take(c);
    alloc_fail_here(false);
    if (error != 0)
        ws_close(c);
    else
        call_after(c);
}

static const ws_route routes[] = {
    { .path = "/", .handler = handler },
    { .path = "/thread", .handler = handler, .thread = true },
    { .path = "/beside", .socket = echo },
    { 0 },
};

static int start(void **state)
{
    way = *state;
    memset(&seen, 0, sizeof(seen));
    memset(ones, 0, sizeof(ones));
    upgrader = (ws_upgrader){ 0 };
    fn = NULL;
    before = NULL;
    starved = false;
    after = (void (*)(ws_conn *)){ NULL };
    ws_event_clear(&taken);
    ws_event_clear(&ended);
    l = serve((ws_server){ .routes = routes, .tls = way->tls });
    return 0;
}

/* Whatever a test was about: each end is told once, and last. */
static int stop(void **state)
{
    (void)state;
    if (l)
        assert_int_equal(ws_listener_shutdown(l, ws_after(PATIENCE_MS)), 0);
    ws_unref(kept);
    kept = NULL;
    assert_int_equal(seen.ends, seen.begun);
    assert_int_equal(seen.overlaps, 0);
    assert_int_equal(seen.late, 0);
    assert_int_equal(seen.elsewhere, 0);
    return 0;
}

/* ---- Clients ------------------------------------------------------------ */

static void wait_for(ws_event *e)
{
    assert_int_equal(ws_event_wait(e, ws_after(PATIENCE_MS)), 0);
    ws_event_clear(e);
}

static void wait_for_end(void)
{
    wait_for(&ended);
}

static ws_conn *dial_to(const char *path, ws_dialer d)
{
    char url[128];
    ws_error err;

    d.tls = &client_tls;
    snprintf(url, sizeof(url), "%s://%s%s", way->scheme, ws_listener_addr(l),
             path);
    ws_conn *c = ws_dial(&d, url, NULL, NULL, &err);
    if (!c)
        fail_msg("%s", err.text);
    ws_set_read_deadline(c, ws_after(PATIENCE_MS));
    ws_set_write_deadline(c, ws_after(PATIENCE_MS));
    return c;
}

/* The handler has done its part. */
static ws_conn *dial_as(ws_dialer d)
{
    ws_conn *c = dial_to(way->path, d);

    wait_for(&taken);
    return c;
}

static ws_conn *dial(void)
{
    return dial_as((ws_dialer){ 0 });
}

static void expect_text(ws_conn *c, const char *text)
{
    ws_message m;

    assert_int_equal(ws_read_message(c, &m), 0);
    assert_string_equal(m.data, text);
}

static void ask_echo(ws_conn *c, const char *text)
{
    assert_int_equal(ws_write_text(c, text), 0);
    expect_text(c, text);
}

/* Without a client of ours: what follows the handshake may be anything. */
static int call_raw(const char *follows, size_t n)
{
    static struct answer a;
    char request[512];
    int len = snprintf(request, sizeof(request),
                       "GET %s HTTP/1.1" SERVED "Connection: Upgrade\r\n"
                       "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                       way->path);
    int fd = call(l);

    memcpy(request + len, follows, n);
    say_n(fd, request, (size_t)len + n);
    assert_true(hear_head(fd, &a));
    assert_int_equal(a.status, 101);
    wait_for(&taken);
    return fd;
}

static void expect_bytes(int fd, const char *bytes, size_t n)
{
    char got[64];
    size_t at = 0;

    assert_true(n <= sizeof(got));
    while (at < n) {
        ssize_t r = hear_some(fd, got + at, n - at);
        assert_true(r > 0);
        at += (size_t)r;
    }
    assert_memory_equal(got, bytes, n);
}

/* ---- Order -------------------------------------------------------------- */

static void a_burst_keeps_its_order(void **state)
{
    (void)state;
    enum { MANY = 1000 };
    char want[16];
    ws_conn *c = dial();

    for (int i = 0; i < MANY; i++)
        assert_int_equal(ws_writef(c, "%d", i), 0);
    for (int i = 0; i < MANY; i++) {
        snprintf(want, sizeof(want), "%d", i);
        expect_text(c, want);
    }
    ws_close(c);
    wait_for_end();
    assert_int_equal(seen.calls, MANY);
}

static int wait_elsewhere(void *event)
{
    return ws_event_wait(event, ws_after(1));
}

static void wait_then_echo(ws_conn *c, ws_message *m, void *arg)
{
    ws_event never = { { NULL } };

    switch (m->data[0] % 3) {
    case 0:
        ws_sleep(1);
        break;
    case 1:
        ws_blocking(wait_elsewhere, &never);
        break;
    default:
        ws_yield();
    }
    call_echo(c, m, arg);
}

static void a_function_that_waits_is_not_called_meanwhile(void **state)
{
    (void)state;
    char text[2] = "";
    ws_conn *c = dial();

    fn = wait_then_echo;
    for (text[0] = 'a'; text[0] <= 'z'; text[0]++)
        assert_int_equal(ws_write_text(c, text), 0);
    for (text[0] = 'a'; text[0] <= 'z'; text[0]++)
        expect_text(c, text);
    ws_close(c);
}

/* Answers each message that it reads itself, so that each is waited for. */
static void read_on(ws_conn *c, ws_message *m, void *arg)
{
    ws_type type;
    ws_message more;
    char piece[16] = "";

    call_echo(c, m, arg);
    if (ws_read_message(c, &more) == 0)
        ws_writef(c, "own %s", more.data);
    if (ws_next_reader(c, &type) == 0 && ws_read(c, piece, 2) > 0)
        ws_writef(c, "piece %s", piece);
}

/* The rest of a message that is read in pieces is skipped, also when the whole
 * of it comes only later. */
static void a_function_may_read_on(void **state)
{
    (void)state;
    ws_conn *c = dial();

    fn = read_on;
    for (int i = 0; i < 3; i++) {
        ask_echo(c, "first");
        assert_int_equal(ws_write_text(c, "second"), 0);
        expect_text(c, "own second");
        assert_int_equal(ws_next_writer(c, WS_TEXT), 0);
        assert_int_equal(ws_write(c, "third", 5), 0);
        assert_int_equal(ws_flush(c), 0);
        expect_text(c, "piece th");
        assert_int_equal(ws_write(c, "rest", 4), 0);
        assert_int_equal(ws_end_message(c), 0);
    }
    ws_close(c);
    wait_for_end();
    assert_int_equal(seen.calls, 3);
}

/* ---- What comes in part ------------------------------------------------- */

/* A masked "Hello" (RFC 6455, section 5.7), the same in two fragments with a
 * ping between them, and the answers. */
#define HELLO "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"
#define PARTS "\x01\x83\0\0\0\0Hel\x89\x81\0\0\0\0!\x80\x82\0\0\0\0lo"
#define SAID "\x81\x05Hello"
#define PONG "\x8a\x01!"

/* The server had its turn with what came before: one worker by all means. */
static void let_it_look(ws_conn *beside)
{
    ask_echo(beside, "look");
}

static void bytes_may_come_one_by_one(void **state)
{
    (void)state;
    static const char bytes[] = HELLO PARTS HELLO;
    ws_conn *beside = dial_to("/beside", (ws_dialer){ 0 });
    int fd = call_raw("", 0);

    for (size_t i = 0; i < sizeof(bytes) - 1; i++) {
        say_n(fd, bytes + i, 1);
        let_it_look(beside);
    }
    expect_bytes(fd, SAID PONG SAID SAID, sizeof(SAID PONG SAID SAID) - 1);
    close(fd);
    ws_close(beside);
    wait_for_end();
    assert_int_equal(seen.calls, 3);
}

static void fragments_may_come_one_by_one(void **state)
{
    (void)state;
    ws_conn *beside = dial_to("/beside", (ws_dialer){ 0 });
    ws_conn *c = dial();

    for (int i = 0; i < 3; i++) {
        assert_int_equal(ws_next_writer(c, WS_TEXT), 0);
        for (const char *p = "slowly"; *p; p++) {
            assert_int_equal(ws_write(c, p, 1), 0);
            assert_int_equal(ws_flush(c), 0);
            let_it_look(beside);
        }
        assert_int_equal(ws_end_message(c), 0);
        expect_text(c, "slowly");
    }
    ws_close(c);
    ws_close(beside);
}

static void what_came_with_the_request_is_first(void **state)
{
    (void)state;
    static const char bytes[] = HELLO PARTS;
    const size_t len = sizeof(bytes) - 1;

    for (size_t n = 0; n <= len; n++) {
        int fd = call_raw(bytes, n);

        say_n(fd, bytes + n, len - n);
        expect_bytes(fd, SAID PONG SAID, sizeof(SAID PONG SAID) - 1);
        close(fd);
        wait_for_end();
    }
}

static char *make_text(size_t n, bool random)
{
    char *p = malloc(n + 1);
    unsigned x = 1;

    assert_non_null(p);
    for (size_t i = 0; i < n; i++) {
        x = x * 1103515245 + 12345;
        p[i] =
            random ? (char)(' ' + (x >> 16) % 64) : (char)('a' + i / 99 % 26);
    }
    p[n] = '\0';
    return p;
}

struct sending {
    ws_conn *c;
    const char *text;
    size_t n;
    int result;
};

static void send_large(void *sending)
{
    struct sending *s = sending;

    s->result = ws_write_message(s->c, WS_TEXT, s->text, s->n);
}

/* Both ends write at once, so the client needs a fiber to write in. */
static void exchange_large(ws_conn *c, size_t n, bool random)
{
    char *text = make_text(n, random);
    struct sending s = { c, text, n, -1 };
    ws_message m;
    ws_fiber *f = ws_go(send_large, &s);

    assert_int_equal(ws_read_message(c, &m), 0);
    assert_int_equal(m.len, n);
    assert_memory_equal(m.data, text, n);
    ws_join(f);
    assert_int_equal(s.result, 0);
    free(text);
}

static void messages_may_be_large_and_compressed(void **state)
{
    (void)state;
    static const size_t sizes[] = { 0, 1, 125, 70000, LARGE };

    for (int takeover = 0; takeover <= 10; takeover += 10)
        for (int on = 0; on < 2; on++) {
            upgrader.enable_compression = true;
            upgrader.context_takeover_bits = takeover;
            ws_conn *c =
                dial_as((ws_dialer){ .enable_compression = on == 1,
                                     .context_takeover_bits = takeover });
            for (size_t i = 0; i < COUNT(sizes); i++) {
                exchange_large(c, sizes[i], false);
                exchange_large(c, sizes[i], true);
            }
            ws_close(c);
            wait_for_end();
        }
}

/* ---- The end ------------------------------------------------------------ */

static void obey(ws_conn *c, ws_message *m, void *arg)
{
    if (strcmp(m->data, "shutdown") == 0)
        ws_shutdown(c);
    else if (strcmp(m->data, "deadline") == 0)
        ws_set_read_deadline(c, ws_after(20));
    else if (strcmp(m->data, "finish") == 0)
        (void)ws_finish(c, WS_CLOSE_GOING_AWAY, NULL, ws_after(PATIENCE_MS));
    else
        call_echo(c, m, arg);
}

static void say_goodbye(ws_conn *c)
{
    ws_write_close(c, WS_CLOSE_POLICY, "enough");
}

static void send_bad_text(ws_conn *c)
{
    ws_write_text(c, "\xff");
}

static void send_too_much(ws_conn *c)
{
    char text[200] = "";

    ws_write_message(c, WS_BINARY, text, sizeof(text));
}

static void order_shutdown(ws_conn *c)
{
    ws_write_text(c, "shutdown");
}

static void order_deadline(ws_conn *c)
{
    ws_write_text(c, "deadline");
}

static void order_finish(ws_conn *c)
{
    ws_message m;
    int error = ws_write_text(c, "finish");

    while (error == 0)
        error = ws_read_message(c, &m);
    assert_int_equal(error, WS_ERR_CLOSED);
}

static void *shut_down_kept(void *arg)
{
    ws_shutdown(kept);
    return arg;
}

static void shut_down_from_a_thread(ws_conn *c)
{
    pthread_t t;

    (void)c;
    assert_int_equal(pthread_create(&t, NULL, shut_down_kept, NULL), 0);
    pthread_join(t, NULL);
}

static void every_end_is_told_once_with_its_reason(void **state)
{
    (void)state;
    static const struct {
        void (*bring)(ws_conn *c);
        int error;
        int close_code;
    } rows[] = {
        { say_goodbye, WS_ERR_CLOSED, WS_CLOSE_POLICY },
        { ws_shutdown, WS_ERR_EOF, WS_CLOSE_ABNORMAL },
        { send_bad_text, WS_ERR_UTF8, WS_CLOSE_ABNORMAL },
        { send_too_much, WS_ERR_TOO_BIG, WS_CLOSE_ABNORMAL },
        { order_shutdown, WS_ERR_CANCELED, WS_CLOSE_ABNORMAL },
        { order_deadline, WS_ERR_TIMEOUT, 0 },
        { order_finish, WS_ERR_CLOSED, WS_CLOSE_GOING_AWAY },
        { shut_down_from_a_thread, WS_ERR_CANCELED, WS_CLOSE_ABNORMAL },
    };

    fn = obey;
    upgrader.read_limit = 100;
    for (size_t i = 0; i < COUNT(rows); i++)
        for (int busy = 0; busy < 2; busy++) {
            ws_conn *c = dial();

            if (busy)
                ws_write_text(c, "and an answer that nobody reads");
            else
                ask_echo(c, "idle");
            rows[i].bring(c);
            wait_for_end();
            ws_close(c);
            /* What cannot be written any more may be found out first. */
            if (!busy || rows[i].bring != ws_shutdown)
                assert_int_equal(seen.error, rows[i].error);
            assert_int_equal(seen.close_code, rows[i].close_code);
        }
    assert_int_equal(seen.ends, 2 * COUNT(rows));
}

/* ---- A close that is not its to make ------------------------------------ */

static atomic_int misuses;

static void count_misuse(const ws_log_record *record, void *arg)
{
    (void)arg;
    if (strstr(record->fields, "event=misuse") && record->conn)
        atomic_fetch_add(&misuses, 1);
}

static void expect_misuses(int n)
{
    assert_int_equal(misuses, n);
    misuses = 0;
    ws_set_log_records(NULL, NULL);
}

/* The connection is as usable as it was until the function returns. */
static void close_it_twice(ws_conn *c, ws_message *m, void *arg)
{
    (void)m, (void)arg;
    ws_write_text(c, "before");
    ws_close(c);
    ws_write_text(c, "after");
    ws_write_close(c, WS_CLOSE_GOING_AWAY, NULL);
    ws_close(c);
}

static void a_close_in_the_function_is_made_when_it_returns(void **state)
{
    (void)state;
    ws_message m;

    ws_set_log_records(count_misuse, NULL);
    fn = close_it_twice;
    ws_conn *c = dial();
    ws_write_text(c, "close");
    ws_write_text(c, "not called for");
    expect_text(c, "before");
    expect_text(c, "after");
    assert_int_equal(ws_read_message(c, &m), WS_ERR_CLOSED);
    wait_for_end();
    assert_int_equal(seen.error, WS_ERR_CANCELED);
    assert_int_equal(seen.calls, 1);
    ws_close(c);
    expect_misuses(1);
}

static void a_close_in_the_last_call_is_one_too_many(void **state)
{
    (void)state;
    ws_set_log_records(count_misuse, NULL);
    ws_conn *c = dial();
    ask_echo(c, "taken");
    after = ws_close;
    ws_close(c);
    wait_for_end();
    expect_misuses(1);
}

static void write_and_close(ws_conn *c)
{
    if (misuses == 0) /* in the handler, that is */
        ws_write_text(c, "before");
    ws_close(c);
}

static void a_close_in_the_handler_is_made_when_that_returns(void **state)
{
    (void)state;
    ws_message m;

    ws_set_log_records(count_misuse, NULL);
    after = write_and_close;
    ws_conn *c = dial();
    expect_text(c, "before");
    assert_int_equal(ws_read_message(c, &m), WS_ERR_EOF);
    wait_for_end();
    assert_int_equal(seen.error, WS_ERR_CANCELED);
    assert_int_equal(seen.calls, 0);
    ws_close(c);
    expect_misuses(1);
}

static void *close_kept(void *arg)
{
    ws_close(kept);
    return arg;
}

static void a_close_from_elsewhere_is_a_shutdown(void **state)
{
    (void)state;
    pthread_t t;

    ws_set_log_records(count_misuse, NULL);
    ws_conn *c = dial();
    ask_echo(c, "idle");
    assert_int_equal(pthread_create(&t, NULL, close_kept, NULL), 0);
    pthread_join(t, NULL);
    wait_for_end();
    assert_int_equal(seen.error, WS_ERR_CANCELED);
    ws_close(c);
    expect_misuses(1);
}

static ws_event reads_on; /* the function */

static void wait_to_read_on(ws_conn *c, ws_message *m, void *arg)
{
    (void)arg;
    ws_event_wait(&reads_on, 0);
    ws_write_message(c, m->type, m->data, m->len);
}

/* Nobody reads in between, or the function is under way; what has come is read
 * before, also what TLS has decrypted already. */
static void what_fails_without_a_caller_is_an_end(void **state)
{
    (void)state;
    ws_event_clear(&reads_on);
    fn = wait_to_read_on;
    ws_conn *c = dial();
    ws_event_set(&reads_on);
    ask_echo(c, "idle");
    ws__write_fail_untold(kept, -ENOBUFS);
    wait_for_end();
    assert_int_equal(seen.error, -ENOBUFS);
    assert_int_equal(seen.calls, 1);
    ws_close(c);

    ws_event_clear(&reads_on);
    c = dial();
    for (int i = 0; i < 3; i++)
        assert_int_equal(ws_write_text(c, "under way"), 0);
    assert_int_equal(ws_flush(c), 0);
    for (int64_t limit = ws_after(PATIENCE_MS);
         seen.calls < 2 || ws_buffered(c) > 0; ws_sleep(1))
        assert_true(ws_now() < limit);
    ws__write_fail_untold(kept, -ENOBUFS);
    ws_event_set(&reads_on);
    wait_for_end();
    assert_int_equal(seen.error, -ENOBUFS);
    assert_int_equal(seen.calls, 4);
    ws_close(c);
}

static int close_in_handler(ws_conn *c, const char *data, size_t len, void *arg)
{
    (void)data, (void)len, (void)arg;
    ws_close(c);
    return 0;
}

static void close_by_ping(ws_conn *c, ws_request *r)
{
    (void)r;
    ws_set_ping_handler(c, close_in_handler, NULL);
}

/* Nothing else comes that would have the function called. */
static void a_close_in_a_handler_of_control_frames_is_a_shutdown(void **state)
{
    (void)state;
    ws_set_log_records(count_misuse, NULL);
    upgrader.ping_interval_ms = -1;
    before = close_by_ping;
    ws_conn *c = dial();
    assert_int_equal(ws_write_control(c, WS_PING, "p", 1, 0), 0);
    wait_for_end();
    assert_int_equal(seen.error, WS_ERR_CANCELED);
    ws_close(c);
    expect_misuses(1);
}

static void close_it_first(ws_conn *c, ws_request *r)
{
    (void)r;
    ws_close(c);
}

/* There is still a reference to it.  The handler's second close is refused. */
static void what_is_closed_is_not_taken(void **state)
{
    (void)state;
    ws_message m;

    ws_set_log_records(count_misuse, NULL);
    before = close_it_first;
    ws_conn *c = dial();
    assert_int_equal(ws_read_message(c, &m), WS_ERR_EOF);
    ws_close(c);
    assert_int_equal(ws_listener_shutdown(l, ws_after(PATIENCE_MS)), 0);
    l = NULL;
    assert_int_equal(seen.begun, 0);
    expect_misuses(1);
}

static void a_protocol_error_and_an_end_without_a_word_are_ends(void **state)
{
    (void)state;
    int fd = call_raw("\x83\x80\0\0\0\0", 6); /* an opcode that there is not */

    wait_for_end();
    assert_int_equal(seen.error, WS_ERR_PROTOCOL);
    expect_bytes(fd, "\x88", 1);
    close(fd);

    close(call_raw("\x81", 1));
    wait_for_end();
    assert_int_equal(seen.error, WS_ERR_EOF);
}

/* The pings are not answered. */
static void a_peer_that_falls_silent_is_dead(void **state)
{
    (void)state;
    upgrader.ping_interval_ms = 20;
    int fd = call_raw(HELLO, sizeof(HELLO) - 1);

    expect_bytes(fd, SAID "\x89\0", sizeof(SAID "\x89\0") - 1);
    wait_for_end();
    assert_int_equal(seen.error, WS_ERR_DEAD);
    expect_bytes(fd, "\x88", 1);
    close(fd);
}

static void set_short_window(ws_conn *c, ws_request *r)
{
    (void)r;
    ws__extras_own(c)->rate_window_ms = 20;
}

static void a_message_that_does_not_go_on_ends(void **state)
{
    (void)state;
    before = set_short_window;
    int fd = call_raw("\x01\x85\0\0\0\0Hello", 11);

    expect_bytes(fd, "\x88", 1);
    wait_for_end();
    assert_int_equal(seen.error, WS_ERR_SLOW);
    close(fd);
}

static int count_ping(ws_conn *c, const char *data, size_t len, void *arg)
{
    int *left = arg;

    if (--*left == 0)
        return WS_ERR_CANCELED;
    return ws_write_control(c, WS_PONG, data, len, ws_after(PATIENCE_MS));
}

static void a_peer_that_answers_pings_lives(void **state)
{
    (void)state;
    ws_message m;
    int left = 4;

    upgrader.ping_interval_ms = 250;
    ws_conn *c = dial();
    ask_echo(c, "hello");
    ws_set_ping_handler(c, count_ping, &left);
    assert_int_equal(ws_read_message(c, &m), WS_ERR_CANCELED);
    assert_int_equal(seen.ends, 0);
    ws_close(c);
    wait_for_end();
    assert_int_equal(seen.error, WS_ERR_EOF);
}

static void set_deadline(ws_conn *c, ws_request *r)
{
    (void)r;
    ws_set_read_deadline(c, ws_after(20));
}

static void a_deadline_of_the_handlers_holds(void **state)
{
    (void)state;
    before = set_deadline;
    ws_conn *c = dial();

    wait_for_end();
    assert_int_equal(seen.error, WS_ERR_TIMEOUT);
    assert_int_equal(seen.calls, 0);
    ws_close(c);
}

static void shut_down_before(ws_conn *c, ws_request *r)
{
    (void)r;
    ws_shutdown(c);
}

static void one_that_is_over_already_ends_at_once(void **state)
{
    (void)state;
    before = shut_down_before;
    ws_conn *c = dial();

    wait_for_end();
    assert_int_equal(seen.error, WS_ERR_CANCELED);
    ws_close(c);
}

static void stop_server(void *result)
{
    *(int *)result = ws_listener_shutdown(l, ws_after(PATIENCE_MS));
    l = NULL;
}

static void the_servers_shutdown_says_1001_and_waits(void **state)
{
    (void)state;
    enum { SOME = 5 };
    ws_conn *c[SOME];
    ws_message m;
    int result = -1;

    for (int i = 0; i < SOME; i++) {
        c[i] = dial();
        ask_echo(c[i], "idle");
    }
    ws_fiber *f = ws_go(stop_server, &result);
    for (int i = 0; i < SOME; i++) {
        assert_int_equal(ws_read_message(c[i], &m), WS_ERR_CLOSED);
        assert_int_equal(ws_close_code(c[i]), WS_CLOSE_GOING_AWAY);
    }
    for (int i = 0; i < SOME; i++)
        ws_close(c[i]);
    ws_join(f);
    assert_int_equal(result, 0);
    assert_int_equal(seen.ends, SOME);
    assert_int_equal(seen.error, WS_ERR_CLOSED);
}

static void a_shutdown_breaks_who_does_not_answer(void **state)
{
    (void)state;
    ws_conn *c = dial();

    ask_echo(c, "idle");
    assert_int_equal(ws_listener_shutdown(l, 1), 0);
    l = NULL;
    assert_int_equal(seen.ends, 1);
    assert_int_equal(seen.error, WS_ERR_CANCELED);
    ws_close(c);
}

/* ---- In the wrong place ------------------------------------------------- */

static int refused[6];

static void from_another_fiber(void *result)
{
    *(int *)result = ws_on_message(kept, called, ones);
}

static int from_a_helper(void *c)
{
    return ws_on_message(c, called, ones);
}

static void try_all_that_is_wrong(ws_conn *c, ws_request *r)
{
    ws_conn *other;
    int fds[2];

    (void)r;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    other = ws_adopt(fds[0], NULL, NULL);
    refused[0] = ws_on_message(NULL, called, ones);
    refused[1] = ws_on_message(c, NULL, &seen);
    refused[2] = ws_on_message(other, called, ones);
    ws_join(ws_go(from_another_fiber, &refused[3]));
    /* In a thread ws_blocking is a plain call. */
    refused[4] =
        ws__in_fiber() ? ws_blocking(from_a_helper, c) : WS_ERR_INVALID;
    ws_close(other);
    close(fds[1]);
}

static void try_it_twice(ws_conn *c, ws_message *m, void *arg)
{
    refused[5] = ws_on_message(c, called, arg);
    call_echo(c, m, arg);
}

static void it_is_for_the_handler_of_the_connection(void **state)
{
    (void)state;
    memset(refused, 0, sizeof(refused));
    before = try_all_that_is_wrong;
    fn = try_it_twice;
    ws_conn *c = dial();

    ask_echo(c, "it goes on");
    assert_int_equal(ws_on_message(c, called, ones), WS_ERR_INVALID);
    ws_close(c);
    for (size_t i = 0; i < COUNT(refused); i++)
        assert_int_equal(refused[i], WS_ERR_INVALID);
}

static void take_it_twice(ws_request *r, void *result)
{
    ws_conn *c = ws_upgrade(NULL, r, NULL);

    if (take(c) == 0)
        *(int *)result = ws_on_message(c, called, &ones[0]);
}

static void take_what_is_the_servers(ws_conn *c, void *result)
{
    *(int *)result = ws_on_message(c, called, ones);
    ws_write_text(c, "mine");
}

/* A socket is closed by the server that calls it. */
static void twice_or_in_a_socket_is_wrong_too(void **state)
{
    (void)state;
    int twice = 0, sockets = 0;
    ws_message m;
    const ws_route own[] = {
        { .path = "/", .handler = take_it_twice, .arg = &twice },
        { .path = "/thread",
          .handler = take_it_twice,
          .arg = &twice,
          .thread = true },
        { .path = "/socket",
          .socket = take_what_is_the_servers,
          .arg = &sockets },
        { 0 },
    };
    ws_listener *first = l;

    l = serve((ws_server){ .routes = own, .tls = way->tls });
    ws_conn *c = dial();
    ask_echo(c, "once");
    ws_close(c);
    wait_for_end();
    c = dial_to("/socket", (ws_dialer){ 0 });
    expect_text(c, "mine");
    assert_int_equal(ws_read_message(c, &m), WS_ERR_CLOSED);
    assert_int_equal(ws_close_code(c), WS_CLOSE_NORMAL);
    ws_close(c);
    assert_int_equal(ws_listener_shutdown(l, ws_after(PATIENCE_MS)), 0);
    l = first;
    assert_int_equal(twice, WS_ERR_INVALID);
    assert_int_equal(sockets, WS_ERR_INVALID);
}

/* A peer that stops within a message soon holds no more of our memory than it
 * has sent; what the workers' pools keep is not its. */
static void a_message_that_does_not_come_needs_little(void **state)
{
    (void)state;
    enum { PEERS = 64, BUFFER = 128 * 1024, POOLS = 2 * 16 * BUFFER };
    static const char begun[] = HELLO "\x82\xff\0\0\0\0\0\1\0\0\0\0\0\0some";
    int fds[PEERS];
    long at_first = alloc_live_bytes();
    int64_t limit = ws_after(PATIENCE_MS);

    for (size_t i = 0; i < COUNT(fds); i++) {
        fds[i] = call_raw("", 0);
        say_n(fds[i], begun, sizeof(begun) - 1);
        expect_bytes(fds[i], SAID, sizeof(SAID) - 1);
    }
    while (alloc_live_bytes() - at_first > POOLS + PEERS * BUFFER / 8 &&
           ws_now() < limit)
        ws_yield();
    assert_true(ws_now() < limit);
    for (size_t i = 0; i < COUNT(fds); i++)
        close(fds[i]);
}

/* ---- Without memory ----------------------------------------------------- */

static void to_be_called_takes_no_memory(void **state)
{
    (void)state;
    starved = true;
    ws_conn *c = dial();

    ask_echo(c, "works");
    ws_close(c);
}

/* It is answered, which may need memory that it does not get, or it ends, which
 * stop looks at. */
static void every_failed_allocation_is_survived(void **state)
{
    (void)state;
    char got[sizeof(SAID) - 1];

    fn = echo_one;
    upgrader.enable_compression = true;
    for (long n = 1; n < 12; n++) {
        int fd = call_raw("", 0);

        alloc_fail_at(n);
        say_n(fd, HELLO, sizeof(HELLO) - 1);
        (void)hear_some(fd, got, sizeof(got));
        alloc_fail_at(0);
        close(fd);
        wait_for_end();
    }
}

static ws_event release;
static atomic_int waiting;

static void wait_for_release(ws_request *r, void *arg)
{
    (void)arg;
    atomic_fetch_add(&waiting, 1);
    ws_event_wait(&release, 0);
    ws_reply_text(r, 200, "late");
}

/* As many stacks as there are in a slab, all of them in use. */
static void a_message_waits_for_memory_for_a_stack(void **state)
{
    (void)state;
    enum { STACKS = 64 };
    static const ws_route own[] = {
        { .path = "/", .handler = handler },
        { .path = "/wait", .handler = wait_for_release },
        { 0 },
    };
    const ws_server few = { .addr = "127.0.0.1:0",
                            .routes = own,
                            .workers = 1,
                            .stack_size = 208 * 1024 };
    int64_t limit = ws_after(PATIENCE_MS);
    int fds[STACKS - 1];
    ws_listener *first = l;

    ws_event_clear(&release);
    atomic_store(&waiting, 0);
    l = ws_listen(&few, NULL);
    assert_non_null(l);
    int fd = call_raw(HELLO, sizeof(HELLO) - 1);
    expect_bytes(fd, SAID, sizeof(SAID) - 1);
    for (size_t i = 0; i < COUNT(fds); i++) {
        fds[i] = call(l);
        say(fds[i], "GET /wait HTTP/1.1" SERVED "\r\n");
    }
    while (atomic_load(&waiting) < (int)COUNT(fds) && ws_now() < limit)
        ws_yield();
    alloc_fail_from(1);
    say_n(fd, HELLO, sizeof(HELLO) - 1);
    while (!alloc_failed() && ws_now() < limit)
        ws_yield();
    alloc_fail_at(0);
    expect_bytes(fd, SAID, sizeof(SAID) - 1);
    ws_event_set(&release);
    close(fd);
    for (size_t i = 0; i < COUNT(fds); i++)
        close(fds[i]);
    assert_int_equal(ws_listener_shutdown(l, ws_after(PATIENCE_MS)), 0);
    l = first;
}

/* ---- Writing ------------------------------------------------------------ */

/* With little room for what the server sends. */
static int call_narrow(const char *host, const char *port, int64_t deadline,
                       void *arg)
{
    const int little = 4096;
    struct sockaddr_in in = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)strtol(port, NULL, 10)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)host;
    (void)deadline;
    (void)arg;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &little, sizeof(little));
    assert_int_equal(connect(fd, (struct sockaddr *)&in, sizeof(in)), 0);
    return fd;
}

static void narrow(ws_conn *c, ws_request *r)
{
    const int little = 4096;

    (void)r;
    setsockopt(ws_fd(c), SOL_SOCKET, SO_SNDBUF, &little, sizeof(little));
}

struct pongs {
    int last;
    int wanted;
};

static int note_pong(ws_conn *c, const char *data, size_t len, void *arg)
{
    struct pongs *p = arg;

    (void)c;
    (void)len;
    p->last = (int)strtol(data, NULL, 10);
    return p->last == p->wanted ? WS_ERR_CANCELED : 0;
}

/* Pings whose answers are not read, until one could not be sent.  Returns the
 * number of the last. */
static int ping_until_full(ws_conn *c)
{
    char data[100] = "";
    int n = 0;

    while (!ws__outbox_has_unsent(kept)) {
        snprintf(data, sizeof(data), "%099d", ++n);
        assert_int_equal(ws_write_control(c, WS_PING, data, sizeof(data) - 1,
                                          ws_after(PATIENCE_MS)),
                         0);
        ws_yield();
    }
    return n;
}

static ws_conn *dial_narrow(void)
{
    before = narrow;
    ws_conn *c = dial_as((ws_dialer){ .connect = call_narrow });

    ask_echo(c, "hello");
    return c;
}

/* ---- While its fiber runs ----------------------------------------------- */

#define GOT "\x81\x03got"

static int gap_fd;

static void say_got(ws_conn *c, ws_message *m, void *arg)
{
    (void)m;
    (void)arg;
    ws_write_text(c, "got");
}

/* In between, as soon as some of the large buffer was given back. */
static void say_hello_in_the_gap(ws_request *r, void *arg)
{
    int64_t limit = ws_after(PATIENCE_MS);
    size_t last = 0, now = 0;

    (void)arg;
    while (now >= last && ws_now() < limit) {
        last = now;
        ws_yield();
        now = kept->r.inbox ? ws__buf_size(&kept->r.inbox->reader.whole) : 0;
    }
    say_n(gap_fd, HELLO, sizeof(HELLO) - 1);
    ws_reply_text(r, 200, "said");
}

/* The fiber that looked for it, and found nothing, still has something to do
 * that takes several turns. */
static void what_comes_while_the_fiber_runs_is_not_missed(void **state)
{
    (void)state;
    static const char first[] = "\x02\xff\0\0\0\0\0\x20\0\0\0\0\0\0",
                      last[] = "\x80\xff\0\0\0\0\0\x20\0\0\0\0\0\0";
    static char zeros[2 * LARGE];
    static const ws_route own[] = {
        { .path = "/", .handler = handler },
        { .path = "/gap", .handler = say_hello_in_the_gap },
        { 0 },
    };
    const ws_server one = { .addr = "127.0.0.1:0",
                            .routes = own,
                            .workers = 1 };
    ws_listener *first_one = l;

    fn = say_got;
    l = ws_listen(&one, NULL);
    assert_non_null(l);
    gap_fd = call_raw("", 0);
    int beside = call(l);
    say_n(gap_fd, first, sizeof(first) - 1);
    say_n(gap_fd, zeros, sizeof(zeros));
    say(beside, "GET /gap HTTP/1.1" SERVED "\r\n");
    say_n(gap_fd, last, sizeof(last) - 1);
    say_n(gap_fd, zeros, sizeof(zeros));
    expect_bytes(gap_fd, GOT GOT, sizeof(GOT GOT) - 1);
    close(beside);
    close(gap_fd);
    wait_for_end();
    assert_int_equal(ws_listener_shutdown(l, ws_after(PATIENCE_MS)), 0);
    l = first_one;
}

static void what_could_not_be_sent_follows_though_nobody_waits(void **state)
{
    (void)state;
    ws_message m;
    ws_conn *c = dial_narrow();
    struct pongs p = { .wanted = ping_until_full(c) };

    ws_set_pong_handler(c, note_pong, &p);
    assert_int_equal(ws_read_message(c, &m), WS_ERR_CANCELED);
    assert_int_equal(p.last, p.wanted);
    ws_close(c);
}

/* The goodbye has to wait behind it. */
static void a_shutdown_reaches_a_peer_that_did_not_read(void **state)
{
    (void)state;
    ws_message m;
    int result = -1;
    ws_conn *c = dial_narrow();

    ping_until_full(c);
    ws_fiber *f = ws_go(stop_server, &result);
    assert_int_equal(ws_read_message(c, &m), WS_ERR_CLOSED);
    assert_int_equal(ws_close_code(c), WS_CLOSE_GOING_AWAY);
    ws_close(c);
    ws_join(f);
    assert_int_equal(result, 0);
}

enum { WRITERS = 4, EACH = 50 };

static ws_fiber *writers[WRITERS];
static pthread_t thread_writer;

static void write_some(void *conn)
{
    for (int i = 0; i < EACH; i++) {
        ws_writef(conn, "beside %d", i);
        ws_yield();
    }
    ws_unref(conn);
}

static void *write_in_thread(void *conn)
{
    write_some(conn);
    return NULL;
}

static void start_writers(ws_conn *c, ws_message *m, void *arg)
{
    if (strcmp(m->data, "start") == 0) {
        for (int i = 0; i < WRITERS; i++)
            writers[i] = mode_go(write_some, ws_ref(c));
        pthread_create(&thread_writer, NULL, write_in_thread, ws_ref(c));
    }
    call_echo(c, m, arg);
}

static void others_may_write_meanwhile(void **state)
{
    (void)state;
    int echoes = 0, others = 0;
    ws_message m;
    ws_conn *c = dial();

    fn = start_writers;
    assert_int_equal(ws_write_text(c, "start"), 0);
    while (echoes <= EACH || others < (WRITERS + 1) * EACH) {
        assert_int_equal(ws_read_message(c, &m), 0);
        bool beside = strncmp(m.data, "beside ", 7) == 0;
        others += beside;
        echoes += !beside;
        if (!beside && echoes <= EACH)
            assert_int_equal(ws_write_text(c, "echo"), 0);
    }
    for (int i = 0; i < WRITERS; i++)
        ws_join(writers[i]);
    pthread_join(thread_writer, NULL);
    ask_echo(c, "quiet again");
    ws_close(c);
}

/* ---- What is handed over ------------------------------------------------ */

enum { HANDED = 16 * 1024 }; /* bytes of each */

/* A message that is its number, and spaces. */
static int hand_number(ws_conn *c, int number)
{
    static char text[HANDED];

    snprintf(text, sizeof(text), "%-*d", HANDED - 1, number);
    ws_prepared *p = ws_prepare(WS_TEXT, text, HANDED - 1);
    int error = ws_enqueue(c, p);
    ws_prepared_free(p);
    return error;
}

static void expect_number(ws_conn *c, int number)
{
    ws_message m;

    assert_int_equal(ws_read_message(c, &m), 0);
    assert_int_equal(strtol(m.data, NULL, 10), number);
}

static size_t in_queue(ws_conn *c)
{
    ws_queue_stats s;

    assert_int_equal(ws_queue_stats_get(c, &s), 0);
    return s.messages;
}

static void what_was_handed_over_follows_though_nobody_waits(void **state)
{
    (void)state;
    ws_conn *c = dial();

    for (int round = 0; round < 2; round++) {
        int n = 0;

        while (in_queue(kept) < 10) {
            assert_int_equal(hand_number(kept, n++), 0);
            ws_yield();
        }
        for (int i = 0; i < n; i++)
            expect_number(c, i);
    }
    ws_close(c);
    wait_for_end();
}

static void one_that_is_too_slow_is_cut_and_told(void **state)
{
    (void)state;
    ws_conn *c = dial();
    ws_message m;
    int n = 0, error;

    while ((error = hand_number(kept, n++)) == 0)
        ws_yield();
    assert_int_equal(error, WS_ERR_SLOW);
    wait_for_end();
    assert_int_equal(seen.error, WS_ERR_SLOW);
    while ((error = ws_read_message(c, &m)) == 0)
        continue;
    assert_int_equal(error, WS_ERR_CLOSED);
    assert_int_equal(ws_close_code(c), WS_CLOSE_TRY_AGAIN_LATER);
    assert_string_equal(ws_close_reason(c), "too slow");
    ws_close(c);
}

/* ---- All of it ---------------------------------------------------------- */

static int make_files(void **state)
{
    certs_set_up(state);
    server_tls.cert_file = client_tls.ca_file = certs_path("server.pem");
    return 0;
}

#define IN(way, name)                                                          \
    cmocka_unit_test_prestate_setup_teardown(name, start, stop, (void *)&(way))
#define PLAIN(name) IN(in_fiber, name), IN(in_thread, name)
#define ALL(name) PLAIN(name), IN(over_tls, name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ALL(a_burst_keeps_its_order),
        ALL(a_function_that_waits_is_not_called_meanwhile),
        ALL(a_function_may_read_on),
        PLAIN(bytes_may_come_one_by_one),
        ALL(fragments_may_come_one_by_one),
        PLAIN(what_came_with_the_request_is_first),
        ALL(messages_may_be_large_and_compressed),
        ALL(every_end_is_told_once_with_its_reason),
        PLAIN(a_close_in_the_function_is_made_when_it_returns),
        PLAIN(a_close_in_the_last_call_is_one_too_many),
        PLAIN(a_close_in_the_handler_is_made_when_that_returns),
        PLAIN(a_close_from_elsewhere_is_a_shutdown),
        PLAIN(a_close_in_a_handler_of_control_frames_is_a_shutdown),
        PLAIN(what_is_closed_is_not_taken),
        ALL(what_fails_without_a_caller_is_an_end),
        PLAIN(a_protocol_error_and_an_end_without_a_word_are_ends),
        PLAIN(a_peer_that_falls_silent_is_dead),
        PLAIN(a_message_that_does_not_go_on_ends),
        ALL(a_peer_that_answers_pings_lives),
        ALL(a_deadline_of_the_handlers_holds),
        ALL(one_that_is_over_already_ends_at_once),
        ALL(the_servers_shutdown_says_1001_and_waits),
        ALL(a_shutdown_breaks_who_does_not_answer),
        ALL(it_is_for_the_handler_of_the_connection),
        ALL(twice_or_in_a_socket_is_wrong_too),
        PLAIN(a_message_that_does_not_come_needs_little),
        ALL(to_be_called_takes_no_memory),
        PLAIN(every_failed_allocation_is_survived),
        IN(in_fiber, a_message_waits_for_memory_for_a_stack),
        IN(in_fiber, what_comes_while_the_fiber_runs_is_not_missed),
        ALL(what_could_not_be_sent_follows_though_nobody_waits),
        ALL(a_shutdown_reaches_a_peer_that_did_not_read),
        ALL(others_may_write_meanwhile),
        ALL(what_was_handed_over_follows_though_nobody_waits),
        ALL(one_that_is_too_slow_is_cut_and_told),
    };

    alloc_fail_install();
    return run_in_mode("on_message", tests, make_files, certs_tear_down);
}
