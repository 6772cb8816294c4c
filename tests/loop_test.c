/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <silverback.h>

#include "alloc_fail.h"
#include "fiber/sanitizers.h"

enum {
    PATIENCE_MS = 20 * 1000,
    OWN_STACK = 80 * 1024,
    MESSAGES = 50,
    ADDRS = 100, /* whose fibers' stacks take more than one allocation */
    MANY = 300,  /* more than one step takes from the kernel */
};

static ws_loop *loop; /* of the tests' own thread */

/* ---- The program's own loop --------------------------------------------- */

/* It has the loop's descriptor in an epoll of its own. */
struct program {
    ws_loop *loop;
    int epoll;
    int64_t again;
};

static struct program program_of(ws_loop *l)
{
    struct program p = { .loop = l,
                         .epoll = epoll_create1(EPOLL_CLOEXEC),
                         .again = ws_now() };
    struct epoll_event e = { .events = EPOLLIN };

    assert_true(p.epoll >= 0);
    assert_int_equal(epoll_ctl(p.epoll, EPOLL_CTL_ADD, ws_loop_fd(l), &e), 0);
    return p;
}

static void turn(struct program *p)
{
    struct epoll_event e;
    int ms = ws_loop_timeout(p->again);

    if (ms < 0 || ms > PATIENCE_MS)
        ms = PATIENCE_MS;
    int n = epoll_wait(p->epoll, &e, 1, ms);
    assert_true(n > 0 || ws_loop_timeout(p->again) == 0);
    p->again = ws_loop_step(p->loop);
    assert_true(p->again >= 0);
}

static void run_until(ws_loop *l, const bool *done)
{
    struct program p = program_of(l);

    while (!*done)
        turn(&p);
    close(p.epoll);
}

/* Until nothing is left to be done, and then free it. */
static void run_out(ws_loop *l)
{
    struct program p = program_of(l);
    int r;

    while ((r = ws_loop_free(l)) == -EBUSY)
        turn(&p);
    assert_int_equal(r, 0);
    close(p.epoll);
}

static bool readable(ws_loop *l)
{
    struct pollfd p = { .fd = ws_loop_fd(l), .events = POLLIN };

    return poll(&p, 1, 0) == 1;
}

static int make_loop(void **state)
{
    (void)state;
    loop = ws_loop_new(0);
    return loop ? 0 : -1;
}

static int end_loop(void **state)
{
    (void)state;
    run_out(loop);
    return 0;
}

/* ---- Fibers ------------------------------------------------------------- */

struct note {
    pthread_t thread;
    int step;
    bool done;
};

static void note_steps(void *arg)
{
    struct note *n = arg;

    n->thread = pthread_self();
    n->step = 1;
    ws_yield();
    n->step = 2;
    ws_yield();
    n->step = 3;
    n->done = true;
}

static void fibers_run_in_steps_of_the_programs_thread(void **state)
{
    (void)state;
    struct note n = { .step = 0 };

    ws_loop_step(loop);
    assert_false(readable(loop));
    ws_detach(ws_go(note_steps, &n));
    assert_int_equal(n.step, 0);
    assert_true(readable(loop));

    /* What has more to do has the program's other work go on before it. */
    int64_t again = ws_loop_step(loop);
    assert_int_equal(n.step, 1);
    assert_int_equal(ws_loop_timeout(again), 0);
    assert_true(pthread_equal(n.thread, pthread_self()));
    again = ws_loop_step(loop);
    assert_int_equal(n.step, 2);
    assert_int_equal(ws_loop_timeout(again), 0);
    ws_loop_step(loop);
    assert_true(n.done);
}

static void sleep_a_little(void *arg)
{
    ws_sleep(30);
    *(bool *)arg = true;
}

static void a_step_says_when_to_come_again(void **state)
{
    (void)state;
    bool slept = false;

    assert_int_equal(ws_loop_timeout(0), -1);
    assert_int_equal(ws_loop_timeout(1), 0);
    assert_in_range(ws_loop_timeout(ws_after(5000)), 1, 5000);
    assert_int_equal(ws_loop_timeout(INT64_MAX), INT32_MAX);

    int64_t before = ws_now();
    ws_detach(ws_go(sleep_a_little, &slept));
    struct program p = program_of(loop);
    turn(&p);
    assert_false(slept);
    assert_in_range(p.again, before + 1, ws_after(30) + 64);
    while (!slept)
        turn(&p);
    assert_true(ws_now() >= before + 30);
    close(p.epoll);
}

static void wait_for_event(void *arg)
{
    ws_event_wait(arg, 0);
    ws_event_clear(arg);
}

static void *set_event(void *arg)
{
    ws_event_set(arg);
    return NULL;
}

static void other_threads_wake_the_descriptor(void **state)
{
    (void)state;
    ws_event e = { { NULL } };
    pthread_t other;

    ws_detach(ws_go(wait_for_event, &e));
    ws_loop_step(loop);
    while (readable(loop))
        ws_loop_step(loop);
    assert_int_equal(pthread_create(&other, NULL, set_event, &e), 0);
    struct pollfd p = { .fd = ws_loop_fd(loop), .events = POLLIN };
    assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
    pthread_join(other, NULL);
    while (ws_event_is_set(&e))
        ws_loop_step(loop);
}

static int thread_of(void *arg)
{
    *(pthread_t *)arg = pthread_self();
    return 7;
}

static void block(void *arg)
{
    struct note *n = arg;

    n->step = ws_blocking(thread_of, &n->thread);
    n->done = true;
}

static void what_blocks_is_done_elsewhere(void **state)
{
    (void)state;
    struct note n = { .step = 0 };

    ws_detach(ws_go(block, &n));
    run_until(loop, &n.done);
    assert_int_equal(n.step, 7);
    assert_false(pthread_equal(n.thread, pthread_self()));
}

struct reader {
    int fd;
    int *left; /* of all of them */
    bool *done;
};

static void read_one(void *arg)
{
    struct reader *r = arg;
    uint64_t n;

    assert_int_equal(ws_wait_fd(r->fd, POLLIN, 0), POLLIN);
    assert_int_equal(read(r->fd, &n, sizeof(n)), sizeof(n));
    *r->done = --*r->left == 0;
}

static void more_events_than_a_step_takes_are_not_lost(void **state)
{
    (void)state;
    static struct reader readers[MANY];
    int left = MANY;
    bool done = false;

    for (int i = 0; i < MANY; i++) {
        int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

        assert_true(fd >= 0);
        readers[i] = (struct reader){ fd, &left, &done };
        ws_detach(ws_go(read_one, &readers[i]));
    }
    ws_loop_step(loop);
    assert_int_equal(left, MANY);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(eventfd_write(readers[i].fd, 1), 0);
    run_until(loop, &done);
    for (int i = 0; i < MANY; i++)
        close(readers[i].fd);
}

/* ---- Waits outside of fibers -------------------------------------------- */

static void set_after_a_while(void *arg)
{
    ws_sleep(20);
    ws_event_set(arg);
}

static void what_waits_outside_of_a_step_runs_the_loop(void **state)
{
    (void)state;
    ws_event e = { { NULL } };
    int bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int left = 1;
    bool done = false;
    struct reader r = { bell, &left, &done };

    ws_detach(ws_go(set_after_a_while, &e));
    assert_int_equal(ws_event_wait(&e, ws_after(PATIENCE_MS)), 0);

    int64_t before = ws_now();
    ws_event_clear(&e);
    assert_int_equal(ws_event_wait(&e, ws_after(20)), WS_ERR_TIMEOUT);
    assert_true(ws_now() >= before + 20);
    ws_fiber *f = ws_go(set_after_a_while, &e);
    ws_join(f);
    assert_true(ws_event_is_set(&e));

    /* Also for a descriptor, which a fiber has beside it. */
    ws_detach(ws_go(read_one, &r));
    ws_sleep(20);
    assert_int_equal(ws_wait_fd(bell, POLLIN, ws_after(20)), WS_ERR_TIMEOUT);
    assert_int_equal(left, 1);
    assert_int_equal(eventfd_write(bell, 1), 0);
    assert_int_equal(ws_wait_fd(bell, POLLOUT, ws_after(PATIENCE_MS)), POLLOUT);
    run_until(loop, &done);
    close(bell);
}

static void what_such_a_wait_leaves_to_be_done_is_not_forgotten(void **state)
{
    (void)state;
    bool slept = false;
    struct program p = program_of(loop);

    while (p.again != 0)
        turn(&p);
    ws_detach(ws_go(sleep_a_little, &slept));
    ws_sleep(1);
    while (!slept)
        turn(&p);
    close(p.epoll);
}

static void run_a_worker(void *arg)
{
    struct note n = { .step = 0 };

    ws_join(ws_go(note_steps, &n));
    *(bool *)arg = n.done && pthread_equal(n.thread, pthread_self());
}

static void a_worker_may_run_between_two_steps(void **state)
{
    (void)state;
    bool done = false, after = false;

    assert_int_equal(ws_run(run_a_worker, &done), 0);
    assert_true(done);
    ws_detach(ws_go(sleep_a_little, &after));
    run_until(loop, &after);
}

/* ---- Connections -------------------------------------------------------- */

/* The program's data: no lock, no atomic. */
static struct {
    int messages;
    int open;
} data;

static void echo(ws_conn *c, void *arg)
{
    ws_message m;

    (void)arg;
    data.open++;
    while (ws_read_message(c, &m) == 0 &&
           ws_write_message(c, m.type, m.data, m.len) == 0)
        data.messages++;
    data.open--;
}

static void answer(ws_conn *c, ws_message *m, void *arg)
{
    (void)arg;
    if (!m)
        data.open--;
    else if (ws_write_message(c, m->type, m->data, m->len) == 0)
        data.messages++;
}

static void echo_by_calls(ws_request *r, void *arg)
{
    ws_conn *c = ws_upgrade(NULL, r, NULL);

    if (c && ws_on_message(c, answer, arg) == 0)
        data.open++;
}

static void let_pass(ws_conn *c, ws_message *m, void *arg)
{
    (void)c;
    (void)m;
    (void)arg;
}

static void hand_on(ws_request *r, void *arg)
{
    ws_conn *c = ws_upgrade(NULL, r, NULL);

    if (c)
        (void)ws_on_message(c, let_pass, arg);
}

static void stay(ws_conn *c, void *arg)
{
    (void)c;
    ws_event_wait(arg, 0);
}

static ws_event stayed_long_enough;

static const ws_route routes[] = {
    { .path = "/echo", .socket = echo },
    { .path = "/calls", .handler = echo_by_calls },
    { .path = "/thread", .handler = hand_on, .thread = true },
    { .path = "/stay", .socket = stay, .arg = &stayed_long_enough },
    { 0 },
};

static ws_listener *listen_in(ws_loop *l)
{
    const ws_server s = { .addr = "127.0.0.1:0", .routes = routes, .loop = l };
    ws_error err;
    ws_listener *listener = ws_listen(&s, &err);

    if (!listener)
        fail_msg("%s", err.text);
    return listener;
}

struct client {
    const ws_listener *at;
    const char *path;
    int came;
    int code; /* that the conversation ended with */
    bool done;
};

static ws_conn *dial_to(const ws_listener *l, const char *path)
{
    const ws_dialer d = { .proxy = "", .handshake_timeout_ms = PATIENCE_MS };
    char url[128];
    ws_error err;

    snprintf(url, sizeof(url), "ws://%s%s", ws_listener_addr(l), path);
    ws_conn *c = ws_dial(&d, url, NULL, NULL, &err);
    if (!c)
        fprintf(stderr, "%s: %s\n", url, err.text);
    return c;
}

static void converse(void *arg)
{
    struct client *k = arg;
    ws_conn *c = dial_to(k->at, k->path);
    ws_message m;

    ws_set_read_deadline(c, ws_after(PATIENCE_MS));
    while (k->came < MESSAGES && ws_write_text(c, "to and fro") == 0 &&
           ws_read_message(c, &m) == 0)
        k->came++;
    k->code = ws_finish(c, WS_CLOSE_NORMAL, "", ws_after(PATIENCE_MS));
    ws_close(c);
    k->done = true;
}

static void *converse_in_thread(void *arg)
{
    converse(arg);
    return NULL;
}

static void shut_down(ws_listener *l)
{
    assert_int_equal(ws_listener_shutdown(l, ws_after(PATIENCE_MS)), 0);
}

static void both_ends_are_in_the_loop(void **state)
{
    (void)state;
    ws_listener *l = listen_in(loop);
    struct client by_fiber = { .at = l, .path = "/echo" },
                  by_calls = { .at = l, .path = "/calls" };

    data.messages = 0;
    ws_detach(ws_go(converse, &by_fiber));
    ws_detach(ws_go(converse, &by_calls));
    run_until(loop, &by_fiber.done);
    run_until(loop, &by_calls.done);
    assert_int_equal(by_fiber.came, MESSAGES);
    assert_int_equal(by_calls.came, MESSAGES);
    assert_int_equal(data.messages, 2 * MESSAGES);
    shut_down(l);
    assert_int_equal(data.open, 0);
}

/* ThreadSanitizer would see handlers in more threads than one. */
static void handlers_touch_the_programs_data_without_a_lock(void **state)
{
    (void)state;
    ws_listener *l = listen_in(loop);
    struct client clients[4];
    pthread_t threads[COUNT(clients)];

    data.messages = 0;
    for (size_t i = 0; i < COUNT(clients); i++) {
        clients[i] =
            (struct client){ .at = l, .path = i % 2 == 0 ? "/echo" : "/calls" };
        assert_int_equal(
            pthread_create(&threads[i], NULL, converse_in_thread, &clients[i]),
            0);
    }
    struct program p = program_of(loop);
    int64_t until = ws_after(PATIENCE_MS);
    while (data.messages < (int)COUNT(clients) * MESSAGES && ws_now() < until)
        turn(&p);
    while (data.open > 0 && ws_now() < until)
        turn(&p);
    close(p.epoll);
    shut_down(l);
    for (size_t i = 0; i < COUNT(clients); i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(clients[i].came, MESSAGES);
    }
}

static void a_dial_outside_of_a_step_reaches_the_loops_own_listener(
    void **state)
{
    (void)state;
    ws_listener *l = listen_in(loop);
    struct client k = { .at = l, .path = "/echo" };

    converse(&k);
    assert_int_equal(k.came, MESSAGES);
    assert_int_equal(k.code, 0);
    shut_down(l);
}

static void two_listeners_of_one_loop_count_apart(void **state)
{
    (void)state;
    ws_listener *a = listen_in(loop), *b = listen_in(loop);
    uint64_t counts[WS_COUNTERS];

    for (int i = 0; i < 3; i++) {
        struct client k = { .at = i == 0 ? a : b, .path = "/echo" };

        converse(&k);
        assert_int_equal(k.came, MESSAGES);
    }
    assert_int_equal(ws_stats(a, counts, WS_COUNTERS), 0);
    assert_int_equal(counts[WS_COUNT_MESSAGES_IN], MESSAGES);
    assert_int_equal(ws_stats(b, counts, WS_COUNTERS), 0);
    assert_int_equal(counts[WS_COUNT_MESSAGES_IN], 2 * MESSAGES);
    shut_down(a);
    shut_down(b);
}

/* ---- The end ------------------------------------------------------------ */

struct stop {
    ws_listener *listener;
    int64_t deadline;
    int code;
    bool done;
};

static void stop(void *arg)
{
    struct stop *s = arg;

    s->code = ws_listener_shutdown(s->listener, s->deadline);
    s->done = true;
}

static void a_listener_is_shut_down_inside_and_outside_of_a_fiber(void **state)
{
    (void)state;

    for (int inside = 0; inside <= 1; inside++) {
        ws_listener *l = listen_in(loop);
        struct stop s = { .listener = l, .deadline = ws_after(PATIENCE_MS) };
        ws_conn *c = dial_to(l, "/echo"), *calls = dial_to(l, "/calls");
        ws_message m;

        assert_int_equal(ws_write_text(c, "hello"), 0);
        assert_int_equal(ws_read_message(c, &m), 0);
        assert_int_equal(ws_write_text(calls, "hello"), 0);
        assert_int_equal(ws_read_message(calls, &m), 0);
        ws_shutdown(c);
        ws_shutdown(calls);
        ws_close(c);
        ws_close(calls);
        if (inside)
            ws_detach(ws_go(stop, &s));
        else
            stop(&s);
        run_until(loop, &s.done);
        assert_int_equal(s.code, 0);
        assert_int_equal(data.open, 0);
    }
}

/* In a worker its end would wait for them: ASan sees who comes too late. */
static void a_listener_is_not_freed_before_its_own_fibers_have_ended(
    void **state)
{
    (void)state;

    for (int i = 0; i < rounds(20); i++) {
        ws_listener *l = listen_in(loop);
        int fds[2];

        ws_conn *c = dial_to(l, "/thread");
        assert_non_null(c);
        ws_shutdown(c);
        ws_close(c);
        assert_int_equal(
            socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        assert_int_equal(ws_listener_serve_fd(l, fds[0], "given"), 0);
        close(fds[1]);
        shut_down(l);
    }
}

static void a_handler_that_stays_is_not_waited_for_for_ever(void **state)
{
    (void)state;
    ws_listener *l = listen_in(loop);
    ws_conn *c = dial_to(l, "/stay");

    ws_event_clear(&stayed_long_enough);
    assert_int_equal(ws_listener_shutdown(l, ws_after(1)), WS_ERR_TIMEOUT);
    assert_int_equal(ws_loop_free(loop), -EBUSY);
    ws_event_set(&stayed_long_enough);
    shut_down(l);
    ws_shutdown(c);
    ws_close(c);
}

/* As one that takes its time would. */
static void hesitate(ws_request *r, int status, const char *reason, void *arg)
{
    (void)r, (void)status, (void)reason;
    ws_event_wait(arg, 0);
}

static int hand_in(ws_listener *l)
{
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    assert_int_equal(ws_listener_serve_fd(l, fds[0], NULL), 0);
    return fds[1];
}

static void what_is_being_handed_in_keeps_the_listener(void **state)
{
    (void)state;
    ws_event refused = { { NULL } };
    const ws_server s = { .addr = "none",
                          .routes = routes,
                          .loop = loop,
                          .max_connections = 1,
                          .error = hesitate,
                          .error_arg = &refused };
    ws_listener *l = ws_listen(&s, NULL);
    int first = hand_in(l), second = hand_in(l);

    assert_int_equal(ws_listener_shutdown(l, ws_after(1)), WS_ERR_TIMEOUT);
    ws_event_set(&refused);
    shut_down(l);
    close(first);
    close(second);
}

static void a_loop_with_something_left_is_not_freed(void **state)
{
    (void)state;
    ws_event e = { { NULL } };
    ws_listener *l = listen_in(loop);
    ws_conn *c = dial_to(l, "/calls");
    ws_message m;

    assert_int_equal(ws_write_text(c, "hello"), 0);
    assert_int_equal(ws_read_message(c, &m), 0);
    assert_int_equal(ws_loop_free(loop), -EBUSY);
    ws_shutdown(c);
    ws_close(c);
    shut_down(l);

    ws_detach(ws_go(wait_for_event, &e));
    assert_int_equal(ws_loop_free(loop), -EBUSY);
    ws_loop_step(loop);
    assert_int_equal(ws_loop_free(loop), -EBUSY);
    ws_event_set(&e);
    run_out(loop);
    loop = ws_loop_new(0);
    assert_non_null(loop);
}

/* ---- Misuse ------------------------------------------------------------- */

struct codes {
    ws_loop *loop;
    int64_t step;
    int free;
    ws_listener *listener;
    int listen;
    bool made_another;
    bool done;
};

static void misuse(void *arg)
{
    struct codes *c = arg;
    const ws_server s = { .addr = "127.0.0.1:0",
                          .routes = routes,
                          .loop = c->loop };
    ws_error err;

    c->step = ws_loop_step(c->loop);
    c->free = ws_loop_free(c->loop);
    c->made_another = ws_loop_new(0) != NULL;
    c->listener = ws_listen(&s, &err);
    c->listen = err.code;
    c->done = true;
}

static void *misuse_in_thread(void *arg)
{
    struct codes *c = arg;

    c->step = ws_loop_step(c->loop);
    c->free = ws_loop_free(c->loop);
    c->made_another = ws_run(misuse, c) != 0 || c->made_another;
    return NULL;
}

static void misuse_gets_a_code(void **state)
{
    (void)state;
    struct codes in_fiber = { .loop = loop }, in_thread = { .loop = loop },
                 in_worker = { .loop = loop };
    pthread_t other;

    assert_int_equal(ws_loop_step(NULL), WS_ERR_INVALID);
    assert_int_equal(ws_loop_fd(NULL), WS_ERR_INVALID);
    assert_int_equal(ws_loop_free(NULL), 0);
    assert_null(ws_loop_new(0));

    assert_int_equal(pthread_create(&other, NULL, misuse_in_thread, &in_thread),
                     0);
    pthread_join(other, NULL);
    assert_int_equal(in_thread.step, WS_ERR_INVALID);
    assert_int_equal(in_thread.free, WS_ERR_INVALID);
    assert_int_equal(in_thread.listen, WS_ERR_INVALID);
    assert_false(in_thread.made_another);

    assert_int_equal(ws_run(misuse, &in_worker), 0);
    assert_int_equal(in_worker.step, WS_ERR_INVALID);
    assert_int_equal(in_worker.listen, WS_ERR_INVALID);
    assert_false(in_worker.made_another);

    ws_detach(ws_go(misuse, &in_fiber));
    run_until(loop, &in_fiber.done);
    assert_int_equal(in_fiber.step, WS_ERR_INVALID);
    assert_int_equal(in_fiber.free, WS_ERR_INVALID);
    assert_false(in_fiber.made_another);
    assert_int_equal(in_fiber.listen, 0);
    shut_down(in_fiber.listener);
}

static void a_loop_has_no_threads_beside_it(void **state)
{
    (void)state;
    const ws_server s = {
        .addr = "127.0.0.1:0", .routes = routes, .threads = true, .loop = loop
    };
    ws_error err;

    assert_null(ws_listen(&s, &err));
    assert_int_equal(err.code, WS_ERR_INVALID);
    assert_string_equal(err.text, "loop: expected no threads beside it");
}

/* ---- Several of them ---------------------------------------------------- */

static void *run_a_loop(void *arg)
{
    struct client *k = arg;
    ws_loop *own = ws_loop_new(64 * 1024);

    if (!own)
        return NULL;
    ws_detach(ws_go(converse, k));
    run_until(own, &k->done);
    run_out(own);
    return NULL;
}

static void each_thread_may_have_one(void **state)
{
    (void)state;
    ws_listener *l = listen_in(loop);
    struct client clients[3];
    pthread_t threads[COUNT(clients)];

    data.messages = 0;
    for (size_t i = 0; i < COUNT(clients); i++) {
        clients[i] = (struct client){ .at = l, .path = "/echo" };
        assert_int_equal(
            pthread_create(&threads[i], NULL, run_a_loop, &clients[i]), 0);
    }
    struct program p = program_of(loop);
    int64_t until = ws_after(PATIENCE_MS);
    while ((data.messages < (int)COUNT(clients) * MESSAGES || data.open > 0) &&
           ws_now() < until)
        turn(&p);
    close(p.epoll);
    shut_down(l);
    for (size_t i = 0; i < COUNT(clients); i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(clients[i].came, MESSAGES);
    }
}

static void *make_without_memory(void *arg)
{
    ws_loop *l = NULL;

    for (long n = 1; !l && n < 20; n++) {
        alloc_fail_at(n);
        l = ws_loop_new(0);
        alloc_fail_at(0);
    }
    if (l)
        run_out(l);
    *(bool *)arg = l != NULL;
    return NULL;
}

static void without_memory_there_is_none(void **state)
{
    (void)state;
    pthread_t other;
    bool made = false;

    assert_int_equal(pthread_create(&other, NULL, make_without_memory, &made),
                     0);
    pthread_join(other, NULL);
    assert_true(made);
}

/* Some of what accepts has a fiber by then; stacks of this size are nobody
 * else's. */
static void without_memory_a_listener_leaves_nothing_in_the_loop(void **state)
{
    (void)state;
    const char *many[ADDRS + 1] = { NULL };
    ws_loop *own = ws_loop_new(OWN_STACK);
    ws_server s = { .routes = routes, .addrs = many, .loop = own };
    ws_listener *l = NULL;

    for (size_t i = 0; i < ADDRS; i++)
        many[i] = "127.0.0.1:0";
    for (long n = 1; !l; n++) {
        alloc_fail_from(n);
        l = ws_listen(&s, NULL);
        alloc_fail_at(0);
        assert_true(ws_loop_step(own) >= 0);
    }
    shut_down(l);
    run_out(own);
}

#define in_a_loop(f) cmocka_unit_test_setup_teardown(f, make_loop, end_loop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_a_loop(fibers_run_in_steps_of_the_programs_thread),
        in_a_loop(a_step_says_when_to_come_again),
        in_a_loop(other_threads_wake_the_descriptor),
        in_a_loop(what_blocks_is_done_elsewhere),
        in_a_loop(more_events_than_a_step_takes_are_not_lost),
        in_a_loop(what_waits_outside_of_a_step_runs_the_loop),
        in_a_loop(what_such_a_wait_leaves_to_be_done_is_not_forgotten),
        in_a_loop(a_worker_may_run_between_two_steps),
        in_a_loop(both_ends_are_in_the_loop),
        in_a_loop(handlers_touch_the_programs_data_without_a_lock),
        in_a_loop(a_dial_outside_of_a_step_reaches_the_loops_own_listener),
        in_a_loop(two_listeners_of_one_loop_count_apart),
        in_a_loop(a_listener_is_shut_down_inside_and_outside_of_a_fiber),
        in_a_loop(a_listener_is_not_freed_before_its_own_fibers_have_ended),
        in_a_loop(a_handler_that_stays_is_not_waited_for_for_ever),
        in_a_loop(what_is_being_handed_in_keeps_the_listener),
        in_a_loop(a_loop_with_something_left_is_not_freed),
        in_a_loop(misuse_gets_a_code),
        in_a_loop(a_loop_has_no_threads_beside_it),
        in_a_loop(each_thread_may_have_one),
        cmocka_unit_test(without_memory_there_is_none),
        cmocka_unit_test(without_memory_a_listener_leaves_nothing_in_the_loop),
    };

    alloc_fail_install();
    return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
