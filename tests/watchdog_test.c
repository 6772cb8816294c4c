/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <silverback.h>

#include "fiber/name.h"
#include "fiber/queued.h"
#include "fiber/sched.h"
#include "fiber/stopwatch.h"
#include "fiber/worker.h"
#include "io/sock.h"
#include "mode.h"

enum {
    TICK = 100,    /* ms: for so long nobody complains */
    TOO_LONG = 350 /* by then it has been seen twice */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of the line */
static char line[1024];
static atomic_int lines;
static atomic_int told; /* of these, and before */
static sem_t logged;

static void keep(const char *text, void *arg)
{
    (void)arg;
    pthread_mutex_lock(&lock);
    snprintf(line, sizeof(line), "%s", text);
    pthread_mutex_unlock(&lock);
    atomic_fetch_add(&lines, 1);
    atomic_fetch_add(&told, strstr(text, "held up") != NULL);
    sem_post(&logged);
}

static bool says(const char *words)
{
    pthread_mutex_lock(&lock);
    bool found = strstr(line, words) != NULL;
    pthread_mutex_unlock(&lock);
    return found;
}

static int forget_lines(void **state)
{
    (void)state;
    while (sem_trywait(&logged) == 0)
        continue;
    atomic_store(&lines, 0);
    line[0] = '\0';
    return 0;
}

/* What a handler must not do: the thread waits, for a line in the log.  Returns
 * how long it took, or -1. */
static int64_t block(int64_t ms)
{
    struct timespec until;
    int64_t before = ws_now();
    int r;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += (time_t)(ms / 1000);
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    do
        r = sem_timedwait(&logged, &until);
    while (r != 0 && errno == EINTR);
    return r == 0 ? ws_now() - before : -1;
}

static int64_t block_until_logged(void)
{
    return block(20000);
}

/* In a new turn: of one that was too long it would be told once more, under the
 * function's name. */
static void end_label(void)
{
    ws_yield();
    ws__fiber_label(NULL);
}

static void a_label_is_logged_once(void **state)
{
    (void)state;

    ws__fiber_label("GET /slow");
    ws_yield();
    assert_true(block_until_logged() >= TICK - 1);
    assert_true(says("the handler of GET /slow held up its worker for more "
                     "than 100 ms"));
    assert_true(says("ws_blocking"));
    assert_true(says(".thread in its route"));

    ws_yield();
    assert_int_equal(block(TOO_LONG), -1);
    ws_yield();
    assert_int_equal(block(TOO_LONG), -1);
    assert_int_equal(atomic_load(&lines), 1);
    end_label();
}

struct handler {
    const char *label;
    int64_t blocked;
};

/* A symbol for the dynamic linker. */
void slow_fiber(void *arg);
void slow_fiber(void *arg)
{
    struct handler *h = arg;

    ws__fiber_label(h->label);
    h->blocked = block_until_logged();
}

static void without_a_label_the_function_is_named(void **state)
{
    (void)state;
    struct handler h = { 0 };

    ws_join(ws_go(slow_fiber, &h));
    assert_true(h.blocked >= TICK - 1);
    assert_true(says("the fiber slow_fiber held up its worker"));
}

static void each_label_is_logged(void **state)
{
    (void)state;
    struct handler h[] = { { "/a", 0 }, { "/b", 0 }, { "/c", 0 } };

    for (size_t i = 0; i < COUNT(h); i++) {
        char words[64];

        ws_join(ws_go(slow_fiber, &h[i]));
        assert_true(h[i].blocked >= TICK - 1);
        snprintf(words, sizeof(words), "the handler of %s held", h[i].label);
        assert_true(says(words));
    }
    assert_int_equal(atomic_load(&lines), COUNT(h));
}

/* The watchdog sleeps while all do. */
static void one_that_blocks_after_a_long_sleep_is_seen(void **state)
{
    (void)state;

    ws_sleep(TOO_LONG);
    ws__fiber_label("/after");
    assert_true(block_until_logged() >= TICK - 1);
    assert_true(says("/after"));
    end_label();
}

static void run_slow_fiber(void *arg)
{
    ws_run(slow_fiber, arg);
}

static void other_workers_are_watched_too(void **state)
{
    (void)state;
    struct handler h = { "/elsewhere", 0 };

    assert_int_equal(ws__in_thread(run_slow_fiber, &h), 0);
    assert_true(h.blocked >= TICK - 1);
    assert_true(says("/elsewhere"));
}

static int block_too_long(void *arg)
{
    (void)arg;
    return block(TOO_LONG) == -1 ? 42 : 0;
}

static void what_blocks_in_ws_blocking_is_not_logged(void **state)
{
    (void)state;

    ws__fiber_label("/blocking");
    assert_int_equal(ws_blocking(block_too_long, NULL), 42);
    assert_int_equal(atomic_load(&lines), 0);
    end_label();
}

static void block_in_thread(void *result)
{
    *(int *)result = block_too_long(NULL);
}

static void a_thread_may_block(void **state)
{
    (void)state;
    int result = 0;

    assert_int_equal(ws__in_thread(block_in_thread, &result), 0);
    assert_int_equal(result, 42);
}

static void who_waits_or_yields_is_not_logged(void **state)
{
    (void)state;

    ws__fiber_label("/patient");
    ws_sleep(TOO_LONG);
    int64_t until = ws_after(TOO_LONG);
    while (ws_now() < until)
        ws_yield();
    assert_int_equal(atomic_load(&lines), 0);
    end_label();
}

static void nothing(void *arg)
{
    (void)arg;
}

static void ship(const char *text, void *result)
{
    *(int *)result = ws_run(nothing, NULL);
    keep(text, NULL);
}

static void a_log_function_may_run_a_worker(void **state)
{
    (void)state;
    int result = -1;

    ws_set_log(ship, &result);
    ws__fiber_label("/shipped");
    assert_true(block_until_logged() >= TICK - 1);
    end_label();
    ws_set_log(keep, NULL);
    assert_true(says("/shipped"));
    assert_int_equal(result, 0);
}

/* ---- The machine is busy ------------------------------------------------ */

static atomic_int queued; /* percent of the time; -1: not known */

int64_t ws__queued_us(int tid)
{
    int percent = atomic_load(&queued);

    assert_int_not_equal(tid, 0);
    return percent < 0 ? -1 : ws__now_us() * percent / 100;
}

static void who_waits_for_a_processor_is_not_logged(void **state)
{
    (void)state;

    atomic_store(&queued, 100);
    ws_yield();
    ws__fiber_label("/queued");
    assert_int_equal(block(TOO_LONG), -1);
    ws_yield();
    atomic_store(&queued, 0);
    ws_yield();
    assert_true(block_until_logged() >= TICK - 1);
    assert_true(says("/queued"));
    end_label();
}

static void who_sleeps_on_a_busy_machine_is(void **state)
{
    (void)state;

    atomic_store(&queued, 50);
    ws_yield();
    ws__fiber_label("/half");
    assert_true(block_until_logged() >= 2 * TICK - 2);
    assert_true(says("/half"));
    atomic_store(&queued, 0);
    end_label();
}

static void who_may_have_waited_for_a_processor_is_not_logged(void **state)
{
    (void)state;

    atomic_store(&queued, -1);
    ws_yield();
    ws__fiber_label("/unknown");
    assert_int_equal(block(TOO_LONG), -1);
    atomic_store(&queued, 0); /* it is known now */
    assert_true(block_until_logged() >= TICK - 1);
    assert_true(says("/unknown"));
    end_label();
}

/* ---- Names -------------------------------------------------------------- */

static void the_librarys_own_work_is_called_that(void **state)
{
    (void)state;

    ws__fiber_label(WS__WORK "tests");
    ws_yield();
    assert_true(block_until_logged() >= TICK - 1);
    assert_true(says("the library's own work (tests) held up its worker"));
    assert_false(says("ws_blocking"));
    end_label();
}

static void be_slow(void *blocked)
{
    *(int64_t *)blocked = block_until_logged();
}

static void what_a_handler_starts_bears_its_name(void **state)
{
    (void)state;
    int64_t blocked = 0;

    ws__fiber_label("/parent");
    ws_join(ws_go(be_slow, &blocked));
    end_label();
    assert_true(blocked >= TICK - 1);
    assert_true(says("the handler of /parent"));
}

static atomic_int fibers, nameless;

static void count_fibers(ws_request *r, void *arg)
{
    (void)arg;
    for (struct ws__coroutine *f = ws__worker_here()->newest; f; f = f->older) {
        atomic_fetch_add(&fibers, 1);
        atomic_fetch_add(&nameless, f->label == NULL);
    }
    ws_reply_text(r, 200, "");
}

static int call(const ws_listener *l, const char *request)
{
    const char *port = strrchr(ws_listener_addr(l), ':') + 1;
    struct sockaddr_in in = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)strtol(port, NULL, 10)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int fd = ws__connect((struct sockaddr *)&in, sizeof(in), 0, NULL);
    char answer[16];

    assert_true(fd >= 0);
    assert_int_equal(send(fd, request, strlen(request), 0), strlen(request));
    assert_true(ws_wait_fd(fd, POLLIN, 0) > 0);
    assert_true(recv(fd, answer, sizeof(answer), MSG_DONTWAIT) > 0);
    return fd;
}

/* One that accepts, one whose client is idle, one that lingers, and the
 * handler's. */
static void each_fiber_of_a_server_has_a_name(void **state)
{
    (void)state;
    static const ws_route routes[] = { { .path = "/", .handler = count_fibers },
                                       { 0 } };
    ws_error err;
    ws_listener *l = ws_listen(
        &(ws_server){ .addr = "127.0.0.1:0", .routes = routes, .workers = 1 },
        &err);

    assert_non_null(l);
    int idle = call(l, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    int lingering = call(l, "malformed\r\n\r\n");
    atomic_store(&fibers, 0);
    int fd = call(l, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(atomic_load(&fibers), 4);
    assert_int_equal(atomic_load(&nameless), 0);
    close(idle);
    close(lingering);
    close(fd);
    assert_int_equal(ws_listener_shutdown(l, ws_after(20000)), 0);
}

/* ---- Very many ---------------------------------------------------------- */

enum { MANY = 72, TOLD = 64 };

static sem_t may_end;

static void wait_silently(void *label)
{
    ws__fiber_label(label);
    ws_yield();
    while (sem_wait(&may_end) != 0)
        continue;
    end_label();
}

static void *run_and_wait(void *label)
{
    ws_run(wait_silently, label);
    return NULL;
}

/* All at once, which is more than one look takes; this worker goes on. */
static void no_more_are_told_of_than_a_log_can_bear(void **state)
{
    (void)state;
    static char labels[MANY][16];
    int64_t limit = ws_after(20000);
    pthread_t threads[MANY];

    sem_init(&may_end, 0, 0);
    for (int i = 0; i < MANY; i++) {
        snprintf(labels[i], sizeof(labels[i]), "/many/%d", i);
        assert_int_equal(
            pthread_create(&threads[i], NULL, run_and_wait, labels[i]), 0);
    }
    while (atomic_load(&told) < TOLD && ws_now() < limit)
        ws_sleep(1);
    ws_sleep(TOO_LONG);
    int n = atomic_load(&told);
    for (int i = 0; i < MANY; i++)
        sem_post(&may_end);
    for (int i = 0; i < MANY; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(n, TOLD);
}

#define watched(test) cmocka_unit_test_setup(test, forget_lines)

int main(void)
{
    const struct CMUnitTest tests[] = {
        watched(a_label_is_logged_once),
        watched(without_a_label_the_function_is_named),
        watched(each_label_is_logged),
        watched(one_that_blocks_after_a_long_sleep_is_seen),
        watched(other_workers_are_watched_too),
        watched(what_blocks_in_ws_blocking_is_not_logged),
        watched(a_thread_may_block),
        watched(who_waits_or_yields_is_not_logged),
        watched(a_log_function_may_run_a_worker),
        watched(who_waits_for_a_processor_is_not_logged),
        watched(who_sleeps_on_a_busy_machine_is),
        watched(who_may_have_waited_for_a_processor_is_not_logged),
        watched(the_librarys_own_work_is_called_that),
        watched(what_a_handler_starts_bears_its_name),
        watched(each_fiber_of_a_server_has_a_name),
        watched(no_more_are_told_of_than_a_log_can_bear),
    };

    sem_init(&logged, 0, 0);
    ws_set_log(keep, NULL);
    return run_in_fiber("watchdog", tests, NULL, NULL);
}
