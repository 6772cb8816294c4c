/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fiber/park.h"
#include "fiber/sync.h"
#include "io/wait.h"
#include "mode.h"

enum { LONG = 60000 };

static int pair[2];

static int open_pair(void **state)
{
    (void)state;
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair);
}

static int close_pair(void **state)
{
    (void)state;
    close(pair[0]);
    close(pair[1]);
    return 0;
}

static pthread_t start(void *(*fn)(void *), void *arg)
{
    pthread_t t;

    assert_int_equal(pthread_create(&t, NULL, fn, arg), 0);
    return t;
}

static void send_byte(void)
{
    assert_int_equal(write(pair[1], "", 1), 1);
}

static void take_byte(void)
{
    char byte;

    assert_int_equal(read(pair[0], &byte, 1), 1);
}

static void wait_returns_the_events_that_hold(void **state)
{
    (void)state;
    ws_event unset = { 0 };
    ws_event *events[] = { NULL, &unset };

    send_byte();
    for (size_t i = 0; i < COUNT(events); i++) {
        assert_int_equal(ws__wait(pair[0], POLLIN, 0, events[i]), POLLIN);
        assert_int_equal(ws__wait(pair[0], POLLIN | POLLOUT, 0, events[i]),
                         POLLIN | POLLOUT);
        assert_int_equal(ws__wait(pair[0], POLLOUT, 0, events[i]), POLLOUT);
    }
    take_byte();
}

static void a_deadline_that_has_passed_still_finds_what_holds(void **state)
{
    (void)state;
    ws_event unset = { 0 };
    ws_event *events[] = { NULL, &unset };

    for (size_t i = 0; i < COUNT(events); i++) {
        assert_int_equal(ws__wait(pair[0], POLLIN, 1, events[i]),
                         WS_ERR_TIMEOUT);
        send_byte();
        assert_int_equal(ws__wait(pair[0], POLLIN, 1, events[i]), POLLIN);
        take_byte();
    }
}

static void wait_ends_at_the_deadline(void **state)
{
    (void)state;
    ws_event unset = { 0 };
    ws_event *events[] = { NULL, &unset };

    for (size_t i = 0; i < COUNT(events); i++) {
        int64_t deadline = ws_after(20);

        assert_int_equal(ws__wait(pair[0], POLLIN, deadline, events[i]),
                         WS_ERR_TIMEOUT);
        assert_true(ws_now() >= deadline);
    }
}

static void wait_refuses_what_is_no_descriptor(void **state)
{
    (void)state;
    ws_event unset = { 0 };
    int closed = dup(pair[0]);

    close(closed);
    assert_int_equal(ws__wait(-1, POLLIN, 0, NULL), -EBADF);
    assert_int_equal(ws__wait(-1, POLLIN, 0, &unset), -EBADF);
    assert_int_equal(ws__wait(closed, POLLIN, 0, NULL), -EBADF);
    assert_int_equal(ws__wait(closed, POLLIN, 0, &unset), -EBADF);
    assert_int_equal(ws_wait_fd(closed, POLLIN, 0), -EBADF);
}

static void a_hang_up_ends_a_wait(void **state)
{
    (void)state;
    int fds[2];

    assert_int_equal(pipe(fds), 0);
    close(fds[1]);
    assert_int_equal(ws__wait(fds[0], POLLIN, 0, NULL), POLLHUP);
    close(fds[0]);

    assert_int_equal(pipe(fds), 0);
    close(fds[0]);
    assert_true(ws__wait(fds[1], POLLOUT, 0, NULL) & POLLERR);
    close(fds[1]);
}

static void wait_fd_is_the_same_for_all(void **state)
{
    (void)state;

    assert_int_equal(ws_wait_fd(pair[0], POLLOUT, 0), POLLOUT);
    assert_int_equal(ws_wait_fd(pair[0], POLLIN, 1), WS_ERR_TIMEOUT);
}

static void an_event_set_before_cancels(void **state)
{
    (void)state;
    ws_event e = { 0 };

    ws_event_set(&e);
    assert_int_equal(ws__wait(pair[0], POLLIN, 0, &e), WS_ERR_CANCELED);
    assert_int_equal(ws__wait(pair[0], POLLIN, 1, &e), WS_ERR_CANCELED);
}

static void *set_event(void *e)
{
    ws_event_set(e);
    return NULL;
}

static void an_event_set_meanwhile_cancels(void **state)
{
    (void)state;

    for (int i = 0; i < 500; i++) {
        ws_event e = { 0 };
        pthread_t t = start(set_event, &e);

        assert_int_equal(ws__wait(pair[0], POLLIN, ws_after(LONG), &e),
                         WS_ERR_CANCELED);
        pthread_join(t, NULL);
    }
}

static void an_event_set_afterwards_wakes_nobody(void **state)
{
    (void)state;
    ws_event e = { 0 };

    assert_int_equal(ws__wait(pair[0], POLLOUT, 0, &e), POLLOUT);
    ws_event_set(&e);
    assert_int_equal(ws__park(1), WS_ERR_TIMEOUT);
}

static void a_wake_up_for_no_reason_is_slept_off(void **state)
{
    (void)state;
    ws_event e = { 0 };

    ws__unpark(ws__parker_self());
    assert_int_equal(ws__wait(pair[0], POLLIN, ws_after(1), &e),
                     WS_ERR_TIMEOUT);
    ws__unpark(ws__parker_self());
    send_byte();
    assert_int_equal(ws__wait(pair[0], POLLIN, 1, &e), POLLIN);
    take_byte();
}

static void *send_then_set(void *e)
{
    send_byte();
    ws_event_set(e);
    return NULL;
}

static void bytes_and_the_event_may_race(void **state)
{
    (void)state;

    for (int i = 0; i < 500; i++) {
        ws_event e = { 0 };
        pthread_t t = start(send_then_set, &e);
        int r = ws__wait(pair[0], POLLIN, 0, &e);

        assert_true(r == POLLIN || r == WS_ERR_CANCELED);
        pthread_join(t, NULL);
        assert_int_equal(ws__wait(pair[0], POLLIN, 0, &e), WS_ERR_CANCELED);
        take_byte();
    }
}

/* ---- All of it at once -------------------------------------------------- */

static void either_event_ends_a_wait_for_all(void **state)
{
    (void)state;
    for (int i = 0; i < 8; i++) {
        ws_event e[2] = { { { NULL } }, { { NULL } } };
        bool before = i & 1, second = i & 2;
        int fd = i & 4 ? pair[0] : -1;
        pthread_t t;

        if (before)
            ws_event_set(&e[second]);
        else
            t = start(set_event, &e[second]);
        assert_int_equal(ws_wait_any(fd, POLLIN, ws_after(LONG), &e[0], &e[1]),
                         0);
        assert_true(ws_event_is_set(&e[second]));
        assert_false(ws_event_is_set(&e[!second]));
        if (!before)
            pthread_join(t, NULL);
    }
}

static void so_do_bytes_and_the_deadline(void **state)
{
    (void)state;
    ws_event a = { { NULL } }, b = { { NULL } };

    assert_int_equal(ws_wait_any(-1, 0, ws_after(1), &a, &b), WS_ERR_TIMEOUT);
    assert_int_equal(ws_wait_any(pair[0], POLLIN, ws_after(1), &a, &b),
                     WS_ERR_TIMEOUT);
    assert_int_equal(ws_wait_any(-1, 0, ws_after(1), NULL, NULL),
                     WS_ERR_TIMEOUT);
    send_byte();
    assert_int_equal(ws_wait_any(pair[0], POLLIN, 0, &a, &b), POLLIN);
    assert_int_equal(ws_wait_any(pair[0], POLLIN, 1, NULL, &b), POLLIN);
    ws_event_set(&b);
    assert_int_equal(ws_wait_any(pair[0], POLLIN, 0, &a, &b), 0);
    take_byte();
}

/* Both at once, as a waiter's stack ends: its places in both queues are gone. */
static void *set_both(void *events)
{
    ws_event *e = events;

    ws_event_set(&e[0]);
    ws_event_set(&e[1]);
    return NULL;
}

static void both_events_may_race(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++) {
        ws_event e[2] = { { { NULL } }, { { NULL } } };
        pthread_t t = start(set_both, e);

        assert_int_equal(ws_wait_any(-1, 0, 0, &e[i & 1], &e[!(i & 1)]), 0);
        pthread_join(t, NULL);
    }
}

/* ---- Several at one descriptor ------------------------------------------ */

enum { WAITERS = 4 };

struct waiter {
    int events;
    atomic_int got;
};

static void wait_for_it(void *arg)
{
    struct waiter *w = arg;

    w->got = ws_wait_fd(pair[0], w->events, ws_after(LONG));
}

/* Whether they wait for it already or come to it late. */
static void what_happens_wakes_all_who_wait_for_it(void **state)
{
    (void)state;
    struct waiter w[WAITERS];
    ws_fiber *f[WAITERS];

    for (int i = 0; i < WAITERS; i++) {
        w[i].events = POLLIN;
        f[i] = ws_go(wait_for_it, &w[i]);
        ws_yield();
    }
    send_byte();
    for (int i = 0; i < WAITERS; i++) {
        ws_join(f[i]);
        assert_int_equal(w[i].got, POLLIN);
    }
    take_byte();
}

/* One of them for input, which does not come, the other one for room. */
static void each_is_woken_for_what_it_waits_for(void **state)
{
    (void)state;
    struct waiter in = { .events = POLLIN }, out = { .events = POLLOUT };
    ws_fiber *reader = ws_go(wait_for_it, &in);

    ws_yield();
    ws_fiber *writer = ws_go(wait_for_it, &out);
    ws_join(writer);
    assert_int_equal(out.got, POLLOUT);
    assert_int_equal(in.got, 0);
    send_byte();
    ws_join(reader);
    assert_int_equal(in.got, POLLIN);
    take_byte();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wait_returns_the_events_that_hold),
        cmocka_unit_test(a_deadline_that_has_passed_still_finds_what_holds),
        cmocka_unit_test(wait_ends_at_the_deadline),
        cmocka_unit_test(wait_refuses_what_is_no_descriptor),
        cmocka_unit_test(a_hang_up_ends_a_wait),
        cmocka_unit_test(wait_fd_is_the_same_for_all),
        cmocka_unit_test(an_event_set_before_cancels),
        cmocka_unit_test(an_event_set_meanwhile_cancels),
        cmocka_unit_test(an_event_set_afterwards_wakes_nobody),
        cmocka_unit_test(a_wake_up_for_no_reason_is_slept_off),
        cmocka_unit_test(bytes_and_the_event_may_race),
        cmocka_unit_test(either_event_ends_a_wait_for_all),
        cmocka_unit_test(so_do_bytes_and_the_deadline),
        cmocka_unit_test(both_events_may_race),
        cmocka_unit_test(what_happens_wakes_all_who_wait_for_it),
        cmocka_unit_test(each_is_woken_for_what_it_waits_for),
    };

    return run_in_mode("wait", tests, open_pair, close_pair);
}
