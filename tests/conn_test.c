/* SPDX-License-Identifier: MIT */

#include "pair.h"
#include "conn/outbox.h"

#include <fcntl.h>

#include "alloc_fail.h"
#include "conn/error.h"
#include "conn/extras.h"
#include "conn/setup.h"
#include "conn/share.h"
#include "io/listen.h"
#include "mode.h"

/* ---- No connection ------------------------------------------------------ */

static int vwritef(ws_conn *c, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    int error = ws_vwritef(c, fmt, ap);
    va_end(ap);
    return error;
}

static void without_a_connection_what_returns_a_code_says_invalid(void **state)
{
    (void)state;
    ws_message m = { .data = (char *)"", .len = 0 };
    ws_type type;
    char buf[4];

    assert_int_equal(ws_read_message(NULL, &m), WS_ERR_INVALID);
    assert_int_equal(ws_next_reader(NULL, &type), WS_ERR_INVALID);
    assert_int_equal(ws_read(NULL, buf, 4), WS_ERR_INVALID);
    assert_int_equal(ws_write_message(NULL, WS_TEXT, "", 0), WS_ERR_INVALID);
    assert_int_equal(ws_write_text(NULL, ""), WS_ERR_INVALID);
    assert_int_equal(ws_writef(NULL, "%d", 1), WS_ERR_INVALID);
    assert_int_equal(vwritef(NULL, "%d", 1), WS_ERR_INVALID);
    assert_int_equal(ws_flush(NULL), WS_ERR_INVALID);
    assert_int_equal(ws_next_writer(NULL, WS_TEXT), WS_ERR_INVALID);
    assert_int_equal(ws_write(NULL, "", 0), WS_ERR_INVALID);
    assert_int_equal(ws_end_message(NULL), WS_ERR_INVALID);
    assert_int_equal(ws_write_control(NULL, WS_PING, "", 0, 0), WS_ERR_INVALID);
    assert_int_equal(ws_write_close(NULL, 1000, NULL), WS_ERR_INVALID);
    assert_int_equal(ws_set_compression_level(NULL, 1), WS_ERR_INVALID);
    assert_int_equal(ws_fd(NULL), WS_ERR_INVALID);
    assert_int_equal(ws_finish(NULL, 1000, NULL, 1), WS_ERR_INVALID);
    assert_int_equal(ws_conn_error(NULL)->code, WS_ERR_INVALID);
}

static void without_a_place_for_what_is_read_it_is_invalid(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);
    ws_message m = { 0 };
    char buf[4];

    say_text(raw, "on");
    assert_int_equal(ws_read_message(c, NULL), WS_ERR_INVALID);
    assert_int_equal(ws_next_reader(c, NULL), WS_ERR_INVALID);
    assert_int_equal(ws_read(c, NULL, 4), WS_ERR_INVALID);
    assert_int_equal(ws_read(c, buf, 0), WS_ERR_INVALID);
    assert_int_equal(ws_read(c, buf, 4), 0); /* within no message */
    assert_null(ws_message_take(c, NULL));
    assert_null(ws_message_take(c, &m));
    assert_int_equal(ws_next_writer(c, WS_TEXT), 0);
    assert_int_equal(ws_write(c, NULL, 1), WS_ERR_INVALID);
    assert_int_equal(ws_end_message(c), 0);
    hear_text(raw, "");
    assert_int_equal(ws_read_message(c, &m), 0);
    assert_string_equal(m.data, "on");
    say_frame(raw, WS_TEXT, true, "a", 1);
    say_frame(raw, FIN, true, "nd", 2);
    assert_int_equal(ws_read_message(c, &m), 0);
    assert_null(ws_message_take(c, &(ws_message){ 0 }));
    assert_string_equal(m.data, "and");
    ws_close(c);
    close(raw);
}

static void without_a_connection_the_rest_says_nothing(void **state)
{
    (void)state;
    ws_message m = { .data = (char *)"", .len = 0 };

    assert_null(ws_ref(NULL));
    assert_null(ws_message_take(NULL, &m));
    assert_null(ws_user(NULL));
    assert_int_equal(ws_close_code(NULL), 0);
    assert_string_equal(ws_close_reason(NULL), "");
    assert_string_equal(ws_subprotocol(NULL), "");
    assert_string_equal(ws_local_addr(NULL), "");
    assert_string_equal(ws_remote_addr(NULL), "");
    assert_false(ws_closed_with(NULL, 1000, 1001));
    ws_set_coalescing(NULL, true);
    ws_set_read_limit(NULL, 1);
    ws_set_read_deadline(NULL, 1);
    ws_set_write_deadline(NULL, 1);
    ws_enable_write_compression(NULL, true);
    ws_set_ping_handler(NULL, NULL, NULL);
    ws_set_pong_handler(NULL, NULL, NULL);
    ws_set_close_handler(NULL, NULL, NULL);
    ws_set_user(NULL, &m);
    ws_shutdown(NULL);
    ws_close(NULL);
    ws_unref(NULL);
}

static void *take_buffer(size_t size, void *arg)
{
    (void)arg;
    return malloc(size);
}

static void give_buffer(void *buffer, size_t size, void *arg)
{
    (void)size;
    (void)arg;
    free(buffer);
}

/* Of what a connection mostly leaves as it is. */
static void one_setting_alone_is_enough(void **state)
{
    (void)state;
    static const ws_buffer_pool pool = { take_buffer, give_buffer, NULL };
    static const struct ws__setup alone[] = {
        { .read_limit = 7 },       { .read_buffer_size = 700 },
        { .write_timeout_ms = 7 }, { .write_buffer_size = 700 },
        { .ping_interval_ms = 7 }, { .write_buffer_pool = &pool },
        { .min_read_rate = 7 },    { .deflate = { .on = true } },
        { .subprotocol = "7" },
    };

    for (size_t i = 0; i < COUNT(alone); i++)
        for (int client = 0; client < 2; client++) {
            const struct ws__setup *s = &alone[i];
            struct ws__setup as = *s;
            int fds[2];

            make_pair(fds);
            as.client = client;
            ws_conn *c = set_up(fds[0], &as);
            const struct ws__extras *x = ws__extras(c),
                                    *usual = &ws__usual[client];

            assert_int_equal(x->read_limit,
                             s->read_limit ? 7 : usual->read_limit);
            assert_int_equal(x->read_buffer_size, s->read_buffer_size);
            assert_int_equal(x->write_buffer_size,
                             s->write_buffer_size ? 700
                                                  : usual->write_buffer_size);
            assert_ptr_equal(x->write_buffer_pool, s->write_buffer_pool);
            assert_int_equal(x->write_timeout_ms,
                             s->write_timeout_ms ? 7 : usual->write_timeout_ms);
            assert_int_equal(x->ping_interval_ms,
                             s->ping_interval_ms ? 7 : usual->ping_interval_ms);
            assert_int_equal(x->gives_up,
                             usual->gives_up || s->ping_interval_ms);
            assert_int_equal(x->min_read_rate,
                             s->min_read_rate ? 7 : usual->min_read_rate);
            assert_int_equal(x->deflate.on, s->deflate.on);
            assert_string_equal(ws_subprotocol(c),
                                s->subprotocol ? s->subprotocol : "");
            close(fds[1]);
            ws_close(c);
        }
}

static void no_descriptor_is_no_connection(void **state)
{
    (void)state;
    ws_error err;

    assert_null(ws_adopt(-1, NULL, &err));
    assert_int_equal(err.code, -EBADF);
    assert_non_null(strstr(err.text, "descriptor -1"));
    assert_null(ws_adopt(-1, NULL, NULL));
}

/* ---- About it ----------------------------------------------------------- */

static void it_knows_what_it_was_told(void **state)
{
    (void)state;
    char name[] = "chat";
    int fds[2], mine;

    make_pair(fds);
    ws_conn *c = adopt(fds[0], &(ws_adoption){ .subprotocol = name });
    name[0] = 'X';
    assert_string_equal(ws_subprotocol(c), "chat");
    assert_int_equal(ws_fd(c), fds[0]);
    assert_string_equal(ws_local_addr(c), "");
    assert_string_equal(ws_remote_addr(c), "");
    assert_null(ws_user(c));
    ws_set_user(c, &mine);
    assert_ptr_equal(ws_user(c), &mine);
    assert_int_equal(ws_conn_error(c)->code, 0);
    assert_string_equal(ws_conn_error(c)->text, "");
    assert_int_equal(ws_close_code(c), 0);
    assert_string_equal(ws_close_reason(c), "");
    assert_false(ws_closed_with(c, 1000));
    close(fds[1]);
    ws_close(c);
}

static void the_addresses_of_tcp_are_numbers(void **state)
{
    (void)state;
    struct sockaddr_storage a;
    socklen_t n = sizeof(a);
    char listening[WS__ADDR_LEN], local[WS__ADDR_LEN], peer[WS__ADDR_LEN];
    int listener = ws__listen("127.0.0.1:0", NULL, NULL), fd;

    assert_true(listener >= 0);
    ws__local_name(listener, listening);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &n), 0);
    int raw = ws__connect((struct sockaddr *)&a, n, patience(), NULL);
    assert_true(raw >= 0);
    while ((fd = ws__accept(listener, peer)) == -EAGAIN)
        ws_yield();
    ws_conn *c = adopt(fd, NULL);
    ws__local_name(raw, local);
    assert_string_equal(ws_local_addr(c), listening);
    assert_string_equal(ws_remote_addr(c), local);
    assert_int_equal(strncmp(ws_remote_addr(c), "127.0.0.1:", 10), 0);

    /* They outlive the peer. */
    close(raw);
    ws_message m;
    assert_int_equal(ws_read_message(c, &m), WS_ERR_EOF);
    assert_string_equal(ws_remote_addr(c), local);
    close(listener);
    ws_close(c);
}

static void addresses_need_memory_once(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    alloc_fail_at(1);
    assert_string_equal(ws_local_addr(c), "");
    assert_true(alloc_failed());
    const char *local = ws_local_addr(c);
    alloc_fail_at(1);
    assert_ptr_equal(ws_local_addr(c), local);
    assert_false(alloc_failed());
    alloc_fail_at(0);
    close(raw);
    ws_close(c);
}

/* ---- References --------------------------------------------------------- */

static void close_and_unref(void)
{
    int raw;
    long before = mode_live();
    ws_conn *c = with_raw(&raw, &(ws_adoption){ .subprotocol = "chat" });

    assert_ptr_equal(ws_ref(c), c);
    assert_ptr_equal(ws_ref(c), c);
    assert_int_equal(ws_local_addr(c)[0], '\0');
    ws_shutdown(c); /* so that nothing lingers */
    ws_close(c);
    ws_unref(c);
    assert_true(mode_live() > before);
    assert_int_equal(ws_write_text(c, "x"), WS_ERR_CANCELED);
    assert_string_equal(ws_subprotocol(c), "chat");
    ws_unref(c);
    close(raw);
}

static void memory_goes_with_the_last_reference(void **state)
{
    (void)state;
    close_and_unref(); /* the pool keeps a buffer of the first */
    long before = mode_live();
    close_and_unref();
    assert_int_equal(mode_live(), before);
}

static void the_socket_goes_with_the_last_reference(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = ws_ref(with_raw(&raw, NULL));
    int fd = ws_fd(c);

    shutdown(raw, SHUT_RDWR);
    ws_close(c);
    assert_int_equal(ws_fd(c), fd);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    ws_unref(c);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    close(raw);
}

/* ---- Errors ------------------------------------------------------------- */

static void the_first_error_is_the_connections(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);
    ws_message m;

    close(raw);
    assert_int_equal(ws_read_message(c, &m), WS_ERR_EOF);
    const ws_error *e = ws_conn_error(c);
    assert_int_equal(e->code, WS_ERR_EOF);
    assert_string_equal(e->text, ws_strerror(WS_ERR_EOF));
    assert_int_equal(ws_write_text(c, "x"), -EPIPE);
    assert_int_equal(ws_write_text(c, "x"), -EPIPE);
    assert_int_equal(ws_read_message(c, &m), WS_ERR_EOF);
    assert_ptr_equal(ws_conn_error(c), e);
    assert_int_equal(e->code, WS_ERR_EOF);
    ws_close(c);
}

/* Without memory for words the usual ones have to do, of each the right ones. */
static void without_memory_each_error_has_its_own_code(void **state)
{
    (void)state;
    int raw[3];
    ws_conn *c[3];
    const ws_error *e[3];

    for (int i = 0; i < 3; i++) {
        c[i] = with_raw(&raw[i], NULL);
        close(raw[i]);
    }
    alloc_fail_from(1);
    ws__conn_fail(c[0], WS_ERR_DEAD, "lost words");
    ws__conn_fail(c[1], -EPIPE, "lost words");
    ws__conn_closed(c[2]);
    for (int i = 0; i < 3; i++)
        e[i] = ws_conn_error(c[i]);
    assert_ptr_equal(ws_conn_error(c[0]), e[0]);
    alloc_fail_at(0);
    assert_int_equal(e[0]->code, WS_ERR_DEAD);
    assert_string_equal(e[0]->text, ws_strerror(WS_ERR_DEAD));
    assert_int_equal(e[1]->code, -EPIPE);
    assert_string_equal(e[1]->text, "Broken pipe");
    assert_int_equal(e[2]->code, WS_ERR_CLOSED);
    for (int i = 0; i < 3; i++)
        ws_close(c[i]);
}

static void without_memory_for_a_deadline_the_connection_is_over(void **state)
{
    (void)state;
    int raw;
    ws_message m;
    ws_conn *c = with_raw(&raw, NULL);

    alloc_fail_from(1);
    ws_set_read_deadline(c, 0); /* there is none, which takes no memory */
    ws_set_write_deadline(c, 0);
    assert_int_equal(ws_conn_error(c)->code, 0);
    ws_set_write_deadline(c, ws_after(1));
    alloc_fail_at(0);
    assert_int_equal(ws_conn_error(c)->code, -ENOMEM);
    assert_int_equal(ws_read_message(c, &m), WS_ERR_CANCELED);
    assert_int_equal(ws_write_text(c, "x"), WS_ERR_CANCELED);
    ws_close(c);
    close(raw);
}

/* Where pointers have 8 bytes: 256 with the watch and what malloc adds. */
static void one_that_waits_is_small_and_lies_with_its_watch(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    assert_ptr_equal(ws__watch_room(c->stream.watch),
                     ws__in_fiber() ? c : NULL);
    if (sizeof(void *) == 8)
        assert_true(sizeof(*c) <= 216);
    ws_close(c);
    close(raw);
}

static int left;

static void count_left(struct ws__share *s)
{
    (void)s;
    left++;
}

/* Whatever it has no memory for. */
static void each_connection_leaves_its_share_once(void **state)
{
    (void)state;
    struct ws__share share = { .leave = count_left };
    const struct ws__setup setup = {
        .share = &share, .remote = "peer", .early = "x", .early_len = 1
    };
    int failed = 0;

    for (bool made = false; !made; failed++) {
        struct ws__stream s;
        int fd[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
        ws__stream_socket(&s, fd[0]);
        left = 0;
        alloc_fail_at(1 + failed);
        ws_conn *c = ws__conn_new(&s, &setup, NULL);
        alloc_fail_at(0);
        made = c;
        assert_int_equal(left, made ? 0 : 1);
        ws_shutdown(c); /* so that nothing lingers */
        ws_close(c);
        assert_int_equal(left, 1);
        close(fd[1]);
    }
    assert_true(failed > 3);
}

static void an_error_of_writing_leaves_reading_alone(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);
    ws_message m;

    say_text(raw, "read all the same");
    say_frame(raw, FIN | WS_CLOSE, true, "\x03\xe8", 2);
    close(raw);
    assert_int_equal(ws_write_text(c, "x"), -EPIPE);
    assert_int_equal(ws_conn_error(c)->code, -EPIPE);
    assert_string_equal(ws_conn_error(c)->text,
                        "the transport failed: Broken pipe");
    assert_int_equal(ws_read_message(c, &m), 0);
    assert_int_equal(ws_read_message(c, &m), WS_ERR_CLOSED);
    assert_int_equal(ws_conn_error(c)->code, -EPIPE);
    assert_int_equal(ws_close_code(c), WS_CLOSE_NORMAL);
    assert_int_equal(ws_flush(c), -EPIPE);
    assert_int_equal(ws_next_writer(c, WS_TEXT), -EPIPE);
    ws_close(c);
}

static int answer_ourselves(ws_conn *c, int code, const char *reason, void *arg)
{
    (void)reason;
    *(int *)arg = ws_write_close(c, code, NULL);
    return 0;
}

/* The peer has said why, and is gone. */
static ws_conn *with_a_peer_that_closed(void)
{
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    say_frame(raw, FIN | WS_PING, true, "x", 1);
    say_frame(raw, FIN | WS_CLOSE, true, "\x03\xf1too long", 10);
    close(raw);
    return c;
}

static void expect_the_peers_story(ws_conn *c)
{
    ws_message m;

    assert_int_equal(ws_read_message(c, &m), WS_ERR_CLOSED);
    assert_int_equal(ws_close_code(c), WS_CLOSE_TOO_BIG);
    assert_int_equal(ws_conn_error(c)->code, WS_ERR_CLOSED);
    assert_non_null(strstr(ws_conn_error(c)->text, "1009"));
    assert_int_equal(ws_write_text(c, "x"), -EPIPE);
    assert_int_equal(ws_conn_error(c)->code, WS_ERR_CLOSED);
    ws_close(c);
}

static void an_answer_that_fails_does_not_hide_the_peers_close(void **state)
{
    (void)state;
    ws_conn *c = with_a_peer_that_closed();
    int error = 0;

    expect_the_peers_story(c);

    c = with_a_peer_that_closed();
    ws_set_close_handler(c, answer_ourselves, &error);
    expect_the_peers_story(c);
    assert_int_equal(error, -EPIPE);
}

static void nor_does_what_nobody_asked_for(void **state)
{
    (void)state;
    ws_conn *c = with_a_peer_that_closed();

    ws__outbox_goodbye(c, WS_CLOSE_GOING_AWAY, NULL);
    assert_int_equal(ws_conn_error(c)->code, 0);
    expect_the_peers_story(c);

    c = with_a_peer_that_closed();
    ws__outbox_ping(c);
    assert_int_equal(ws_conn_error(c)->code, 0);
    expect_the_peers_story(c);
}

/* Nobody was told, so whoever writes next is. */
static void what_failed_in_silence_is_told_to_the_next_writer(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    close(raw);
    ws__outbox_ping(c);
    assert_int_equal(ws_conn_error(c)->code, 0);
    assert_int_equal(ws_write_text(c, "x"), -EPIPE);
    assert_int_equal(ws_conn_error(c)->code, -EPIPE);
    assert_string_equal(ws_conn_error(c)->text,
                        "the transport failed: Broken pipe");
    ws_close(c);
}

/* ---- Deadlines ---------------------------------------------------------- */

static void a_deadline_ends_a_read_that_waits(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);
    ws_message m;

    for (int i = 0; i < 2; i++) { /* it holds for every later read */
        int64_t until = ws_after(30);

        ws_set_read_deadline(c, until);
        assert_int_equal(ws_read_message(c, &m), WS_ERR_TIMEOUT);
        assert_true(ws_now() >= until);
        assert_int_equal(ws_read_message(c, &m), WS_ERR_TIMEOUT);
    }
    assert_int_equal(ws_conn_error(c)->code, 0);
    assert_int_equal(ws_close_code(c), 0);
    say_text(raw, "in time");
    assert_int_equal(ws_read_message(c, &m), 0);
    assert_string_equal(m.data, "in time");
    close(raw);
    ws_close(c);
}

/* ---- Many at once ------------------------------------------------------- */

enum { WRITERS = 8, MESSAGES = 200 };

/* What one fiber does: it notes how it went, for only the test's own may fail
 * it. */
struct part {
    ws_conn *c;
    uint8_t id;
    const char *text;
    size_t n;
    int count;
    int error;
    atomic_bool *done;
    atomic_bool *over; /* nobody pings any more */
};

static void join(ws_fiber *f, const struct part *p)
{
    assert_non_null(f);
    ws_join(f);
    assert_int_equal(p->error, 0);
}

static size_t size_of(int id, int i)
{
    return i % 50 == 49 ? 70000 : (size_t)(i * i * 7 + id * 1001) % 20000;
}

/* Each begins with who wrote it, and the how manieth it is. */
static void write_many(void *arg)
{
    struct part *p = arg;
    uint8_t *bytes = malloc(70002);

    for (int i = 0; i < MESSAGES && p->error == 0; i++) {
        size_t n = size_of(p->id, i);

        bytes[0] = p->id;
        bytes[1] = (uint8_t)i;
        memcpy(bytes + 2, p->text + i, n);
        p->error = ws_write_message(p->c, WS_BINARY, bytes, n + 2);
    }
    free(bytes);
    ws_unref(p->c);
}

static void ping_on(void *arg)
{
    struct part *p = arg;

    for (; !atomic_load(p->done); ws_yield()) {
        int error = ws_write_control(p->c, WS_PING, "ping", 4, 0);

        if (error != 0 && !atomic_load(p->done))
            p->error = error;
        p->count += error == 0;
    }
    if (p->over)
        atomic_store(p->over, true);
    ws_unref(p->c);
}

static int count_pong(ws_conn *c, const char *data, size_t len, void *arg)
{
    (void)c;
    ++*(int *)arg;
    return len == 4 && memcmp(data, "ping", 4) == 0 ? 0 : WS_ERR_CODEC;
}

/* Reads until the peer closes, and closes when nobody else writes: an answer that
 * has found no room goes then. */
static void read_all(void *arg)
{
    struct part *p = arg;
    ws_message m;
    int error;

    while ((error = ws_read_message(p->c, &m)) == 0)
        p->count++;
    p->error = error == WS_ERR_CLOSED ? 0 : error;
    await(p->over);
    ws_close(p->c);
}

static void read_many(ws_conn *c, const char *text)
{
    int next[WRITERS] = { 0 };
    ws_message m;

    for (int k = 0; k < WRITERS * MESSAGES; k++) {
        assert_int_equal(ws_read_message(c, &m), 0);
        assert_true(m.len >= 2 && (uint8_t)m.data[0] < WRITERS);
        int id = m.data[0], i = (uint8_t)m.data[1];
        assert_int_equal(i, next[id]++);
        assert_int_equal(m.len, size_of(id, i) + 2);
        assert_memory_equal(m.data + 2, text + i, m.len - 2);
    }
}

static void many_write_at_once(bool compression)
{
    char *text = make_text(70000 + MESSAGES);
    atomic_bool done = false, over = false;
    struct part parts[WRITERS];
    ws_fiber *fibers[WRITERS];
    ws_conn *server, *client;
    int pongs = 0;

    both(&server, &client, compression);
    ws_set_pong_handler(server, count_pong, &pongs);
    struct part reader = { .c = server, .over = &over };
    struct part pinger = {
        .c = ws_ref(server), .count = 1, .done = &done, .over = &over
    };
    assert_int_equal(ws_write_control(server, WS_PING, "ping", 4, 0), 0);
    ws_fiber *reading = mode_go(read_all, &reader);
    ws_fiber *pinging = mode_go(ping_on, &pinger);
    for (int i = 0; i < WRITERS; i++) {
        parts[i] = (struct part){ .c = ws_ref(server),
                                  .id = (uint8_t)i,
                                  .text = text };
        fibers[i] = mode_go(write_many, &parts[i]);
    }
    read_many(client, text);
    for (int i = 0; i < WRITERS; i++)
        join(fibers[i], &parts[i]);
    atomic_store(&done, true);
    assert_int_equal(ws_finish(client, 1000, NULL, patience()), 0);
    join(pinging, &pinger);
    join(reading, &reader);
    assert_int_equal(reader.count, 0);
    assert_true(pongs > 0 && pongs <= pinger.count);
    ws_close(client);
    free(text);
}

static void messages_of_many_arrive_whole_and_in_order(void **state)
{
    (void)state;
    many_write_at_once(false);
}

static void and_so_they_do_compressed(void **state)
{
    (void)state;
    many_write_at_once(true);
}

/* ---- Both ways ---------------------------------------------------------- */

enum { LARGE = 4 << 20, FRAGMENT = 50000 };

static int write_pieces(const struct part *p)
{
    int error = ws_next_writer(p->c, WS_TEXT);

    for (size_t at = 0, n; at < p->n && error == 0; at += n) {
        n = p->n - at < FRAGMENT ? p->n - at : FRAGMENT;
        error = ws_write(p->c, p->text + at, n);
    }
    return error == 0 ? ws_end_message(p->c) : error;
}

static void write_large(void *arg)
{
    struct part *p = arg;

    p->error = ws_write_message(p->c, WS_TEXT, p->text, p->n);
    if (p->error == 0)
        p->error = write_pieces(p);
}

static void read_large(void *arg)
{
    struct part *p = arg;
    ws_message m;

    for (int i = 0; i < 2 && p->error == 0; i++) {
        p->error = ws_read_message(p->c, &m);
        if (p->error == 0 &&
            (m.len != p->n || memcmp(m.data, p->text, p->n) != 0))
            p->error = WS_ERR_CODEC;
    }
}

static void both_write(bool compression, const char *text)
{
    atomic_bool done = false;
    struct part writers[2], readers[2], pingers[2];
    ws_fiber *writing[2], *reading[2], *pinging[2];
    ws_conn *ends[2];

    both(&ends[0], &ends[1], compression);
    for (int i = 0; i < 2; i++) {
        writers[i] = (struct part){ .c = ends[i], .text = text, .n = LARGE };
        readers[i] = writers[i];
        pingers[i] = (struct part){ .c = ws_ref(ends[i]), .done = &done };
        writing[i] = mode_go(write_large, &writers[i]);
        reading[i] = mode_go(read_large, &readers[i]);
        pinging[i] = mode_go(ping_on, &pingers[i]);
    }
    for (int i = 0; i < 2; i++) {
        join(writing[i], &writers[i]);
        join(reading[i], &readers[i]);
    }
    atomic_store(&done, true);
    ws_shutdown(ends[0]);
    ws_shutdown(ends[1]);
    for (int i = 0; i < 2; i++) {
        join(pinging[i], &pingers[i]);
        ws_close(ends[i]);
    }
}

static void two_that_both_write_do_not_wait_for_each_other(void **state)
{
    (void)state;
    char *text = make_text(LARGE);

    both_write(false, text);
    both_write(true, text);
    free(text);
}

static void set_and_look(void *arg)
{
    struct part *p = arg;

    for (int i = 0; i < 1000; i++) {
        ws_set_user(p->c, p);
        ws_set_read_deadline(p->c, i);
        ws_set_write_deadline(p->c, i);
        ws_enable_write_compression(p->c, i % 2);
        ws_set_compression_level(p->c, i % 9);
        ws_set_coalescing(p->c, i % 2);
        if (!ws_user(p->c) || ws_conn_error(p->c)->code != 0 ||
            ws_close_code(p->c) != 0 || *ws_remote_addr(p->c) != '\0')
            p->error = WS_ERR_INVALID;
    }
}

static void any_thread_may_set_and_look(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);
    struct part parts[2] = { { .c = c }, { .c = c } };
    ws_fiber *f = mode_go(set_and_look, &parts[0]);

    set_and_look(&parts[1]);
    join(f, &parts[0]);
    assert_int_equal(parts[1].error, 0);
    close(raw);
    ws_close(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* First, while nothing lingers that could allocate. */
        cmocka_unit_test(memory_goes_with_the_last_reference),
        cmocka_unit_test(the_socket_goes_with_the_last_reference),
        cmocka_unit_test(addresses_need_memory_once),
        cmocka_unit_test(without_a_connection_what_returns_a_code_says_invalid),
        cmocka_unit_test(without_a_place_for_what_is_read_it_is_invalid),
        cmocka_unit_test(without_a_connection_the_rest_says_nothing),
        cmocka_unit_test(one_setting_alone_is_enough),
        cmocka_unit_test(no_descriptor_is_no_connection),
        cmocka_unit_test(it_knows_what_it_was_told),
        cmocka_unit_test(the_addresses_of_tcp_are_numbers),
        cmocka_unit_test(the_first_error_is_the_connections),
        cmocka_unit_test(without_memory_each_error_has_its_own_code),
        cmocka_unit_test(without_memory_for_a_deadline_the_connection_is_over),
        cmocka_unit_test(one_that_waits_is_small_and_lies_with_its_watch),
        cmocka_unit_test(each_connection_leaves_its_share_once),
        cmocka_unit_test(an_error_of_writing_leaves_reading_alone),
        cmocka_unit_test(an_answer_that_fails_does_not_hide_the_peers_close),
        cmocka_unit_test(nor_does_what_nobody_asked_for),
        cmocka_unit_test(what_failed_in_silence_is_told_to_the_next_writer),
        cmocka_unit_test(a_deadline_ends_a_read_that_waits),
        cmocka_unit_test(messages_of_many_arrive_whole_and_in_order),
        cmocka_unit_test(and_so_they_do_compressed),
        cmocka_unit_test(two_that_both_write_do_not_wait_for_each_other),
        cmocka_unit_test(any_thread_may_set_and_look),
    };

    alloc_fail_install();
    return run_in_mode("conn", tests, NULL, NULL);
}
