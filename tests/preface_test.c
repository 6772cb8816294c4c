/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <silverback/fiber.h>

#include "io/preface.h"
#include "mode.h"

enum { ROOM = 16, PATIENCE_MS = 60 * 1000 };

static struct ws__stream stream;
static int peer;
static char room[ROOM];

static int open_both(void **state)
{
    int fds[2];

    (void)state;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) != 0)
        return -1;
    ws__stream_socket(&stream, fds[0]);
    (void)ws__stream_watch(&stream, 0);
    peer = fds[1];
    return 0;
}

static int close_both(void **state)
{
    (void)state;
    ws__stream_fini(&stream);
    close(peer);
    return 0;
}

static void say(const char *text)
{
    size_t n = strlen(text);

    assert_int_equal(send(peer, text, n, MSG_NOSIGNAL), (int)n);
}

/* It ends with "!"; a "?" is none of it. */
static int up_to_mark(void *arg, const void *bytes, size_t n)
{
    const char *end = memchr(bytes, '!', n);

    (void)arg;
    if (memchr(bytes, '?', n))
        return WS_ERR_PROXY;
    return end ? (int)(end - (const char *)bytes) + 1 : 0;
}

static int read_by(int64_t deadline)
{
    return ws__preface_read(&stream, room, ROOM, deadline, up_to_mark, NULL);
}

static void what_follows_stays_where_it_is(void **state)
{
    (void)state;
    char rest[8];

    say("abc!def");
    assert_int_equal(read_by(ws_after(PATIENCE_MS)), 4);
    assert_memory_equal(room, "abc!", 4);
    assert_true(stream.readable);
    assert_int_equal(ws__stream_read(&stream, rest, sizeof(rest)), 3);
    assert_memory_equal(rest, "def", 3);
}

static void dribble(void *arg)
{
    (void)arg;
    for (const char *p = "abcdefgh!x"; *p; p++) {
        assert_int_equal(send(peer, p, 1, MSG_NOSIGNAL), 1);
        ws_yield();
    }
}

static void it_may_come_byte_by_byte(void **state)
{
    (void)state;
    ws_fiber *f = mode_go(dribble, NULL);

    assert_int_equal(read_by(ws_after(PATIENCE_MS)), 9);
    assert_memory_equal(room, "abcdefgh!", 9);
    ws_join(f);
}

static void it_has_its_time(void **state)
{
    (void)state;

    assert_int_equal(read_by(ws_after(1)), WS_ERR_TIMEOUT);
    say("abc");
    assert_int_equal(read_by(ws_after(1)), WS_ERR_TIMEOUT);
}

/* There is one more each time, and never an end. */
static int another_comes(void *arg, const void *bytes, size_t n)
{
    (void)bytes;
    (void)n;
    say("a");
    ++*(int *)arg;
    return 0;
}

static void the_time_is_over_for_whoever_goes_on_sending_too(void **state)
{
    (void)state;
    int n = 0;

    say("a");
    assert_int_equal(
        ws__preface_read(&stream, room, ROOM, ws_now(), another_comes, &n),
        WS_ERR_TIMEOUT);
    assert_int_equal(n, 1);
}

static void the_end_of_the_stream_is_said(void **state)
{
    (void)state;

    say("abc");
    shutdown(peer, SHUT_WR);
    assert_int_equal(read_by(ws_after(PATIENCE_MS)), WS_ERR_EOF);
}

static void what_is_refused_is_left_there(void **state)
{
    (void)state;

    say("a?");
    assert_int_equal(read_by(ws_after(PATIENCE_MS)), WS_ERR_PROXY);
    assert_int_equal(ws__stream_read(&stream, room, ROOM), 2);
}

static void what_has_no_room_is_too_long(void **state)
{
    (void)state;

    say("0123456789abcdef!");
    assert_int_equal(read_by(ws_after(PATIENCE_MS)), -EMSGSIZE);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, open_both, close_both)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(what_follows_stays_where_it_is),
        CASE(it_may_come_byte_by_byte),
        CASE(it_has_its_time),
        CASE(the_time_is_over_for_whoever_goes_on_sending_too),
        CASE(the_end_of_the_stream_is_said),
        CASE(what_is_refused_is_left_there),
        CASE(what_has_no_room_is_too_long),
    };

    return run_in_mode("preface", tests, NULL, NULL);
}
