/* SPDX-License-Identifier: MIT */

/* Buffers of every size that a handshake may set, where the library's own are
 * lent otherwise: every way of writing fills them, every way of reading too. */

#include "pair.h"
#include "conn/conn.h"

#include "mode.h"
#include "conn/outbox.h"
#include "conn/pools.h"

static const size_t sizes[] = {
    1,
    255,
    256,
    257,
    4096,
    WS__WRITE_BUFFER - 1,
    WS__WRITE_BUFFER,
    WS__WRITE_BUFFER + WS__WRITE_RESERVE,
    WS__READ_BUFFER - WS__WRITE_RESERVE,
    WS__READ_BUFFER - 1,
    WS__READ_BUFFER,
    WS__READ_BUFFER + 1,
    2 * WS__READ_BUFFER,
    1024 * 1024,
};

enum {
    /* Messages: in each way of writing, shorter than the buffer, and longer. */
    WAYS = 5,
    LENGTHS = 3,
    MESSAGES = WAYS * LENGTHS,

    LARGE = 512 * 1024, /* of these there is less to say */
};

struct stage {
    ws_conn *writer;
    ws_conn *reader;
    size_t size;
    const char *text; /* longer than any message, or a ping */
    int error;
};

static size_t length_of(size_t size, int i)
{
    const size_t lengths[] = { size - size / 3, size + 1, 2 * size + 17 };

    return size < LARGE || i == 1 ? lengths[i] : 100;
}

/* ---- Writing ------------------------------------------------------------ */

static int write_pieces(ws_conn *c, const char *text, size_t n, size_t piece)
{
    int error = ws_next_writer(c, WS_TEXT);

    for (size_t at = 0, k; error == 0 && at < n; at += k) {
        k = n - at < piece ? n - at : piece;
        error = ws_write(c, text + at, k);
        if (error == 0 && at == 0)
            error = ws_write_control(c, WS_PING, text, WS__CONTROL_MAX, 0);
    }
    return error == 0 ? ws_end_message(c) : error;
}

static int write_prepared(ws_conn *c, const char *text, size_t n)
{
    ws_prepared *p = ws_prepare(WS_TEXT, text, n);
    int error = ws_write_prepared(c, p);

    ws_prepared_free(p);
    return error;
}

static int write_one(struct stage *s, int way, size_t n)
{
    switch (way) {
    case 0:
        return ws_write_message(s->writer, WS_TEXT, s->text, n);
    case 1: /* two of them are more than the buffer is to hold */
        return write_pieces(s->writer, s->text, n, s->size * 2 / 3 + 1);
    case 2:
        return write_pieces(s->writer, s->text, n, s->size / 5 + 1);
    case 3:
        return ws_writef(s->writer, "%.*s", (int)n, s->text);
    default:
        return write_prepared(s->writer, s->text, n);
    }
}

static void write_all(void *arg)
{
    struct stage *s = arg;

    for (int i = 0; i < MESSAGES && s->error == 0; i++)
        s->error = write_one(s, i % WAYS, length_of(s->size, i / WAYS));
}

/* ---- Reading ------------------------------------------------------------ */

static void same(const struct stage *s, size_t at, const char *data, size_t n)
{
    assert_memory_equal(data, s->text + at, n);
}

static size_t read_whole(const struct stage *s)
{
    ws_message m;

    assert_int_equal(ws_read_message(s->reader, &m), 0);
    same(s, 0, m.data, m.len);
    return m.len;
}

static size_t read_pieces(const struct stage *s, char *buf, size_t size)
{
    size_t at = 0;
    ws_type type;
    ptrdiff_t n;

    assert_int_equal(ws_next_reader(s->reader, &type), 0);
    while ((n = ws_read(s->reader, buf, size)) > 0) {
        same(s, at, buf, (size_t)n);
        at += (size_t)n;
    }
    assert_int_equal(n, 0);
    return at;
}

/* Up to the terminator, which no text holds. */
static size_t read_joined(const struct stage *s, char *buf, size_t size)
{
    size_t at = 0;

    for (;;) {
        ptrdiff_t n = ws_read_joined(s->reader, "\n", buf, size);
        assert_true(n > 0);
        if (buf[n - 1] == '\n')
            return at;
        same(s, at, buf, (size_t)n);
        at += (size_t)n;
    }
}

static size_t read_one(const struct stage *s, int way)
{
    static char buf[3000];

    if (way == 0)
        return read_whole(s);
    return way == 1 ? read_pieces(s, buf, sizeof(buf))
                    : read_joined(s, buf, sizeof(buf));
}

static ws_conn *end(int fd, bool client, size_t size, bool compression)
{
    return set_up(fd, &(struct ws__setup){ .client = client,
                                           .read_buffer_size = size,
                                           .write_buffer_size = size,
                                           .deflate = { .on = compression,
                                                        .server_bits = 15,
                                                        .client_bits = 15 } });
}

static void exchange(size_t size, bool client, bool compression)
{
    char *text = make_text(2 * size + WS__CONTROL_MAX);
    struct stage s = { .size = size, .text = text };
    int fds[2];

    make_pair(fds);
    s.writer = end(fds[0], client, size, compression);
    s.reader = end(fds[1], !client, size, compression);
    ws_fiber *f = mode_go(write_all, &s);
    for (int i = 0; i < MESSAGES; i++)
        assert_int_equal(read_one(&s, i % 3), length_of(size, i / WAYS));
    ws_join(f);
    assert_int_equal(s.error, 0);
    ws_close(s.writer);
    ws_close(s.reader);
    free(text);
}

static void a_servers_messages_pass_through_buffers_of_any_size(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(sizes); i++)
        exchange(sizes[i], false, false);
}

static void a_clients_messages_do_too(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(sizes); i++)
        exchange(sizes[i], true, false);
}

static void and_so_do_compressed_ones(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(sizes); i++)
        exchange(sizes[i], i % 2, true);
}

/* ---- A stream whose room is the test's ---------------------------------- */

static size_t room; /* how many bytes it still takes */

static ssize_t take_as_told(struct ws__stream *s, const struct iovec *v, int n)
{
    size_t taken = 0;

    (void)s;
    for (int i = 0; i < n; i++) {
        size_t k = v[i].iov_len < room ? v[i].iov_len : room;
        room -= k;
        taken += k;
    }
    return taken > 0 ? (ssize_t)taken : -EAGAIN;
}

static ssize_t end_of_input(struct ws__stream *s, void *p, size_t n)
{
    (void)s, (void)p, (void)n;
    return 0;
}

static int no_more(struct ws__stream *s)
{
    (void)s;
    return 0;
}

/* To wait for room is to wait for the deadline. */
static ws_conn *that_takes_as_told(int *raw, const struct ws__setup *setup)
{
    static const char zeros[1000];
    static struct ws__stream_ops told = { .read = end_of_input,
                                          .writev = take_as_told,
                                          .half_close = no_more };
    static struct ws__transport as_told = { &told };
    struct ws__stream s;
    ws_error err;
    int fds[2];

    make_pair(fds);
    ws__nonblocking(fds[0]);
    while (send(fds[0], zeros, sizeof(zeros), MSG_NOSIGNAL) > 0)
        continue;
    ws__stream_socket(&s, fds[0]);
    told.fini = s.transport->ops->fini;
    s.transport = &as_told;
    ws_conn *c = ws__conn_new(&s, setup, &err);
    assert_non_null(c);
    *raw = fds[1];
    return c;
}

/* A deadline that has passed takes a message back, and leaves what went ahead of
 * it: so the room for answers must not shrink with each. */
static void answers_have_room_however_often_a_message_is_taken_back(
    void **state)
{
    (void)state;
    char *text = make_text(WS__WRITE_BUFFER + WS__WRITE_RESERVE);
    char pong[WS__CONTROL_MAX] = { 0 };
    int raw;
    ws_conn *c = that_takes_as_told(&raw, &(struct ws__setup){ 0 });

    /* The pong before it is still in the buffer, and goes now. */
    room = 0;
    ws__outbox_pong(c, pong, sizeof(pong));
    ws_set_write_deadline(c, 1);
    for (int i = 0;
         i < 2 * (WS__WRITE_BUFFER + WS__WRITE_RESERVE) / (int)sizeof(pong);
         i++) {
        ws__outbox_pong(c, pong, sizeof(pong));
        room = 2 + sizeof(pong);
        assert_int_equal(
            ws_write_message(c, WS_BINARY, text,
                             WS__WRITE_BUFFER + WS__WRITE_RESERVE / 2),
            WS_ERR_TIMEOUT);
        assert_int_equal(room, 0);
    }
    room = SIZE_MAX;
    close(raw);
    ws_close(c);
    free(text);
}

enum { GUARD = 512 };

static void *get_guarded(size_t size, void *arg)
{
    uint8_t *p = malloc(size + GUARD);

    (void)arg;
    assert_non_null(p);
    memset(p + size, GUARD / 3, GUARD);
    return p;
}

static void put_guarded(void *buffer, size_t size, void *intact)
{
    const uint8_t *guard = (uint8_t *)buffer + size;

    for (int i = 0; i < GUARD; i++)
        if (guard[i] != GUARD / 3)
            *(bool *)intact = false;
    free(buffer);
}

/* However full it is: a message finds no room before an answer does not. */
static void no_answer_is_put_behind_the_buffer(void **state)
{
    (void)state;
    char pong[WS__CONTROL_MAX] = { 0 };

    for (size_t size = 300; size < 300 + sizeof(pong); size += 25) {
        bool intact = true;
        const ws_buffer_pool pool = { get_guarded, put_guarded, &intact };
        int raw;
        ws_conn *c = that_takes_as_told(
            &raw, &(struct ws__setup){ .write_buffer_size = size,
                                       .write_buffer_pool = &pool });

        room = 0;
        ws_set_write_deadline(c, 1);
        for (size_t n = 0; n < size + WS__WRITE_RESERVE; n += sizeof(pong)) {
            ws__outbox_pong(c, pong, sizeof(pong));
            assert_int_equal(ws_write_message(c, WS_BINARY, "x", 1),
                             WS_ERR_TIMEOUT);
        }
        room = SIZE_MAX;
        close(raw);
        ws_close(c);
        assert_true(intact);
    }
}

static void a_size_that_cannot_be_is_a_lack_of_memory(void **state)
{
    (void)state;
    int fds[2];

    make_pair(fds);
    ws_conn *c =
        set_up(fds[0], &(struct ws__setup){ .write_buffer_size = SIZE_MAX,
                                            .read_buffer_size = SIZE_MAX });
    ws_message m;

    assert_int_equal(ws_write_text(c, "x"), -ENOMEM);
    say_text(fds[1], "x");
    assert_int_equal(ws_read_message(c, &m), -ENOMEM);
    close(fds[1]);
    ws_close(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_servers_messages_pass_through_buffers_of_any_size),
        cmocka_unit_test(a_clients_messages_do_too),
        cmocka_unit_test(and_so_do_compressed_ones),
        cmocka_unit_test(
            answers_have_room_however_often_a_message_is_taken_back),
        cmocka_unit_test(no_answer_is_put_behind_the_buffer),
        cmocka_unit_test(a_size_that_cannot_be_is_a_lack_of_memory),
    };

    return run_in_mode("buffers", tests, NULL, NULL);
}
