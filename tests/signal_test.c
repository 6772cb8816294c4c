/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <silverback/fiber.h>

#include "mode.h"

enum { LONG = 60000 };

static atomic_int handled;
static atomic_bool pipe_is_full;

/* Stands before the C library's. */
ssize_t write(int fd, const void *p, size_t n)
{
    if (!atomic_load(&pipe_is_full))
        return syscall(SYS_write, fd, p, n);
    errno = EAGAIN;
    return -1;
}

static void count(int signum)
{
    (void)signum;
    atomic_fetch_add(&handled, 1);
}

static void a_signal_sets_its_event(void **state)
{
    (void)state;
    ws_event usr1 = { 0 }, usr2 = { 0 };

    assert_int_equal(ws_notify(&usr1, SIGUSR1), 0);
    assert_int_equal(ws_notify(&usr2, SIGUSR2), 0);
    for (int i = 0; i < 100; i++) {
        raise(SIGUSR1);
        assert_int_equal(ws_event_wait(&usr1, ws_after(LONG)), 0);
        ws_event_clear(&usr1);
    }
    assert_int_equal(ws_event_wait(&usr2, 1), WS_ERR_TIMEOUT);
    raise(SIGUSR2);
    assert_int_equal(ws_event_wait(&usr2, ws_after(LONG)), 0);
    assert_int_equal(ws_event_wait(&usr1, 1), WS_ERR_TIMEOUT);
    assert_int_equal(ws_notify(NULL, SIGUSR1), 0);
    assert_int_equal(ws_notify(NULL, SIGUSR2), 0);
}

static void no_signal_is_lost_behind_many_others(void **state)
{
    (void)state;
    ws_event many = { 0 }, one = { 0 };

    assert_int_equal(ws_notify(&many, SIGUSR1), 0);
    assert_int_equal(ws_notify(&one, SIGUSR2), 0);
    for (int i = 0; i < 100000; i++) /* more than a pipe holds */
        raise(SIGUSR1);
    raise(SIGUSR2);
    assert_int_equal(ws_event_wait(&many, ws_after(LONG)), 0);
    assert_int_equal(ws_event_wait(&one, ws_after(LONG)), 0);
    assert_int_equal(ws_notify(NULL, SIGUSR1), 0);
    assert_int_equal(ws_notify(NULL, SIGUSR2), 0);
}

static void the_last_event_replaces_the_one_before(void **state)
{
    (void)state;
    ws_event first = { 0 }, second = { 0 };

    assert_int_equal(ws_notify(&first, SIGUSR1), 0);
    assert_int_equal(ws_notify(&second, SIGUSR1), 0);
    raise(SIGUSR1);
    assert_int_equal(ws_event_wait(&second, ws_after(LONG)), 0);
    assert_int_equal(ws_event_wait(&first, 1), WS_ERR_TIMEOUT);
    assert_int_equal(ws_notify(NULL, SIGUSR1), 0);
}

static void no_event_puts_back_what_was_there(void **state)
{
    (void)state;
    struct sigaction action = { .sa_handler = count }, old, now;
    ws_event e = { 0 };

    sigaction(SIGUSR1, &action, &old);
    assert_int_equal(ws_notify(&e, SIGUSR1), 0);
    assert_int_equal(ws_notify(&e, SIGUSR1), 0);
    raise(SIGUSR1);
    assert_int_equal(ws_event_wait(&e, ws_after(LONG)), 0);
    assert_int_equal(atomic_load(&handled), 0);

    assert_int_equal(ws_notify(NULL, SIGUSR1), 0);
    assert_int_equal(ws_notify(NULL, SIGUSR1), 0);
    ws_event_clear(&e);
    raise(SIGUSR1);
    assert_int_equal(atomic_load(&handled), 1);
    assert_int_equal(ws_event_wait(&e, 1), WS_ERR_TIMEOUT);

    sigaction(SIGUSR1, &old, &now);
    assert_true(now.sa_handler == count);
}

static void what_cannot_be_caught_is_refused(void **state)
{
    (void)state;
    ws_event e = { 0 };

    assert_int_equal(ws_notify(&e, SIGKILL), -EINVAL);
    assert_int_equal(ws_notify(NULL, SIGKILL), 0);
    assert_int_equal(ws_notify(&e, 0), -EINVAL);
    assert_int_equal(ws_notify(&e, -1), -EINVAL);
    assert_int_equal(ws_notify(&e, NSIG), -EINVAL);
}

static void errno_survives_the_handler(void **state)
{
    (void)state;
    ws_event e = { 0 };

    assert_int_equal(ws_notify(&e, SIGUSR1), 0);
    atomic_store(&pipe_is_full, true);
    errno = EXDEV;
    raise(SIGUSR1);
    int after = errno;
    atomic_store(&pipe_is_full, false);
    assert_int_equal(after, EXDEV);
    assert_int_equal(ws_notify(NULL, SIGUSR1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signal_sets_its_event),
        cmocka_unit_test(no_signal_is_lost_behind_many_others),
        cmocka_unit_test(the_last_event_replaces_the_one_before),
        cmocka_unit_test(no_event_puts_back_what_was_there),
        cmocka_unit_test(what_cannot_be_caught_is_refused),
        cmocka_unit_test(errno_survives_the_handler),
    };

    return run_in_mode("signal", tests, NULL, NULL);
}
