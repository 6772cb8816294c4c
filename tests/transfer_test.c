/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <silverback/fiber.h>

#include "mode.h"
#include "pair.h"

enum { MUCH = 4 * 1024 * 1024 };

/* A pair that blocks: that of a socket is of no concern. */
static int fds[2];

static int open_pair(void **state)
{
    (void)state;
    return socketpair(AF_UNIX, SOCK_STREAM, 0, fds);
}

static int close_pair(void **state)
{
    (void)state;
    close(fds[0]);
    close(fds[1]);
    return 0;
}

static void what_is_there_is_read_at_once(void **state)
{
    (void)state;
    char buf[8];

    assert_int_equal(ws_write_fd(fds[1], "hello", 5, 1, NULL), 0);
    assert_int_equal(ws_read_fd(fds[0], buf, sizeof(buf), 1, NULL), 5);
    assert_memory_equal(buf, "hello", 5);
    assert_int_equal(ws_read_fd(fds[0], buf, sizeof(buf), 1, NULL),
                     WS_ERR_TIMEOUT);
}

static void the_end_of_the_stream_is_no_bytes(void **state)
{
    (void)state;
    char buf[8];

    assert_int_equal(ws_write_fd(fds[1], "x", 1, patience(), NULL), 0);
    shutdown(fds[1], SHUT_WR);
    assert_int_equal(ws_read_fd(fds[0], buf, sizeof(buf), patience(), NULL), 1);
    assert_int_equal(ws_read_fd(fds[0], buf, sizeof(buf), patience(), NULL), 0);
}

static void misuse_has_a_code(void **state)
{
    (void)state;
    char buf[8] = "";

    assert_int_equal(ws_read_fd(fds[0], buf, 0, 1, NULL), WS_ERR_INVALID);
    assert_int_equal(ws_read_fd(fds[0], NULL, 1, 1, NULL), WS_ERR_INVALID);
    assert_int_equal(ws_write_fd(fds[0], NULL, 1, 1, NULL), WS_ERR_INVALID);
    assert_int_equal(ws_write_fd(fds[0], NULL, 0, 1, NULL), 0);
    assert_int_equal(ws_read_fd(-1, buf, 1, 1, NULL), -EBADF);
    assert_int_equal(ws_write_fd(-1, buf, 1, 1, NULL), -EBADF);
}

static void a_peer_that_has_gone_is_an_error_without_a_signal(void **state)
{
    (void)state;

    close(fds[1]);
    assert_int_equal(ws_write_fd(fds[0], "x", 1, patience(), NULL), -EPIPE);
    fds[1] = dup(fds[0]);
}

/* ---- Both ends at once --------------------------------------------------- */

static void send_much(void *text)
{
    assert_int_equal(ws_write_fd(fds[1], text, MUCH, patience(), NULL), 0);
    shutdown(fds[1], SHUT_WR);
}

/* Through what holds less than that, and comes out whole. */
static void much_goes_through_little(void **state)
{
    (void)state;
    char *sent = make_text(MUCH), *got = malloc(MUCH + 1);
    ws_fiber *f = mode_go(send_much, sent);
    size_t n = 0;
    ptrdiff_t r;

    while ((r = ws_read_fd(fds[0], got + n, MUCH + 1 - n, patience(), NULL)) >
           0)
        n += (size_t)r;
    assert_int_equal(r, 0);
    ws_join(f);
    assert_int_equal(n, MUCH);
    assert_memory_equal(got, sent, MUCH);
    free(got);
    free(sent);
}

static void a_pipe_is_read_and_written_as_well(void **state)
{
    (void)state;
    char buf[8];
    int p[2];

    assert_int_equal(pipe2(p, O_NONBLOCK), 0);
    assert_int_equal(ws_read_fd(p[0], buf, 1, 1, NULL), WS_ERR_TIMEOUT);
    assert_int_equal(ws_write_fd(p[1], "hello", 5, 1, NULL), 0);
    assert_int_equal(ws_read_fd(p[0], buf, sizeof(buf), 1, NULL), 5);
    close(p[1]);
    assert_int_equal(ws_read_fd(p[0], buf, sizeof(buf), 1, NULL), 0);
    close(p[0]);
}

/* ---- An event ends it ---------------------------------------------------- */

static void set(void *event)
{
    ws_event_set(event);
}

static void an_event_ends_a_read_that_waits(void **state)
{
    (void)state;
    ws_event cancel = { 0 };
    char byte;
    ws_fiber *f = mode_go(set, &cancel);

    assert_int_equal(ws_read_fd(fds[0], &byte, 1, patience(), &cancel),
                     WS_ERR_CANCELED);
    ws_join(f);
}

static void an_event_ends_a_write_that_waits(void **state)
{
    (void)state;
    ws_event cancel = { 0 };
    char *text = make_text(MUCH);
    ws_fiber *f = mode_go(set, &cancel);

    assert_int_equal(ws_write_fd(fds[0], text, MUCH, patience(), &cancel),
                     WS_ERR_CANCELED);
    ws_join(f);
    free(text);
}

/* However much there is to do. */
static void an_event_ends_what_need_not_wait(void **state)
{
    (void)state;
    ws_event cancel = { 0 };
    char byte;

    assert_int_equal(ws_write_fd(fds[1], "x", 1, 1, &cancel), 0);
    ws_event_set(&cancel);
    assert_int_equal(ws_read_fd(fds[0], &byte, 1, 1, &cancel), WS_ERR_CANCELED);
    assert_int_equal(ws_write_fd(fds[1], "x", 1, 1, &cancel), WS_ERR_CANCELED);
    assert_int_equal(ws_read_fd(fds[0], &byte, 1, 1, NULL), 1);
}

/* ---- Others on the worker ------------------------------------------------ */

static bool done;

static void count_turns(void *turns)
{
    while (!done) {
        ++*(int *)turns;
        ws_yield();
    }
}

static void read_what_always_has_more(void *arg)
{
    char *buf = malloc(MUCH);
    int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC), turns = 0;
    ws_fiber *f = ws_go(count_turns, &turns);

    (void)arg;
    done = false;
    for (int i = 0; i < 100; i++)
        assert_true(ws_read_fd(zero, buf, MUCH, 0, NULL) > 0);
    done = true;
    ws_join(f);
    assert_true(turns > 10);
    close(zero);
    free(buf);
}

static void what_always_has_more_lets_others_run(void **state)
{
    (void)state;

    mode_in_fiber(read_what_always_has_more, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_pair, close_pair)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_there_is_read_at_once),
        TEST(the_end_of_the_stream_is_no_bytes),
        TEST(misuse_has_a_code),
        TEST(a_peer_that_has_gone_is_an_error_without_a_signal),
        TEST(much_goes_through_little),
        TEST(a_pipe_is_read_and_written_as_well),
        TEST(an_event_ends_a_read_that_waits),
        TEST(an_event_ends_a_write_that_waits),
        TEST(an_event_ends_what_need_not_wait),
        TEST(what_always_has_more_lets_others_run),
    };

    return run_in_mode("transfer", tests, NULL, NULL);
}
