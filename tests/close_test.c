/* SPDX-License-Identifier: MIT */

#include "pair.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "conn/control_queue.h"
#include "conn/extras.h"
#include "conn/linger.h"
#include "conn/outbox.h"
#include "mode.h"
#include "slow.h"

enum {
    MIB = 1 << 20,
    QUIET_MS = SLOW_FIRST_MS,
};

/* ---- Peers -------------------------------------------------------------- */

/* The same as with_raw, over TCP. */
static ws_conn *over_tcp_as(int *raw, const ws_adoption *as)
{
    const struct timeval limit = { .tv_sec = PATIENCE_MS / 1000 };
    struct sockaddr_in a = { .sin_family = AF_INET };
    socklen_t n = sizeof(a);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(listener, (struct sockaddr *)&a, n), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &n), 0);
    *raw = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(*raw, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(*raw, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    assert_int_equal(connect(*raw, (struct sockaddr *)&a, n), 0);
    int fd = accept(listener, NULL, NULL);
    assert_true(fd >= 0);
    close(listener);
    return adopt(fd, as);
}

static ws_conn *over_tcp(int *raw)
{
    return over_tcp_as(raw, NULL);
}

/* A connection that can send little before it waits. */
static ws_conn *stuffed(int *raw)
{
    const int small = 4096;
    int fds[2];

    make_pair(fds);
    setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    *raw = fds[1];
    return adopt(fds[0], NULL);
}

struct sender {
    int raw;
    const char *bytes;
    size_t n;
    bool endless;
    bool stopped; /* by the other end */
};

static void send_it(void *arg)
{
    struct sender *s = arg;
    int64_t limit = patience();

    do
        for (size_t at = 0; at < s->n && !s->stopped;) {
            ssize_t r = say_some(s->raw, s->bytes + at, s->n - at);

            s->stopped = r <= 0;
            at += r > 0 ? (size_t)r : 0;
        }
    while (s->endless && !s->stopped && ws_now() < limit);
}

/* ---- Calls that wait ---------------------------------------------------- */

struct call {
    ws_conn *c;
    const char *text;
    size_t n;
    int error;
};

static void read_one(void *arg)
{
    struct call *k = arg;
    ws_message m;

    k->error = ws_read_message(k->c, &m);
}

static void write_one(void *arg)
{
    struct call *k = arg;

    k->error = ws_write_message(k->c, WS_BINARY, k->text, k->n);
}

static void begin_one(void *arg)
{
    struct call *k = arg;

    k->error = ws_next_writer(k->c, WS_TEXT);
}

/* Until somebody waits for the lock. */
static void await_contended(const struct ws__lock *l)
{
    int64_t limit = patience();

    while (!ws__lock_is_contended(l)) {
        assert_true(ws_now() < limit);
        ws_yield();
    }
}

static void expect_canceled(ws_conn *c)
{
    ws_message m;
    ws_type type;
    char buf[4];

    assert_int_equal(ws_read_message(c, &m), WS_ERR_CANCELED);
    assert_int_equal(ws_next_reader(c, &type), WS_ERR_CANCELED);
    assert_int_equal(ws_read(c, buf, 4), WS_ERR_CANCELED);
    assert_int_equal(ws_write_text(c, "x"), WS_ERR_CANCELED);
    assert_int_equal(ws_writef(c, "%d", 1), WS_ERR_CANCELED);
    assert_int_equal(ws_next_writer(c, WS_TEXT), WS_ERR_CANCELED);
    assert_int_equal(ws_flush(c), WS_ERR_CANCELED);
    assert_int_equal(ws_write_control(c, WS_PING, "", 0, 0), WS_ERR_CANCELED);
    assert_int_equal(ws_write_close(c, 1000, NULL), WS_ERR_CANCELED);
    assert_int_equal(ws_finish(c, 1000, NULL, patience()), WS_ERR_CANCELED);
    assert_int_equal(ws_conn_error(c)->code, WS_ERR_CANCELED);
    assert_int_equal(ws_close_code(c), WS_CLOSE_ABNORMAL);
}

enum ending { SHUTDOWN, CLOSE };

static void end_by(enum ending how, ws_conn *c)
{
    if (how == CLOSE)
        ws_close(c);
    else
        ws_shutdown(c);
}

/* One fiber reads, one writes, one waits for its turn to write. */
static void end_under(enum ending how)
{
    char *text = make_text(MIB);
    int raw;
    ws_conn *c = stuffed(&raw);
    struct call reader = { .c = ws_ref(c) };
    struct call writer = { .c = c, .text = text, .n = MIB };
    struct call next = writer;

    ws_fiber *r = mode_go(read_one, &reader);
    ws_fiber *w = mode_go(write_one, &writer);
    await(&c->r.waiting);
    await(&c->w.waiting);
    ws_fiber *n = mode_go(write_one, &next);
    await_contended(&c->w.lock);
    ws__linger_quiet_ms = PATIENCE_MS; /* whose end would wake, too */
    int64_t began = ws_now();
    end_by(how, c);
    ws_join(r);
    ws_join(w);
    ws_join(n);
    assert_true(ws_now() - began < PATIENCE_MS);
    ws__linger_quiet_ms = QUIET_MS;
    assert_int_equal(reader.error, WS_ERR_CANCELED);
    assert_int_equal(writer.error, WS_ERR_CANCELED);
    assert_int_equal(next.error, WS_ERR_CANCELED);
    expect_canceled(c);
    if (how == SHUTDOWN)
        ws_close(c);
    ws_unref(c);
    free(text);
    close(raw);
}

static void a_shutdown_wakes_all_who_wait(void **state)
{
    (void)state;
    end_under(SHUTDOWN);
}

static void a_close_wakes_all_who_wait(void **state)
{
    (void)state;
    end_under(CLOSE);
}

/* Who makes this call in f, and not only when lingering ends. */
static void close_wakes(ws_conn *c, ws_fiber *f, const struct call *call)
{
    ws__linger_quiet_ms = PATIENCE_MS;
    int64_t began = ws_now();
    ws_close(c);
    ws_join(f);
    ws__linger_quiet_ms = QUIET_MS;
    assert_true(ws_now() - began < PATIENCE_MS);
    assert_int_equal(call->error, WS_ERR_CANCELED);
    ws_unref(c);
}

/* What he waits to send comes behind what nobody could send before. */
static void a_close_wakes_a_writer_though_nobody_reads(void **state)
{
    (void)state;
    char *text = make_text(MIB);
    int raw;
    ws_conn *c = ws_ref(stuffed(&raw));
    struct call writer = { .c = c, .text = text, .n = MIB };
    ws_message m;

    ws_set_read_deadline(c, 1);
    while (!ws__outbox_has_unsent(c)) {
        say_frame(raw, FIN | WS_PING, true, text, 125);
        assert_int_equal(ws_read_message(c, &m), WS_ERR_TIMEOUT);
    }
    ws_fiber *f = mode_go(write_one, &writer);
    await(&c->w.waiting);
    close_wakes(c, f, &writer);
    free(text);
    close(raw);
}

static void a_close_wakes_a_reader_though_nobody_writes(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = ws_ref(with_raw(&raw, NULL));
    struct call reader = { .c = c };

    ws_fiber *f = mode_go(read_one, &reader);
    await(&c->r.waiting);
    close_wakes(c, f, &reader);
    close(raw);
}

static void what_is_called_after_the_close_is_canceled(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = ws_ref(with_raw(&raw, NULL));

    ws_close(c);
    expect_canceled(c);
    ws_shutdown(c);
    expect_canceled(c);
    ws_unref(c);
    close(raw);
}

/* While another fiber waits for its turn. */
static void leave_unfinished(void (*wait)(void *arg))
{
    int raw;
    ws_conn *c = ws_ref(with_raw(&raw, NULL));
    struct call other = { .c = c, .text = "other", .n = 5 };

    assert_int_equal(ws_next_writer(c, WS_TEXT), 0);
    assert_int_equal(ws_write(c, "half", 4), 0);
    ws_fiber *f = mode_go(wait, &other);
    await_contended(&c->extras->turn);
    ws_close(c);
    ws_join(f);
    assert_int_equal(other.error, WS_ERR_CANCELED);
    assert_int_equal(ws_next_writer(c, WS_TEXT), WS_ERR_CANCELED);
    ws_unref(c);
    hear_end(raw);
    close(raw);
}

static void others_wait_no_more_for_a_message_that_is_left_unfinished(
    void **state)
{
    (void)state;
    leave_unfinished(write_one);
    leave_unfinished(begin_one);
}

struct author {
    ws_conn *c;
    ws_event begun;
    ws_event resume;
    int error;
};

static void write_half(void *arg)
{
    struct author *a = arg;

    a->error = ws_next_writer(a->c, WS_TEXT);
    ws_event_set(&a->begun);
    ws_event_wait(&a->resume, 0);
    if (a->error == 0)
        a->error = ws_end_message(a->c);
}

/* The author of a message in pieces is busy elsewhere; some wait for its end. */
static void end_behind_an_author(enum ending how)
{
    int raw;
    ws_conn *c = ws_ref(with_raw(&raw, NULL));
    struct author a = { .c = c };
    struct call calls[] = { { .c = c, .text = "a", .n = 1 }, { .c = c } };
    ws_fiber *waiters[2];

    ws_fiber *author = mode_go(write_half, &a);
    assert_int_equal(ws_event_wait(&a.begun, patience()), 0);
    waiters[0] = mode_go(write_one, &calls[0]);
    await_contended(&c->extras->turn);
    waiters[1] = mode_go(begin_one, &calls[1]);
    end_by(how, c);
    for (size_t i = 0; i < COUNT(calls); i++) {
        ws_join(waiters[i]);
        assert_int_equal(calls[i].error, WS_ERR_CANCELED);
    }
    ws_event_set(&a.resume);
    ws_join(author);
    assert_int_equal(a.error, WS_ERR_CANCELED);
    if (how == SHUTDOWN)
        ws_close(c);
    ws_unref(c);
    close(raw);
}

static void a_shutdown_wakes_who_waits_for_anothers_message(void **state)
{
    (void)state;
    end_behind_an_author(SHUTDOWN);
}

static void a_close_wakes_who_waits_for_anothers_message(void **state)
{
    (void)state;
    end_behind_an_author(CLOSE);
}

static void a_timeout_does_not_hide_a_shutdown(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);
    ws_message m;

    ws_set_read_deadline(c, 1);
    assert_int_equal(ws_read_message(c, &m), WS_ERR_TIMEOUT);
    assert_int_equal(ws_conn_error(c)->code, 0);
    ws_shutdown(c);
    expect_canceled(c);
    hear_end(raw);
    close(raw);
    ws_close(c);
}

static void a_shutdown_loses_nothing_twice(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    assert_int_equal(ws_write_text(c, "before"), 0);
    ws_shutdown(c);
    ws_shutdown(c);
    ws_close(c);
    hear_text(raw, "before");
    hear_end(raw);
    close(raw);
}

/* Who reads may be in its handler, and go on to read then. */
static void close_elsewhere(void *c)
{
    ws_close(c);
}

static int be_closed(ws_conn *c, const char *data, size_t len, void *raw)
{
    (void)data, (void)len;
    ws_join(mode_go(close_elsewhere, c));
    assert_int_equal(send(*(int *)raw, "x", 1, MSG_NOSIGNAL), -1);
    return 0;
}

static void a_close_under_a_handler_breaks_the_transport(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = ws_ref(with_raw(&raw, NULL));
    ws_message m;

    ws_set_ping_handler(c, be_closed, &raw);
    say_frame(raw, FIN | WS_PING, true, "", 0);
    say_text(raw, "is not read");
    assert_int_equal(ws_read_message(c, &m), WS_ERR_CANCELED);
    ws_unref(c);
    close(raw);
}

/* It has more to look at than it may at once. */
static void so_does_one_under_a_read_that_lets_others_run(void **state)
{
    (void)state;
    enum { EMPTY = 400 };
    static uint8_t frames[EMPTY * 8];
    int raw;
    ws_conn *c = ws_ref(with_raw(&raw, NULL));
    struct call reader = { .c = c };
    size_t n = make_frame(frames, WS_TEXT, true, "be", 2);

    for (int i = 0; i < EMPTY; i++)
        n += make_frame(frames + n, 0, true, "", 0);
    say(raw, frames, n);
    ws_fiber *f = mode_go(read_one, &reader);
    await(&c->r.inside);
    ws_close(c);
    assert_int_equal(send(raw, "x", 1, MSG_NOSIGNAL), -1);
    ws_join(f);
    assert_int_equal(reader.error, WS_ERR_CANCELED);
    ws_unref(c);
    close(raw);
}

/* ---- After the peer's close frame --------------------------------------- */

static void read_its_close(ws_conn *c, int raw)
{
    ws_message m;

    say_frame(raw, FIN | WS_CLOSE, true, "\x03\xe8", 2);
    assert_int_equal(ws_read_message(c, &m), WS_ERR_CLOSED);
}

/* Nobody there would read what it said: no half of the socket is left. */
static void who_was_the_last_to_say_something_is_not_waited_for(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    read_its_close(c, raw);
    ws_close(c);
    assert_int_equal(send(raw, "x", 1, MSG_NOSIGNAL), -1);
    assert_int_equal(errno, EPIPE);
    hear_close(raw, WS_CLOSE_NORMAL);
    hear_end(raw);
    close(raw);
}

static void the_end_follows_though_somebody_else_holds_it(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = over_tcp(&raw);
    ws_conn *held = ws_ref(c);

    read_its_close(c, raw);
    ws_close(c);
    hear_close(raw, WS_CLOSE_NORMAL);
    hear_end(raw);
    ws_unref(held);
    close(raw);
}

static void so_does_it_after_a_message_that_was_not_taken(void **state)
{
    (void)state;
    char *text = make_text(MIB);
    int raw;
    ws_conn *c = stuffed(&raw);
    ws_conn *held = ws_ref(c);

    ws_set_write_deadline(c, 1);
    assert_int_equal(ws_write_message(c, WS_TEXT, text, MIB), WS_ERR_DEAD);
    ws_close(c);
    hear_to_the_end(raw);
    ws_unref(held);
    close(raw);
    free(text);
}

static void close_it(void *conn)
{
    ws_close(conn);
}

/* Whoever is sending has emptied the slots: none says that something is left. */
static void what_somebody_is_sending_goes_before_the_end(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    assert_int_equal(ws__outbox_lock(c, 0), 0);
    ws__control_queue_close(c, WS_CLOSE_NORMAL, NULL);
    ws__control_queue_append(c);
    ws_ref(c); /* as who writes in another thread has to have one */
    ws_fiber *f = mode_go(close_it, c);
    await_contended(&c->w.lock);
    ws__outbox_unlock(c);
    ws_unref(c);
    ws_join(f);
    hear_close(raw, WS_CLOSE_NORMAL);
    hear_end(raw);
    close(raw);
}

/* What it says behind its close frame would be answered by a reset. */
static void who_says_more_behind_it_is(void **state)
{
    (void)state;
    const char twice[] = "\x88\x82\0\0\0\0\x03\xe8\x88\x80\0\0\0\0";
    int raw;
    ws_conn *c = with_raw(&raw, NULL);
    ws_message m;

    say(raw, twice, sizeof(twice) - 1);
    assert_int_equal(ws_read_message(c, &m), WS_ERR_CLOSED);
    ws_close(c);
    say(raw, "x", 1);
    hear_close(raw, WS_CLOSE_NORMAL);
    hear_end(raw);
    close(raw);
}

/* Not when the machine was busy for 200 ms meanwhile. */
static bool hear_both_at_once(void)
{
    int raw;
    ws_conn *c = over_tcp(&raw);
    struct pollfd p = { .fd = raw, .events = POLLIN | POLLRDHUP };

    read_its_close(c, raw);
    bool waits = ready(raw) == 0;
    ws_close(c);
    assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
    hear_close(raw, WS_CLOSE_NORMAL);
    hear_end(raw);
    close(raw);
    return waits && (p.revents & POLLRDHUP);
}

static void hear_them_at_once(void *arg)
{
    int tries = 100;

    (void)arg;
    while (!hear_both_at_once())
        assert_true(--tries > 0);
}

static void its_answer_leaves_with_the_end(void **state)
{
    (void)state;
    mode_in_fiber(hear_them_at_once, NULL);
}

static void hear_it_first(void *arg)
{
    int raw;
    ws_conn *c = over_tcp(&raw);

    (void)arg;
    read_its_close(c, raw);
    ws_yield();
    assert_int_equal(ready(raw), 4);
    hear_close(raw, WS_CLOSE_NORMAL);
    ws_close(c);
    hear_end(raw);
    close(raw);
}

static void it_does_not_wait_for_an_owner_that_waits(void **state)
{
    (void)state;
    mode_in_fiber(hear_it_first, NULL);
}

/* ---- Finishing ---------------------------------------------------------- */

static void finishing_waits_for_the_answer(void **state)
{
    (void)state;
    ws_conn *server, *client;

    both(&server, &client, false);
    struct call peer = { .c = client };
    ws_fiber *f = mode_go(read_one, &peer);
    assert_int_equal(ws_finish(server, 4001, "bye", patience()), 0);
    ws_join(f);
    assert_int_equal(peer.error, WS_ERR_CLOSED);
    assert_int_equal(ws_close_code(client), 4001);
    assert_string_equal(ws_close_reason(client), "bye");
    assert_int_equal(ws_close_code(server), 4001);
    assert_string_equal(ws_close_reason(server), "");
    assert_int_equal(ws_finish(server, 1000, NULL, 1), 0);
    assert_int_equal(ws_finish(client, 1000, NULL, 1), 0);
    ws_close(client);
    ws_close(server);
}

static void finishing_succeeds_when_the_peers_close_came_first(void **state)
{
    (void)state;
    for (int read_it = 0; read_it < 2; read_it++) {
        int raw;
        ws_conn *c = with_raw(&raw, NULL);
        ws_message m;

        say_frame(raw, FIN | WS_CLOSE, true, "\x03\xe8", 2);
        if (read_it)
            assert_int_equal(ws_read_message(c, &m), WS_ERR_CLOSED);
        assert_int_equal(ws_finish(c, 1001, NULL, patience()), 0);
        hear_close(raw, read_it ? 1000 : 1001);
        assert_int_equal(ready(raw), 0);
        assert_int_equal(ws_close_code(c), WS_CLOSE_NORMAL);
        close(raw);
        ws_close(c);
    }
}

static void finishing_succeeds_when_the_peer_closed_and_went_away(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    say_text(raw, "last words");
    say_frame(raw, FIN | WS_CLOSE, true, "\x03\xe9", 2);
    close(raw);
    assert_int_equal(ws_finish(c, 1000, NULL, patience()), 0);
    assert_int_equal(ws_close_code(c), WS_CLOSE_GOING_AWAY);
    ws_close(c);
}

/* One that has closed takes no answer: that is not the story. */
static void what_ended_it_is_told_though_the_answer_is_not_taken(void **state)
{
    static const struct {
        uint8_t first;
        bool masked;
        const char *payload;
        int error;
        const char *text;
    } rows[] = {
        { FIN | WS_CLOSE, true, "\x03\xf1", WS_ERR_CLOSED,
          "the peer closed the connection: 1009 (message too big)" },
        { FIN | WS_CLOSE, true, "\x03\xed", WS_ERR_PROTOCOL,
          "the peer broke the WebSocket protocol: a close code that must not "
          "be "
          "sent" },
        { FIN | WS_TEXT, false, "hi", WS_ERR_PROTOCOL,
          "the peer broke the WebSocket protocol: an unmasked frame from a "
          "client" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        int raw;
        ws_conn *c = with_raw(&raw, NULL);
        ws_message m;

        say_frame(raw, rows[i].first, rows[i].masked, rows[i].payload, 2);
        close(raw);
        assert_int_equal(ws_read_message(c, &m), rows[i].error);
        assert_int_equal(ws_conn_error(c)->code, rows[i].error);
        assert_string_equal(ws_conn_error(c)->text, rows[i].text);
        ws_close(c);
    }
}

static void finishing_without_an_answer_says_why(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    assert_int_equal(ws_finish(c, 1000, NULL, ws_after(10)), WS_ERR_TIMEOUT);
    assert_int_equal(ws_conn_error(c)->code, 0);
    assert_int_equal(ws_close_code(c), 0);
    hear_close(raw, 1000);
    shutdown(raw, SHUT_WR);
    assert_int_equal(ws_finish(c, 1000, NULL, patience()), WS_ERR_EOF);
    assert_int_equal(ws_close_code(c), WS_CLOSE_ABNORMAL);
    assert_int_equal(ready(raw), 0);
    close(raw);
    ws_close(c);

    c = with_raw(&raw, NULL);
    close(raw);
    assert_int_equal(ws_finish(c, 1000, NULL, patience()), WS_ERR_EOF);
    ws_close(c);
}

static void finishing_gives_up_on_a_peer_that_takes_nothing(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = stuffed(&raw);

    ws_set_write_deadline(c, 1);
    while (ws_write_text(c, "more") == 0)
        ;
    assert_int_equal(ws_finish(c, 1000, NULL, ws_after(10)), WS_ERR_TIMEOUT);
    say_frame(raw, FIN | WS_CLOSE, true, "", 0);
    assert_int_equal(ws_finish(c, 1000, NULL, ws_after(10)), 0);
    close(raw);
    ws_close(c);
}

static void finishing_drops_what_still_comes(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);
    ws_type type;
    char buf[4];

    say_text(raw, "is read in part");
    say_frame(raw, WS_TEXT, true, "frag", 4);
    say_frame(raw, FIN | WS_PING, true, "", 0);
    say_frame(raw, FIN, true, "ment", 4);
    say_text(raw, "last");
    say_frame(raw, FIN | WS_CLOSE, true, "\x03\xe8", 2);
    assert_int_equal(ws_next_reader(c, &type), 0);
    assert_int_equal(ws_read(c, buf, 4), 4);
    assert_int_equal(ws_finish(c, 1000, "done", patience()), 0);
    hear_close(raw, 1000);
    assert_int_equal(ready(raw), 0); /* no pong, no second one */
    close(raw);
    ws_close(c);
}

static void finishing_leaves_the_read_deadline_as_it_was(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);
    ws_message m;

    ws_set_read_deadline(c, 1);
    assert_int_equal(ws_finish(c, 1000, NULL, ws_after(10)), WS_ERR_TIMEOUT);
    assert_int_equal(ws_read_message(c, &m), WS_ERR_TIMEOUT);
    assert_int_equal(ws__read_deadline(c), 1);
    say_frame(raw, FIN | WS_CLOSE, true, "", 0);
    assert_int_equal(ws_read_message(c, &m), WS_ERR_CLOSED);
    assert_int_equal(ws_close_code(c), WS_CLOSE_NO_STATUS);
    close(raw);
    ws_close(c);
}

static void finishing_breaks_off_a_message_in_pieces(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    say_frame(raw, FIN | WS_CLOSE, true, "", 0);
    assert_int_equal(ws_next_writer(c, WS_TEXT), 0);
    assert_int_equal(ws_write(c, "half", 4), 0);
    assert_int_equal(ws_finish(c, 1000, NULL, patience()), 0);
    assert_int_equal(ws_end_message(c), WS_ERR_CLOSE_SENT);
    hear_close(raw, 1000);
    ws_close(c);
    hear_end(raw);
    close(raw);
}

static void a_code_that_may_not_be_sent_is_invalid(void **state)
{
    (void)state;
    /* RFC 6455, section 7.4. */
    static const int codes[] = { -1,   0,    999,  1004, 1005,
                                 1006, 1015, 2999, 5000, 66536 };
    int raw;
    ws_conn *c = with_raw(&raw, NULL);
    ws_message m;

    say_text(raw, "not dropped");
    ws_set_read_deadline(c, patience());
    for (size_t i = 0; i < COUNT(codes); i++) {
        assert_int_equal(ws_finish(c, codes[i], NULL, 1), WS_ERR_INVALID);
        assert_int_equal(ws_write_close(c, codes[i], NULL), WS_ERR_INVALID);
    }
    assert_int_equal(ready(raw), 0);
    assert_int_equal(ws_write_text(c, "usable"), 0);
    assert_int_equal(ws_read_message(c, &m), 0);
    assert_string_equal(m.data, "not dropped");
    close(raw);
    ws_close(c);
}

static void a_close_frame_that_found_no_room_follows(void **state)
{
    (void)state;
    int raw, n = 0;
    ws_conn *c = stuffed(&raw);

    ws_set_write_deadline(c, 1);
    for (; ws_write_text(c, "more") == 0; n++)
        continue;
    assert_int_equal(ws_finish(c, 4001, "bye", ws_after(10)), WS_ERR_TIMEOUT);
    ws_close(c);
    while (n-- > 0)
        hear_text(raw, "more");
    hear_close(raw, 4001);
    hear_end(raw);
    close(raw);
}

/* ---- Lingering ---------------------------------------------------------- */

/* What a peer says that takes its time: a pong, a server's or a client's. */
static const char says[] = { '\x8a', '\x80', 0, 0, 0, 0 };
static const char servers_says[] = { '\x8a', 0 };

/* Two steps are no less than what the kernel acknowledges at once. */
static struct slow slow_peer(int raw, bool client, size_t n, int steps)
{
    return (struct slow){ .fd = raw,
                          .since = ws_now(),
                          .step = n / (size_t)steps,
                          .pause_ms = 3 * ws__linger_quiet_ms / steps / 2,
                          .say = client ? servers_says : says,
                          .say_n =
                              client ? sizeof(servers_says) : sizeof(says) };
}

/* All of it and the end, in longer than one is given who takes nothing.  Returns
 * false if this try does not tell. */
static bool takes_all(struct slow *s, size_t n)
{
    take_slowly(s, SIZE_MAX);
    if (!slow_tells(s, ws__linger_quiet_ms, n))
        return false;
    assert_int_equal(s->got, n);
    assert_false(s->reset);
    return true;
}

static bool close_on_a_slow_peer(bool tcp, bool client)
{
    enum { SIZE = 128 * 1024, HEADER = 10, KEY = 4, LAST = 4 };

    char *text = make_text(MIB);
    const ws_adoption as = { .client = client };
    size_t n = tcp ? MIB : SIZE;
    int raw;
    ws_conn *c = tcp ? over_tcp_as(&raw, &as) : with_raw(&raw, &as);
    struct slow s = slow_peer(raw, client, n, tcp ? 16 : 6);

    assert_int_equal(ws_write_message(c, WS_BINARY, text, n), 0);
    assert_int_equal(ws_write_close(c, WS_CLOSE_NORMAL, NULL), 0);
    ws_close(c);
    bool done = takes_all(&s, HEADER + n + LAST + (client ? 2 * KEY : 0));
    close(raw);
    free(text);
    return done;
}

static void what_was_written_arrives_however_slowly_it_is_taken(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        while (!close_on_a_slow_peer(i & 1, i & 2))
            ws__linger_quiet_ms = slow_longer(ws__linger_quiet_ms);
        ws__linger_quiet_ms = QUIET_MS;
    }
}

/* An answer that waits because the next message is here, too. */
static bool leave_an_answer_to_a_slow_peer(void)
{
    enum { SIZE = 8 * 1024, HEADER = 4 };

    char *text = make_text(SIZE);
    int raw;
    ws_conn *c = stuffed(&raw);
    struct slow s = slow_peer(raw, false, SIZE, 6);
    ws_message m;

    say_text(raw, "one");
    say_text(raw, "two");
    assert_int_equal(ws_read_message(c, &m), 0);
    assert_int_equal(ws_write_message(c, WS_BINARY, text, SIZE), 0);
    assert_int_equal(ready(raw), 0);
    ws_close(c);
    bool done = takes_all(&s, HEADER + SIZE);
    close(raw);
    free(text);
    return done;
}

static void so_does_what_was_held_back(void **state)
{
    (void)state;
    while (!leave_an_answer_to_a_slow_peer())
        ws__linger_quiet_ms = slow_longer(ws__linger_quiet_ms);
    ws__linger_quiet_ms = QUIET_MS;
}

/* Returns false if this try does not tell: who is to end it may be late itself,
 * and find that all was taken. */
static bool close_ends_within_the_write_timeout(void)
{
    char *text = make_text(MIB);
    const ws_adoption as = { .write_timeout_ms = ws__linger_quiet_ms / 2 };
    int raw;
    ws_conn *c = over_tcp_as(&raw, &as);
    struct slow s = slow_peer(raw, false, MIB, 16);

    assert_int_equal(ws_write_message(c, WS_BINARY, text, MIB), 0);
    ws_close(c);
    take_slowly(&s, SIZE_MAX);
    close(raw);
    free(text);
    return s.got < MIB;
}

static void nobody_has_longer_than_the_write_timeout(void **state)
{
    (void)state;
    while (!close_ends_within_the_write_timeout())
        ws__linger_quiet_ms = slow_longer(ws__linger_quiet_ms);
    ws__linger_quiet_ms = QUIET_MS;
}

static void the_reason_of_a_refusal_arrives_though_much_was_not_read(
    void **state)
{
    (void)state;
    char *junk = make_text(MIB);
    int raw;
    ws_conn *c = over_tcp(&raw);
    struct sender s = { .raw = raw, .bytes = junk, .n = MIB };
    ws_message m;

    ws_fiber *f = mode_go(send_it, &s);
    assert_int_equal(ws_read_message(c, &m), WS_ERR_PROTOCOL);
    ws_close(c);
    ws_join(f);
    assert_false(s.stopped);
    hear_close(raw, WS_CLOSE_PROTOCOL_ERROR);
    hear_end(raw);
    close(raw);
    free(junk);
}

static void last_words_arrive_though_nothing_was_read(void **state)
{
    (void)state;
    char *junk = make_text(MIB);
    int raw;
    ws_conn *c = over_tcp(&raw);
    struct sender s = { .raw = raw, .bytes = junk, .n = MIB };

    ws_fiber *f = mode_go(send_it, &s);
    assert_int_equal(ws_write_text(c, "last words"), 0);
    assert_int_equal(ws_write_close(c, 1000, "bye"), 0);
    ws_close(c);
    ws_join(f);
    assert_false(s.stopped);
    hear_text(raw, "last words");
    hear_close(raw, WS_CLOSE_NORMAL);
    hear_end(raw);
    close(raw);
    free(junk);
}

static void nothing_is_echoed_behind_a_close_frame(void **state)
{
    (void)state;
    char *junk = make_text(MIB);
    int raw;
    ws_conn *c = over_tcp(&raw);
    size_t n = make_frame((uint8_t *)junk, FIN | WS_CLOSE, true, "\x03\xe8", 2);
    struct sender s = { .raw = raw, .bytes = junk, .n = MIB };
    ws_message m;

    make_frame((uint8_t *)junk + n, FIN | WS_PING, true, "ping", 4);
    ws_fiber *f = mode_go(send_it, &s);
    assert_int_equal(ws_read_message(c, &m), WS_ERR_CLOSED);
    ws_close(c);
    ws_join(f);
    assert_false(s.stopped);
    hear_close(raw, WS_CLOSE_NORMAL);
    hear_end(raw);
    close(raw);
    free(junk);
}

static void what_could_not_be_sent_before_the_close_still_arrives(void **state)
{
    (void)state;
    int raw, n = 0;
    ws_conn *c = stuffed(&raw);
    ws_message m;
    struct heard h;

    ws_set_write_deadline(c, 1);
    while (ws_write_text(c, "more") == 0)
        n++;
    say_frame(raw, FIN | WS_CLOSE, true, "\x03\xe8", 2);
    assert_int_equal(ws_read_message(c, &m), WS_ERR_CLOSED);
    ws_close(c);
    for (int i = 0; i < n; i++) {
        assert_true(hear_frame(raw, &h));
        assert_int_equal(h.first, FIN | WS_TEXT);
        free(h.payload);
    }
    hear_close(raw, WS_CLOSE_NORMAL);
    hear_end(raw);
    say(raw, "x", 1); /* only half of it is closed */
    close(raw);
}

static void a_peer_that_never_stops_sending_is_cut_off(void **state)
{
    (void)state;
    char *junk = make_text(MIB);
    int raw;
    ws_conn *c = over_tcp(&raw);
    struct sender s = { .raw = raw, .bytes = junk, .n = MIB, .endless = true };
    ws_message m;

    ws_fiber *f = mode_go(send_it, &s);
    assert_int_equal(ws_read_message(c, &m), WS_ERR_PROTOCOL);
    ws_close(c);
    ws_join(f);
    assert_true(s.stopped);
    close(raw);
    free(junk);
}

static void close_with_the_nth_allocation_failing(long n)
{
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    assert_int_equal(ws_write_text(c, "last words"), 0);
    alloc_fail_at(n);
    ws_close(c);
    alloc_fail_arm(0, false);
    hear_text(raw, "last words");
    hear_end(raw);
    close(raw);
}

/* Without memory for who would wait for the peer, nobody does. */
static void it_ends_whatever_memory_it_lacks(void **state)
{
    (void)state;
    int64_t limit = patience();

    close_with_the_nth_allocation_failing(0);
    long live = mode_live();
    for (long n = 1; n <= 4; n++)
        close_with_the_nth_allocation_failing(n);
    while (mode_live() > live)
        assert_true(ws_now() < limit);
}

/* ---- Goodbye ------------------------------------------------------------ */

static void after_a_goodbye_reading_goes_on_until_the_peer_answers(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);
    ws_message m;

    ws__outbox_goodbye(c, WS_CLOSE_GOING_AWAY, NULL);
    hear_close(raw, WS_CLOSE_GOING_AWAY);
    ws__outbox_goodbye(c, WS_CLOSE_GOING_AWAY, NULL);
    assert_int_equal(ws_write_text(c, "x"), WS_ERR_CLOSE_SENT);
    assert_int_equal(ws_next_writer(c, WS_TEXT), WS_ERR_CLOSE_SENT);
    assert_int_equal(ws_conn_error(c)->code, 0);
    say_text(raw, "one");
    say_text(raw, "two");
    say_frame(raw, FIN | WS_CLOSE, true, "\x03\xe9", 2);
    assert_int_equal(ws_read_message(c, &m), 0);
    assert_string_equal(m.data, "one");
    assert_int_equal(ws_read_message(c, &m), 0);
    assert_string_equal(m.data, "two");
    assert_int_equal(ws_read_message(c, &m), WS_ERR_CLOSED);
    assert_true(ws_closed_with(c, WS_CLOSE_GOING_AWAY));
    assert_int_equal(ready(raw), 0);
    close(raw);
    ws_close(c);
}

static void a_goodbye_reaches_a_peer_whose_reader_waits(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);
    struct call reader = { .c = c };

    ws_fiber *f = mode_go(read_one, &reader);
    await(&c->r.waiting);
    ws__outbox_goodbye(c, WS_CLOSE_GOING_AWAY, NULL);
    hear_close(raw, WS_CLOSE_GOING_AWAY);
    say_frame(raw, FIN | WS_CLOSE, true, "\x03\xe9", 2);
    ws_join(f);
    assert_int_equal(reader.error, WS_ERR_CLOSED);
    close(raw);
    ws_close(c);
}

static void a_goodbye_follows_the_message_under_way(void **state)
{
    (void)state;
    char *text = make_text(MIB);
    int raw;
    ws_conn *c = stuffed(&raw);
    struct call writer = { .c = c, .text = text, .n = MIB };
    struct heard h;

    ws_fiber *f = mode_go(write_one, &writer);
    await(&c->w.waiting);
    ws__outbox_goodbye(c, WS_CLOSE_GOING_AWAY, NULL);
    assert_true(hear_frame(raw, &h));
    ws_join(f);
    assert_int_equal(writer.error, 0);
    assert_int_equal(h.first, FIN | WS_BINARY);
    assert_int_equal(h.f.len, MIB);
    assert_memory_equal(h.payload, text, MIB);
    free(h.payload);
    hear_close(raw, WS_CLOSE_GOING_AWAY);
    assert_int_equal(ws_write_text(c, "x"), WS_ERR_CLOSE_SENT);
    assert_int_equal(ready(raw), 0);
    free(text);
    close(raw);
    ws_close(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_shutdown_wakes_all_who_wait),
        cmocka_unit_test(a_close_wakes_all_who_wait),
        cmocka_unit_test(a_close_wakes_a_writer_though_nobody_reads),
        cmocka_unit_test(a_close_wakes_a_reader_though_nobody_writes),
        cmocka_unit_test(what_is_called_after_the_close_is_canceled),
        cmocka_unit_test(
            others_wait_no_more_for_a_message_that_is_left_unfinished),
        cmocka_unit_test(a_shutdown_wakes_who_waits_for_anothers_message),
        cmocka_unit_test(a_close_wakes_who_waits_for_anothers_message),
        cmocka_unit_test(a_timeout_does_not_hide_a_shutdown),
        cmocka_unit_test(a_shutdown_loses_nothing_twice),
        cmocka_unit_test(a_close_under_a_handler_breaks_the_transport),
        cmocka_unit_test(so_does_one_under_a_read_that_lets_others_run),
        cmocka_unit_test(who_was_the_last_to_say_something_is_not_waited_for),
        cmocka_unit_test(the_end_follows_though_somebody_else_holds_it),
        cmocka_unit_test(so_does_it_after_a_message_that_was_not_taken),
        cmocka_unit_test(what_somebody_is_sending_goes_before_the_end),
        cmocka_unit_test(who_says_more_behind_it_is),
        cmocka_unit_test(its_answer_leaves_with_the_end),
        cmocka_unit_test(it_does_not_wait_for_an_owner_that_waits),
        cmocka_unit_test(finishing_waits_for_the_answer),
        cmocka_unit_test(finishing_succeeds_when_the_peers_close_came_first),
        cmocka_unit_test(finishing_succeeds_when_the_peer_closed_and_went_away),
        cmocka_unit_test(what_ended_it_is_told_though_the_answer_is_not_taken),
        cmocka_unit_test(finishing_without_an_answer_says_why),
        cmocka_unit_test(finishing_gives_up_on_a_peer_that_takes_nothing),
        cmocka_unit_test(finishing_drops_what_still_comes),
        cmocka_unit_test(finishing_leaves_the_read_deadline_as_it_was),
        cmocka_unit_test(finishing_breaks_off_a_message_in_pieces),
        cmocka_unit_test(a_code_that_may_not_be_sent_is_invalid),
        cmocka_unit_test(a_close_frame_that_found_no_room_follows),
        cmocka_unit_test(what_was_written_arrives_however_slowly_it_is_taken),
        cmocka_unit_test(so_does_what_was_held_back),
        cmocka_unit_test(nobody_has_longer_than_the_write_timeout),
        cmocka_unit_test(
            the_reason_of_a_refusal_arrives_though_much_was_not_read),
        cmocka_unit_test(last_words_arrive_though_nothing_was_read),
        cmocka_unit_test(nothing_is_echoed_behind_a_close_frame),
        cmocka_unit_test(what_could_not_be_sent_before_the_close_still_arrives),
        cmocka_unit_test(a_peer_that_never_stops_sending_is_cut_off),
        cmocka_unit_test(it_ends_whatever_memory_it_lacks),
        cmocka_unit_test(
            after_a_goodbye_reading_goes_on_until_the_peer_answers),
        cmocka_unit_test(a_goodbye_reaches_a_peer_whose_reader_waits),
        cmocka_unit_test(a_goodbye_follows_the_message_under_way),
    };

    alloc_fail_install();
    ws__linger_quiet_ms = QUIET_MS;
    return run_in_mode("close", tests, NULL, NULL);
}
