/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <unistd.h>

#include <silverback/base.h>

#include "descriptors.h"
#include "fiber/park.h"
#include "mode.h"

enum { LONG = 60000 }; /* ms; never waited for in full */

static int readable[2]; /* a pipe with a byte in it */
static int silent[2];   /* an empty one */

static int open_pipes(void **state)
{
    (void)state;
    if (pipe(readable) != 0 || pipe(silent) != 0)
        return -1;
    return write(readable[1], "", 1) == 1 ? 0 : -1;
}

static int close_pipes(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        close(readable[i]);
        close(silent[i]);
    }
    return 0;
}

static void *unpark(void *parker)
{
    ws__unpark(parker);
    return NULL;
}

static pthread_t start(void *(*fn)(void *), void *arg)
{
    pthread_t t;

    assert_int_equal(pthread_create(&t, NULL, fn, arg), 0);
    return t;
}

static void park_takes_a_token_given_before(void **state)
{
    (void)state;

    ws__unpark(ws__parker_self());
    assert_int_equal(ws__park(0), 0);
    ws__unpark(ws__parker_self());
    assert_int_equal(ws__park(1), 0);
}

static void tokens_do_not_add_up(void **state)
{
    (void)state;

    ws__unpark(ws__parker_self());
    ws__unpark(ws__parker_self());
    assert_int_equal(ws__park(0), 0);
    assert_int_equal(ws__park(1), WS_ERR_TIMEOUT);
}

static void park_ends_at_the_deadline_and_not_before(void **state)
{
    (void)state;
    int64_t deadline = ws_after(20);

    assert_int_equal(ws__park(deadline), WS_ERR_TIMEOUT);
    assert_true(ws_now() >= deadline);
    assert_int_equal(ws__park(1), WS_ERR_TIMEOUT);
    assert_int_equal(ws__park(-1), WS_ERR_TIMEOUT);
}

static void park_is_woken_from_another_thread(void **state)
{
    (void)state;

    for (int i = 0; i < 200; i++) {
        pthread_t t = start(unpark, ws__parker_self());

        assert_int_equal(ws__park(i % 2 ? 0 : INT64_MAX), 0);
        pthread_join(t, NULL);
    }
}

static void park_fd_returns_the_events_that_hold(void **state)
{
    (void)state;

    for (int alone = 0; alone < 2; alone++) {
        assert_int_equal(ws__park_fd(readable[0], NULL, POLLIN, 0, alone),
                         POLLIN);
        assert_int_equal(ws__park_fd(readable[0], NULL, POLLIN, 1, alone),
                         POLLIN);
        assert_int_equal(ws__park_fd(silent[1], NULL, POLLOUT, 0, alone),
                         POLLOUT);
    }
}

static void park_fd_ends_at_the_deadline(void **state)
{
    (void)state;

    for (int alone = 0; alone < 2; alone++) {
        int64_t deadline = ws_after(20);

        assert_int_equal(ws__park_fd(silent[0], NULL, POLLIN, deadline, alone),
                         WS_ERR_TIMEOUT);
        assert_true(ws_now() >= deadline);
        assert_int_equal(ws__park_fd(silent[0], NULL, POLLIN, 1, alone),
                         WS_ERR_TIMEOUT);
        assert_int_equal(ws__park_fd(silent[0], NULL, POLLIN, -1, alone),
                         WS_ERR_TIMEOUT);
    }
}

static void park_fd_reports_a_hang_up_and_a_bad_descriptor(void **state)
{
    (void)state;
    int fds[2];

    assert_int_equal(pipe(fds), 0);
    close(fds[1]);
    for (int alone = 0; alone < 2; alone++)
        assert_int_equal(ws__park_fd(fds[0], NULL, POLLIN, 0, alone), POLLHUP);
    close(fds[0]);
    for (int alone = 0; alone < 2; alone++) {
        assert_int_equal(ws__park_fd(fds[0], NULL, POLLIN, 0, alone), -EBADF);
        assert_int_equal(ws__park_fd(-1, NULL, POLLIN, 0, alone), -EBADF);
    }
}

static void park_fd_takes_a_token_given_before(void **state)
{
    (void)state;

    ws__unpark(ws__parker_self());
    assert_int_equal(ws__park_fd(silent[0], NULL, POLLIN, 0, false), 0);
    assert_int_equal(ws__park_fd(silent[0], NULL, POLLIN, 1, false),
                     WS_ERR_TIMEOUT);
}

static void park_fd_is_woken_from_another_thread(void **state)
{
    (void)state;

    for (int i = 0; i < 200; i++) {
        pthread_t t = start(unpark, ws__parker_self());

        assert_int_equal(ws__park_fd(silent[0], NULL, POLLIN, 0, false), 0);
        pthread_join(t, NULL);
    }
    assert_int_equal(ws__park_fd(silent[0], NULL, POLLIN, 1, false),
                     WS_ERR_TIMEOUT);
}

/* The bell is silent again, whoever came first. */
static void tokens_and_bytes_may_race(void **state)
{
    (void)state;

    for (int i = 0; i < 200; i++) {
        pthread_t t = start(unpark, ws__parker_self());

        while (ws__park_fd(readable[0], NULL, POLLIN, 0, false) != 0)
            continue;
        pthread_join(t, NULL);
    }
    assert_int_equal(ws__park_fd(silent[0], NULL, POLLIN, 1, false),
                     WS_ERR_TIMEOUT);
    assert_int_equal(ws__park(1), WS_ERR_TIMEOUT);
}

static void *unpark_twice(void *parker)
{
    ws__unpark(parker);
    ws__unpark(parker);
    return NULL;
}

/* The second mostly comes before the first was seen. */
static void tokens_do_not_add_up_while_it_polls(void **state)
{
    (void)state;

    for (int i = 0; i < 200; i++) {
        pthread_t t = start(unpark_twice, ws__parker_self());

        assert_int_equal(ws__park_fd(silent[0], NULL, POLLIN, 0, false), 0);
        pthread_join(t, NULL);
    }
    (void)ws__park(1); /* it may have come later */
    assert_int_equal(ws__park_fd(silent[0], NULL, POLLIN, 1, false),
                     WS_ERR_TIMEOUT);
}

static atomic_int interrupts;

static void count(int signum)
{
    (void)signum;
    atomic_fetch_add(&interrupts, 1);
}

struct target {
    pthread_t thread;
    struct ws__parker *parker;
};

/* ThreadSanitizer keeps a signal that comes while a fiber runs until that fiber
 * runs again, so one may not be enough for one. */
static void *interrupt_then_unpark(void *arg)
{
    struct target *t = arg;

    while (atomic_load(&interrupts) < 20) {
        pthread_kill(t->thread, SIGUSR1);
        poll(NULL, 0, 1);
    }
    ws__unpark(t->parker);
    return NULL;
}

static void signals_do_not_end_a_wait(void **state)
{
    (void)state;
    struct sigaction action = { .sa_handler = count }, old;
    struct target self = { pthread_self(), ws__parker_self() };

    sigaction(SIGUSR1, &action, &old);
    for (int polls = 0; polls < 2; polls++) {
        atomic_store(&interrupts, 0);
        pthread_t t = start(interrupt_then_unpark, &self);
        int r =
            polls ? ws__park_fd(silent[0], NULL, POLLIN, ws_after(LONG), false)
                  : ws__park(ws_after(LONG));

        assert_int_equal(r, 0);
        assert_true(atomic_load(&interrupts) >= 20);
        pthread_join(t, NULL);
    }
    sigaction(SIGUSR1, &old, NULL);
}

static void *wait_once_each(void *arg)
{
    (void)arg;
    ws__park(1);
    ws__park_fd(silent[0], NULL, POLLIN, 1, false);
    return NULL;
}

static void descriptors_go_with_their_thread(void **state)
{
    (void)state;
    int before = descriptors_open();

    for (int i = 0; i < 20; i++)
        pthread_join(start(wait_once_each, NULL), NULL);
    assert_int_equal(descriptors_open(), before);
}

enum { WAITS = 6 };

/* The results of waits, in a thread that can have no descriptor for a bell. */
static void *wait_without_bell(void *arg)
{
    int *results = arg;

    ws__unpark(ws__parker_self());
    results[0] = ws__park_fd(silent[0], NULL, POLLIN, 0, false);
    results[1] = ws__park_fd(readable[0], NULL, POLLIN, 0, false);
    results[2] = ws__park_fd(silent[0], NULL, POLLIN, 1, false);
    results[3] = ws__park_fd(silent[0], NULL, POLLIN, ws_after(50), false);
    results[4] = ws__park_fd(-1, NULL, POLLIN, 0, false);
    pthread_t t = start(unpark, ws__parker_self());
    results[5] = ws__park_fd(silent[0], NULL, POLLIN, ws_after(LONG), false);
    pthread_join(t, NULL);
    return NULL;
}

static void park_fd_needs_no_descriptor_of_its_own(void **state)
{
    (void)state;
    static const int wanted[WAITS] = {
        0, POLLIN, WS_ERR_TIMEOUT, WS_ERR_TIMEOUT, -EBADF, 0
    };
    int results[WAITS], lowest = dup(silent[0]);
    struct rlimit limit, none;

    close(lowest);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = limit;
    none.rlim_cur = (rlim_t)lowest;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    pthread_join(start(wait_without_bell, results), NULL);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    for (int i = 0; i < WAITS; i++)
        if (results[i] != wanted[i])
            fail_msg("wait %d: %d", i, results[i]);
}

/* What is to be done before a wait: appends its letter. */
struct note {
    struct ws__before before;
    char letter;
    bool waits;
};

static char notes[16];

static void note(struct ws__before *b)
{
    struct note *n = (struct note *)b;
    size_t len = strlen(notes);

    notes[len] = n->letter;
    if (n->waits)
        ws__park(1);
}

static void each_wait_runs_what_is_due_before_it_once(void **state)
{
    (void)state;
    struct note a = { { .fn = note }, 'a', false };
    struct note b = { { .fn = note }, 'b', false };

    memset(notes, 0, sizeof(notes));
    ws__before_park(&a.before);
    ws__before_park(&b.before);
    assert_string_equal(notes, "");
    ws__park(1);
    assert_string_equal(notes, "ba");
    ws__park(1);
    assert_string_equal(notes, "ba");

    ws__before_park(&a.before);
    ws__park_fd(silent[0], NULL, POLLIN, 1, true);
    assert_string_equal(notes, "baa");
    ws__before_park(&b.before);
    ws__park_fd(silent[0], NULL, POLLIN, 1, false);
    assert_string_equal(notes, "baab");
    ws__before_park(&a.before);
    ws__before_park_run();
    assert_string_equal(notes, "baaba");
}

static void what_is_due_may_wait_itself(void **state)
{
    (void)state;
    struct note a = { { .fn = note }, 'a', true };
    struct note b = { { .fn = note }, 'b', true };

    memset(notes, 0, sizeof(notes));
    ws__before_park(&a.before);
    ws__before_park(&b.before);
    ws__park(1);
    assert_string_equal(notes, "ba");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(park_takes_a_token_given_before),
        cmocka_unit_test(tokens_do_not_add_up),
        cmocka_unit_test(park_ends_at_the_deadline_and_not_before),
        cmocka_unit_test(park_is_woken_from_another_thread),
        cmocka_unit_test(park_fd_returns_the_events_that_hold),
        cmocka_unit_test(park_fd_ends_at_the_deadline),
        cmocka_unit_test(park_fd_reports_a_hang_up_and_a_bad_descriptor),
        cmocka_unit_test(park_fd_takes_a_token_given_before),
        cmocka_unit_test(park_fd_is_woken_from_another_thread),
        cmocka_unit_test(tokens_do_not_add_up_while_it_polls),
        cmocka_unit_test(tokens_and_bytes_may_race),
        cmocka_unit_test(signals_do_not_end_a_wait),
        cmocka_unit_test(descriptors_go_with_their_thread),
        cmocka_unit_test(park_fd_needs_no_descriptor_of_its_own),
        cmocka_unit_test(each_wait_runs_what_is_due_before_it_once),
        cmocka_unit_test(what_is_due_may_wait_itself),
    };

    return run_in_mode("park", tests, open_pipes, close_pipes);
}
