/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <silverback/base.h>

#include "fiber/budget.h"
#include "io/stream.h"
#include "mode.h"
#include "slow.h"

enum { LONG = 60000, LARGE = 1 << 20 };

/* Both ends, afresh for each test. */
static struct ws__stream a, b;

static int open_both(void **state)
{
    int fds[2];

    (void)state;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) != 0)
        return -1;
    setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &(int){ 4096 }, sizeof(int));
    ws__stream_socket(&a, fds[0]);
    ws__stream_socket(&b, fds[1]);
    return 0;
}

static void close_one(struct ws__stream *s)
{
    if (s->fd >= 0)
        ws__stream_fini(s);
}

static int close_both(void **state)
{
    (void)state;
    close_one(&a);
    close_one(&b);
    return 0;
}

static void a_new_stream_waits_before_it_reads(void **state)
{
    (void)state;

    assert_false(a.readable);
    assert_int_equal(a.read_events, POLLIN);
    assert_int_equal(a.write_events, POLLOUT);
    assert_int_equal(ws__stream_wait_read(&a, 1), WS_ERR_TIMEOUT);
    assert_int_equal(ws__stream_wait_write(&a, 1), 0);
}

static void read_never_waits(void **state)
{
    (void)state;
    char buf[4];

    assert_int_equal(ws__stream_read(&b, buf, sizeof(buf)), -EAGAIN);
    assert_false(b.readable);
}

static void a_short_read_leaves_nothing_to_read(void **state)
{
    (void)state;
    char buf[4];

    assert_int_equal(ws__stream_write(&a, "abcdef", 6, 0), 0);
    assert_int_equal(ws__stream_wait_read(&b, 0), 0);
    assert_int_equal(ws__stream_read(&b, buf, 4), 4);
    assert_true(b.readable);
    assert_int_equal(ws__stream_wait_read(&b, 1), 0);
    assert_int_equal(ws__stream_read(&b, buf, 4), 2);
    assert_false(b.readable);
    assert_int_equal(ws__stream_wait_read(&b, 1), WS_ERR_TIMEOUT);
}

/* What was read in full may have been all. */
static void a_full_read_may_be_followed_by_nothing(void **state)
{
    (void)state;
    char buf[4];

    assert_int_equal(ws__stream_write(&a, "abcd", 4, 0), 0);
    assert_int_equal(ws__stream_read(&b, buf, 4), 4);
    assert_int_equal(ws__stream_wait_read(&b, 1), 0);
    assert_int_equal(ws__stream_read(&b, buf, 4), -EAGAIN);
    assert_int_equal(ws__stream_wait_read(&b, 1), WS_ERR_TIMEOUT);
}

static void bytes_come_one_by_one(void **state)
{
    (void)state;
    const char text[] = "one byte at a time";
    char got[sizeof(text)];

    assert_int_equal(ws__stream_write(&a, text, sizeof(text), 0), 0);
    for (size_t i = 0; i < sizeof(text); i++)
        assert_int_equal(ws__stream_read(&b, &got[i], 1), 1);
    assert_memory_equal(got, text, sizeof(text));
}

static void a_half_close_ends_one_direction(void **state)
{
    (void)state;
    char buf[4];

    assert_int_equal(ws__stream_write(&a, "ab", 2, 0), 0);
    ws__stream_half_close(&a);
    assert_int_equal(ws__stream_read(&b, buf, 4), 2);
    assert_int_equal(ws__stream_wait_read(&b, 0), 0);
    assert_int_equal(ws__stream_read(&b, buf, 4), 0);
    assert_false(b.readable);

    assert_int_equal(ws__stream_write(&b, "cd", 2, 0), 0);
    assert_int_equal(ws__stream_read(&a, buf, 4), 2);
    assert_int_equal(ws__stream_write(&a, "ef", 2, 0), -EPIPE);
}

static void fini_closes_the_descriptor(void **state)
{
    (void)state;
    int fd = a.fd;
    char buf[4];

    ws__stream_fini(&a);
    assert_int_equal(a.fd, -1);
    assert_int_equal(ws__stream_read(&b, buf, 4), 0);
    assert_int_equal(close(fd), -1);
}

static void writev_gathers(void **state)
{
    (void)state;
    struct iovec v[] = { { "head", 4 }, { "", 0 }, { "payload", 7 } };
    char buf[16];

    assert_int_equal(ws__stream_writev(&a, v, 3), 11);
    assert_int_equal(ws__stream_writev(&a, v, 1), 4);
    assert_int_equal(ws__stream_read(&b, buf, sizeof(buf)), 15);
    assert_memory_equal(buf, "headpayloadhead", 15);
}

static uint8_t *pattern(void)
{
    uint8_t *p = malloc(LARGE);

    assert_non_null(p);
    for (size_t i = 0; i < LARGE; i++)
        p[i] = (uint8_t)(i * 7 + (i >> 8));
    return p;
}

/* By TCP: a local socket has no packets. */
static void connect_both(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(at);
    int l = socket(AF_INET, SOCK_STREAM, 0);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    /* So that a small window is opened again bit by bit. */
    setsockopt(l, IPPROTO_TCP, TCP_MAXSEG, &(int){ 1024 }, sizeof(int));
    setsockopt(l, SOL_SOCKET, SO_RCVBUF, &(int){ 1 << 12 }, sizeof(int));
    assert_int_equal(bind(l, (struct sockaddr *)&at, len), 0);
    assert_int_equal(listen(l, 1), 0);
    assert_int_equal(getsockname(l, (struct sockaddr *)&at, &len), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, len), 0);
    close_both(NULL);
    ws__stream_socket(&a, fd);
    ws__stream_socket(&b, accept(l, NULL, NULL));
    close(l);
}

static void what_is_followed_goes_with_what_follows(void **state)
{
    (void)state;
    char buf[4];

    connect_both();
    a.follows = true;
    assert_int_equal(ws__stream_write(&a, "a", 1, 0), 0);
    assert_int_equal(ws__stream_read(&b, buf, 4), -EAGAIN);
    a.follows = false;
    assert_int_equal(ws__stream_write(&a, "b", 1, 0), 0);
    assert_int_equal(ws__stream_wait_read(&b, ws_after(LONG)), 0);
    assert_int_equal(ws__stream_read(&b, buf, 4), 2);
}

/* Write until there is no room. */
static void stuff(void)
{
    static const char text[4096];
    const struct iovec v = { (void *)text, sizeof(text) };

    while (ws__stream_writev(&a, &v, 1) > 0)
        continue;
}

static void what_the_peer_acknowledges_is_counted(void **state)
{
    (void)state;
    int64_t limit = ws_after(LONG);
    char buf[4096];

    connect_both();
    setsockopt(a.fd, SOL_SOCKET, SO_SNDBUF, &(int){ 4096 }, sizeof(int));
    stuff();
    int64_t before = ws__stream_acked(&a);
    while (ws__stream_acked(&a) <= before) {
        assert_true(ws_now() < limit);
        (void)ws__stream_read(&b, buf, sizeof(buf));
        ws_yield();
    }
}

static int progress_ms, waited_for_room;
static ws_event has_waited;

static void wait_for_room(void *arg)
{
    (void)arg;
    waited_for_room = ws__stream_wait_progress(&a, 0, progress_ms);
    ws_event_set(&has_waited);
}

/* There is room again once a third of what waits was taken; far less than that
 * is taken in twice the time, then the rest at once.  The other end hears of a
 * step when what the kernel put together has been taken, which may be some of
 * them.  Returns false if this try does not tell. */
static bool wait_beside_a_slow_reader(void)
{
    struct slow s = { .step = 2048, .pause_ms = progress_ms / 16 };
    char buf[4096];

    connect_both();
    setsockopt(a.fd, SOL_SOCKET, SO_SNDBUF, &(int){ 1 << 18 }, sizeof(int));
    stuff();
    s.fd = b.fd;
    s.since = ws_now();
    ws_event_clear(&has_waited);
    ws_fiber *f = mode_go(wait_for_room, NULL);
    take_slowly(&s, 32 * s.step);
    int64_t rest = ws_now();
    while (ws_event_wait(&has_waited, 1) == WS_ERR_TIMEOUT)
        (void)ws__stream_read(&b, buf, sizeof(buf));
    ws_join(f);
    s.last = ws_now() - rest;
    if (!slow_tells(&s, progress_ms / 3, SIZE_MAX))
        return false;
    assert_int_equal(waited_for_room, 0);
    return true;
}

static void a_peer_that_takes_a_little_at_a_time_is_waited_for(void **state)
{
    (void)state;
    progress_ms = 2 * SLOW_FIRST_MS;
    while (!wait_beside_a_slow_reader())
        progress_ms = slow_longer(progress_ms);
}

static void a_peer_that_takes_nothing_is_dead(void **state)
{
    (void)state;

    stuff();
    assert_int_equal(ws__stream_wait_progress(&a, 0, 10), WS_ERR_DEAD);
    assert_int_equal(ws__stream_wait_progress(&a, ws_after(10), LONG),
                     WS_ERR_TIMEOUT);
    assert_int_equal(ws__stream_wait_progress(&a, ws_after(10), -1),
                     WS_ERR_TIMEOUT);
}

static void a_local_peer_acknowledges_what_it_reads(void **state)
{
    (void)state;
    char buf[4];

    assert_int_equal(ws__stream_acked(&a), 0);
    assert_int_equal(ws__stream_write(&a, "abcd", 4, 0), 0);
    int64_t unread = ws__stream_acked(&a);
    assert_true(unread < 0);
    assert_int_equal(ws__stream_read(&b, buf, 4), 4);
    assert_true(ws__stream_acked(&a) > unread);
}

static void what_is_no_socket_acknowledges_nothing(void **state)
{
    (void)state;
    struct ws__stream none = { .fd = -1 };

    assert_int_equal(ws__stream_acked(&none), 0);
}

static void writev_takes_what_there_is_room_for(void **state)
{
    (void)state;
    uint8_t *p = pattern();
    struct iovec v[] = { { p, LARGE / 2 }, { p + LARGE / 2, LARGE / 2 } };

    for (int n = 1; n <= 2; n++) {
        ssize_t r;

        while ((r = ws__stream_writev(&a, v, n)) > 0)
            assert_true(r < LARGE / 2);
        assert_int_equal(r, -EAGAIN);
    }
    free(p);
}

/* Reads everything, in pieces of all sizes; NULL if it is the pattern. */
static void *read_pattern(void *arg)
{
    const uint8_t *want = arg;
    uint8_t buf[1024];
    size_t done = 0;

    while (done < LARGE) {
        if (ws__stream_wait_read(&b, ws_after(LONG)) != 0)
            return "the writer stopped";
        ssize_t r = ws__stream_read(&b, buf, done % sizeof(buf) + 1);
        if (r == -EAGAIN)
            continue;
        if (r <= 0 || memcmp(want + done, buf, (size_t)r) != 0)
            return "other bytes";
        done += (size_t)r;
    }
    return NULL;
}

static void write_goes_on_after_every_partial_one(void **state)
{
    (void)state;
    uint8_t *p = pattern();
    pthread_t t;
    void *failed;

    assert_int_equal(pthread_create(&t, NULL, read_pattern, p), 0);
    assert_int_equal(ws__stream_write(&a, p, LARGE, ws_after(LONG)), 0);
    pthread_join(t, &failed);
    assert_null(failed);
    free(p);
}

static void write_ends_at_the_deadline(void **state)
{
    (void)state;
    uint8_t *p = pattern();
    int64_t deadline = ws_after(20);

    assert_int_equal(ws__stream_write(&a, p, LARGE, deadline), WS_ERR_TIMEOUT);
    assert_true(ws_now() >= deadline);
    assert_int_equal(ws__stream_write(&a, p, LARGE, 1), WS_ERR_TIMEOUT);
    free(p);
}

static void write_takes_the_room_there_is_after_the_deadline(void **state)
{
    (void)state;
    char buf[8];

    assert_int_equal(ws__stream_write(&a, "abcd", 4, 1), 0);
    assert_int_equal(ws__stream_read(&b, buf, sizeof(buf)), 4);
    assert_int_equal(ws__stream_write(&a, "", 0, 1), 0);
}

/* SIGPIPE does here what it does by default: end the process. */
static void a_peer_that_is_gone_is_an_error_and_no_signal(void **state)
{
    (void)state;
    const struct sigaction standard = { .sa_handler = SIG_DFL };
    struct sigaction before;
    struct iovec v[] = { { "a", 1 }, { "b", 1 } };

    sigaction(SIGPIPE, &standard, &before);
    ws__stream_fini(&b);
    assert_int_equal(ws__stream_write(&a, "ab", 2, 0), -EPIPE);
    assert_int_equal(ws__stream_writev(&a, v, 2), -EPIPE);
    sigaction(SIGPIPE, &before, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_both, close_both)

enum { FEW = 32 * 1024 };

/* Others must have their turn: see fiber/budget. */
static void no_call_moves_more_than_is_right_at_once(void **state)
{
    (void)state;
    const size_t n = 5 * FEW;
    uint8_t *p = calloc(2, n), *q = p + n;
    struct iovec v[] = { { p, 10000 }, { p + 10000, n - 10000 } };
    size_t usual = ws__stream_at_once;

    ws__stream_at_once = FEW;
    setsockopt(a.fd, SOL_SOCKET, SO_SNDBUF, &(int){ LARGE }, sizeof(int));
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(i * 7 + i / 256);
    assert_int_equal(ws__stream_writev(&a, v, 2), FEW);
    assert_int_equal(ws__stream_write(&a, p + FEW, n - FEW, 0), 0);
    for (size_t at = 0; at < n; at += FEW) {
        assert_int_equal(ws__stream_read(&b, q + at, n), FEW);
        assert_true(b.readable);
    }
    assert_memory_equal(p, q, n);
    ws__stream_at_once = usual;
    free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_stream_waits_before_it_reads),
        TEST(read_never_waits),
        TEST(a_short_read_leaves_nothing_to_read),
        TEST(a_full_read_may_be_followed_by_nothing),
        TEST(no_call_moves_more_than_is_right_at_once),
        TEST(bytes_come_one_by_one),
        TEST(a_half_close_ends_one_direction),
        TEST(fini_closes_the_descriptor),
        TEST(writev_gathers),
        TEST(what_is_followed_goes_with_what_follows),
        TEST(what_the_peer_acknowledges_is_counted),
        TEST(a_peer_that_takes_a_little_at_a_time_is_waited_for),
        TEST(a_peer_that_takes_nothing_is_dead),
        TEST(a_local_peer_acknowledges_what_it_reads),
        TEST(what_is_no_socket_acknowledges_nothing),
        TEST(writev_takes_what_there_is_room_for),
        TEST(write_goes_on_after_every_partial_one),
        TEST(write_ends_at_the_deadline),
        TEST(write_takes_the_room_there_is_after_the_deadline),
        TEST(a_peer_that_is_gone_is_an_error_and_no_signal),
    };

    signal(SIGPIPE, SIG_DFL);
    return run_in_mode("stream", tests, NULL, NULL);
}
