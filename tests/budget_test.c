/* SPDX-License-Identifier: MIT */

/* Whatever a peer has a fiber do, others have their turn meanwhile.  All that
 * the peer says lies there before it is read, so no turn comes by a wait. */

#include "test.h"

#include <limits.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdio.h>

#include <netinet/in.h>
#include <zlib.h>

#include "fiber/budget.h"
#include "pair.h"

static struct {
    atomic_bool over;
    long turns;
} neighbour;

static struct {
    ws_event begin;
    atomic_bool held;
    long turns; /* the neighbour's, beside it */
    long turns_of_close;
} greedy;

static void take_turns(void *arg)
{
    (void)arg;
    while (!atomic_load(&neighbour.over)) {
        neighbour.turns++;
        ws_yield();
    }
}

/* ---- A connection ------------------------------------------------------- */

enum {
    FRAMES = 8000,
    INFLATED = 4 * 1024 * 1024,
    FEW = 64 * 1024,
};

struct flood {
    const char *name;
    size_t (*make)(uint8_t *out);
    int (*read)(ws_conn *c);
    long least;
};

/* Very many with nothing in them. */
static size_t make_frames(uint8_t *out, uint8_t first, uint8_t rest,
                          uint8_t last)
{
    size_t n = make_frame(out, first, true, "", 0);

    for (int i = 0; i < FRAMES; i++)
        n += make_frame(out + n, rest, true, "", 0);
    return n + make_frame(out + n, last, true, "", 0);
}

static size_t make_empty_fragments(uint8_t *out)
{
    return make_frames(out, WS_TEXT, 0, FIN);
}

static size_t make_pongs(uint8_t *out)
{
    return make_frames(out, FIN | WS_PONG, FIN | WS_PONG, FIN | WS_TEXT);
}

/* A message of a few kilobytes that become very many. */
static size_t make_bomb(uint8_t *out)
{
    static uint8_t deflated[FEW];
    uint8_t *zeros = calloc(1, INFLATED);
    z_stream z = { .next_in = zeros,
                   .avail_in = INFLATED,
                   .next_out = deflated,
                   .avail_out = FEW };

    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, -15, 8, 0), Z_OK);
    assert_int_equal(deflate(&z, Z_SYNC_FLUSH), Z_OK);
    size_t n = FEW - z.avail_out - 4;
    deflateEnd(&z);
    free(zeros);
    return make_frame(out, FIN | RSV1 | WS_BINARY, true, deflated, n);
}

static int read_message(ws_conn *c)
{
    ws_message m;

    return ws_read_message(c, &m);
}

static int read_pieces(ws_conn *c)
{
    static char buf[INFLATED];
    ws_type type;
    ptrdiff_t n = ws_next_reader(c, &type);

    if (n == 0)
        do
            n = ws_read(c, buf, sizeof(buf));
        while (n > 0);
    return (int)n;
}

static int skip_message(ws_conn *c)
{
    ws_type type;
    int error = ws_next_reader(c, &type);

    ws_set_read_deadline(c, 1); /* there is no other */
    error = error == 0 ? ws_next_reader(c, &type) : error;
    return error == WS_ERR_TIMEOUT ? 0 : error;
}

static const struct flood floods[] = {
    { "empty fragments", make_empty_fragments, read_message, 100 },
    { "empty fragments in pieces", make_empty_fragments, read_pieces, 100 },
    { "pongs", make_pongs, read_message, 100 },
    { "a bomb", make_bomb, read_message, 60 },
    { "a bomb in pieces", make_bomb, read_pieces, 60 },
    { "a bomb that is skipped", make_bomb, skip_message, 60 },
};

static void be_flooded(void *flood)
{
    static uint8_t bytes[2 * FEW];
    const struct flood *f = flood;
    int fds[2];

    make_pair(fds);
    ws_conn *c = adopt(fds[0], &(ws_adoption){ .compression = true });
    size_t n = f->make(bytes);
    assert_true(n <= sizeof(bytes));
    assert_int_equal(send(fds[1], bytes, n, MSG_DONTWAIT), n);

    atomic_store(&neighbour.over, false);
    ws_fiber *other = ws_go(take_turns, NULL);
    neighbour.turns = 0;
    assert_int_equal(f->read(c), 0);
    greedy.turns = neighbour.turns;
    close(fds[1]); /* so that it need not linger */
    ws_close(c);
    greedy.turns_of_close = neighbour.turns - greedy.turns;
    atomic_store(&neighbour.over, true);
    ws_join(other);
}

static void a_flood_of_frames_lets_others_have_their_turn(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(floods); i++) {
        assert_int_equal(ws_run(be_flooded, (void *)&floods[i]), 0);
        if (greedy.turns < floods[i].least)
            fail_msg("%s: the other had %ld turns, not %ld", floods[i].name,
                     greedy.turns, floods[i].least);
    }
}

/* What shrinks stays in place, as glibc has it, or is copied, as sanitizers have
 * it. */
static bool copies;
static size_t copied; /* of what is large */

static void *shrink(void *ptr, size_t size, void *arg)
{
    size_t before = malloc_usable_size(ptr);

    (void)arg;
    if (size == 0) {
        free(ptr);
        return NULL;
    }
    if (size >= before || size < WS__AT_ONCE)
        return realloc(ptr, size);
    if (!copies)
        return ptr;
    void *p = malloc(size);
    assert_non_null(p);
    memcpy(p, ptr, size);
    free(ptr);
    copied += size;
    return p;
}

static void give_back_large(bool by_copies)
{
    struct flood f = { "", make_bomb, read_message, 0 };

    copies = by_copies;
    copied = 0;
    ws_set_allocator(shrink, NULL);
    int error = ws_run(be_flooded, &f);
    ws_set_allocator(NULL, NULL);
    assert_int_equal(error, 0);
}

/* The kernel takes a while for each of its pages. */
static void a_large_buffer_is_given_back_in_turns(void **state)
{
    (void)state;
    give_back_large(false);
    assert_in_range(greedy.turns_of_close, INFLATED / WS__AT_ONCE / 2,
                    LONG_MAX);
}

static void what_moves_when_it_shrinks_is_not_copied_many_times(void **state)
{
    (void)state;
    give_back_large(true);
    assert_in_range(copied, 1, 4 * INFLATED); /* of a buffer twice as large */
    assert_true(greedy.turns_of_close > 0);
}

/* ---- What is written ---------------------------------------------------- */

enum { LARGE = 300 * 1000 };

struct writing {
    bool takeover;
    bool equal;
    long turns;
};

static void write_large(void *arg)
{
    struct writing *w = arg;
    struct ws__setup setup = { .deflate = { .on = true,
                                            .server_takeover = w->takeover,
                                            .server_bits = 15,
                                            .client_bits = 15 } };
    char *text = make_text(LARGE);
    ws_message m;
    int fds[2];

    make_pair(fds);
    ws_conn *c = set_up(fds[0], &setup);
    setup.client = true;
    ws_conn *peer = set_up(fds[1], &setup);
    atomic_store(&neighbour.over, false);
    ws_fiber *other = ws_go(take_turns, NULL);
    neighbour.turns = 0;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ws_write_message(c, WS_TEXT, text, LARGE), 0);
        w->turns = neighbour.turns;
        assert_int_equal(ws_read_message(peer, &m), 0);
        w->equal = m.len == LARGE && memcmp(m.data, text, LARGE) == 0;
    }
    atomic_store(&neighbour.over, true);
    ws_join(other);
    ws_close(peer);
    ws_close(c);
    free(text);
}

static void a_large_message_is_compressed_in_turns(void **state)
{
    (void)state;
    for (int takeover = 0; takeover < 2; takeover++) {
        struct writing w = { .takeover = takeover };

        assert_int_equal(ws_run(write_large, &w), 0);
        assert_true(w.equal);
        assert_in_range(w.turns, 2 * (LARGE / 32 / 1024), LONG_MAX);
    }
}

/* ---- A server ----------------------------------------------------------- */

static void be_neighbour(ws_request *r, void *arg)
{
    take_turns(arg);
    ws_reply_text(r, 200, "over");
}

static void hold(ws_request *r, void *arg)
{
    (void)arg;
    atomic_store(&greedy.held, true);
    ws_event_wait(&greedy.begin, patience());
    greedy.turns = neighbour.turns;
    ws_reply_text(r, 200, "");
}

static void answer(ws_request *r, void *arg)
{
    (void)arg;
    ws_reply_text(r, 200, "");
}

static void finish(ws_request *r, void *arg)
{
    (void)arg;
    greedy.turns = neighbour.turns - greedy.turns;
    atomic_store(&neighbour.over, true);
    ws_reply(r, 200, (const ws_header[]){ { "Connection", "close" }, { 0 } },
             "", 0);
}

static const ws_route routes[] = {
    { .path = "/neighbour", .handler = be_neighbour },
    { .path = "/hold", .handler = hold },
    { .path = "/finish", .handler = finish },
    { .path = "/", .handler = answer },
    { 0 },
};

#define SERVED " HTTP/1.1\r\nHost: a\r\n"

static size_t repeat(char *out, const char *text, int times)
{
    size_t n = strlen(text);

    for (int i = 0; i < times; i++)
        memcpy(out + (size_t)i * n, text, n);
    return n * (size_t)times;
}

static size_t make_requests(char *out)
{
    return repeat(out, "GET /" SERVED "\r\n", 1000);
}

static size_t make_chunks(char *out)
{
    size_t n =
        repeat(out, "POST /" SERVED "Transfer-Encoding: chunked\r\n\r\n", 1);

    n += repeat(out + n, "1\r\nx\r\n", 8000);
    return n + repeat(out + n, "0\r\n\r\n", 1);
}

static int call(const ws_listener *l)
{
    const char *port = strrchr(ws_listener_addr(l), ':') + 1;
    struct sockaddr_in in = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)strtol(port, NULL, 10)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int fd = ws__connect((struct sockaddr *)&in, sizeof(in), patience(), NULL);

    assert_true(fd >= 0);
    return fd;
}

static void say_line(int fd, const char *line)
{
    say(fd, line, strlen(line));
}

static void drain(int fd)
{
    char drop[4096];

    while (hear_some(fd, drop, sizeof(drop)) > 0)
        continue;
}

/* Returns how many turns another fiber had meanwhile. */
static long turns_beside(size_t (*make)(char *out))
{
    static char bytes[FEW];
    ws_error err;
    ws_listener *l = ws_listen(
        &(ws_server){ .addr = "127.0.0.1:0", .routes = routes, .workers = 1 },
        &err);
    assert_non_null(l);
    atomic_store(&neighbour.over, false);
    atomic_store(&greedy.held, false);
    ws_event_clear(&greedy.begin);

    int other = call(l), fd = call(l);
    say_line(other, "GET /neighbour" SERVED "\r\n");
    say_line(fd, "GET /hold" SERVED "\r\n");
    while (!atomic_load(&greedy.held))
        ws_sleep(1);
    size_t n = make(bytes);
    n += repeat(bytes + n, "GET /finish" SERVED "\r\n", 1);
    assert_true(n <= sizeof(bytes));
    say(fd, bytes, n);
    ws_event_set(&greedy.begin);
    drain(fd);
    close(fd);
    close(other);
    assert_int_equal(ws_listener_shutdown(l, patience()), 0);
    return greedy.turns;
}

static void pipelined_requests_let_others_have_their_turn(void **state)
{
    (void)state;
    assert_in_range(turns_beside(make_requests), 50, LONG_MAX);
}

static void a_body_in_small_chunks_lets_others_have_their_turn(void **state)
{
    (void)state;
    assert_in_range(turns_beside(make_chunks), 3, LONG_MAX);
}

/* So the kernel is told of it now and then, and no number overflows. */
static void a_thread_takes_turns_too(void **state)
{
    (void)state;
    ws__budget = WS__BUDGET;
    ws__spend(WS__BUDGET);
    ws__take_turns();
    assert_int_equal(ws__budget, 0);
    ws__spend_message();
    assert_int_equal(ws__budget, WS__BUDGET);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flood_of_frames_lets_others_have_their_turn),
        cmocka_unit_test(a_thread_takes_turns_too),
        cmocka_unit_test(a_large_buffer_is_given_back_in_turns),
        cmocka_unit_test(what_moves_when_it_shrinks_is_not_copied_many_times),
        cmocka_unit_test(a_large_message_is_compressed_in_turns),
        cmocka_unit_test(pipelined_requests_let_others_have_their_turn),
        cmocka_unit_test(a_body_in_small_chunks_lets_others_have_their_turn),
    };

    return cmocka_run_group_tests_name("budget", tests, NULL, NULL);
}
