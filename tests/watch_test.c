/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include <silverback/base.h>
#include <silverback/fiber.h>

#include "fiber/park.h"
#include "fiber/callee.h"
#include "fiber/watch.h"
#include "mode.h"

enum {
    LONG = 60000, /* ms; never waited for in full */
    ROUNDS = 2000,
};

static int pair[2]; /* sockets; the first one is watched */
static struct ws__watch *watch;

static int open_pair(void **state)
{
    const int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

    (void)state;
    if (socketpair(AF_UNIX, type, 0, pair) != 0)
        return -1;
    watch = NULL;
    return ws__watch_new(pair[0], false, 0, &watch);
}

static int close_pair(void **state)
{
    (void)state;
    ws__watch_free(watch);
    close(pair[0]);
    close(pair[1]);
    ws_yield(); /* the loop frees what it freed */
    return 0;
}

static int wait_for(int events)
{
    return ws__park_fd(pair[0], watch, events, ws_after(LONG), true);
}

/* Whatever has happened, the loop has seen it. */
static void let_the_loop_look(void)
{
    ws_yield();
    ws_yield();
}

static void send_byte(int fd)
{
    assert_int_equal(write(fd, "x", 1), 1);
}

static size_t receive_all(int fd)
{
    char bytes[4096];
    size_t all = 0;
    ssize_t n;

    while ((n = read(fd, bytes, sizeof(bytes))) > 0)
        all += (size_t)n;
    return all;
}

static void fill(int fd)
{
    static const char bytes[4096];

    while (write(fd, bytes, sizeof(bytes)) > 0)
        continue;
}

/* It could be written to, which nobody knows any more. */
static void fill_and_forget(void)
{
    let_the_loop_look();
    fill(pair[0]);
    assert_int_equal(wait_for(POLLOUT), POLLOUT);
}

/* A fiber that waits, beside the test. */
struct waiter {
    int events;
    int got;
    bool woken;
    ws_fiber *fiber;
};

static void wait_beside(void *arg)
{
    struct waiter *w = arg;

    w->got = wait_for(w->events);
    w->woken = true;
}

static struct waiter *start(struct waiter *w, int events)
{
    *w = (struct waiter){ .events = events };
    w->fiber = ws_go(wait_beside, w);
    assert_non_null(w->fiber);
    let_the_loop_look();
    return w;
}

/* ---- Edges -------------------------------------------------------------- */

static void an_event_before_the_wait_is_not_lost(void **state)
{
    (void)state;

    for (int i = 0; i < 3; i++) {
        send_byte(pair[1]);
        assert_int_equal(wait_for(POLLIN), POLLIN);
        assert_int_equal(receive_all(pair[0]), 1);
        send_byte(pair[1]);
        let_the_loop_look();
        assert_int_equal(wait_for(POLLIN), POLLIN);
        assert_int_equal(receive_all(pair[0]), 1);
    }
}

static void an_event_of_another_kind_is_kept_for_later(void **state)
{
    (void)state;

    send_byte(pair[1]);
    let_the_loop_look();
    assert_int_equal(wait_for(POLLOUT), POLLOUT);
    assert_int_equal(wait_for(POLLIN), POLLIN);
}

static void both_may_be_asked_for_at_once(void **state)
{
    (void)state;

    send_byte(pair[1]);
    let_the_loop_look();
    assert_int_equal(wait_for(POLLIN | POLLOUT), POLLIN | POLLOUT);
}

/* One was told of them, so it is his to read until there is no more. */
static void events_are_told_once(void **state)
{
    (void)state;

    send_byte(pair[1]);
    assert_int_equal(wait_for(POLLIN), POLLIN);
    assert_int_equal(ws__park_fd(pair[0], watch, POLLIN, ws_after(10), true),
                     WS_ERR_TIMEOUT);
    send_byte(pair[1]);
    assert_int_equal(wait_for(POLLIN), POLLIN);
    assert_int_equal(receive_all(pair[0]), 2);
}

/* After it has passed, the descriptor itself is asked. */
static void a_deadline_that_has_passed_does_not_wait(void **state)
{
    (void)state;

    assert_int_equal(ws__park_fd(pair[0], watch, POLLIN, 1, true),
                     WS_ERR_TIMEOUT);
    send_byte(pair[1]);
    assert_int_equal(ws__park_fd(pair[0], watch, POLLIN, 1, true), POLLIN);
    assert_int_equal(ws__park_fd(pair[0], watch, POLLIN, 1, true), POLLIN);
}

static void the_end_of_the_peer_stays(void **state)
{
    (void)state;

    shutdown(pair[1], SHUT_WR);
    for (int i = 0; i < 3; i++)
        assert_int_equal(wait_for(POLLIN), POLLIN);
    shutdown(pair[1], SHUT_RDWR);
    let_the_loop_look();
    for (int i = 0; i < 3; i++) {
        assert_int_equal(wait_for(POLLIN), POLLIN | POLLHUP);
        assert_true(wait_for(POLLOUT) & POLLHUP);
    }
}

static void write_slowly(void *arg)
{
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        for (int spins = i % 97 * 20; spins > 0; spins--)
            atomic_signal_fence(memory_order_seq_cst);
        while (write(pair[1], "x", 1) != 1)
            ws_wait_fd(pair[1], POLLOUT, 0);
    }
}

/* Each byte comes between any two steps of the reader: each is an edge that
 * could be lost, and then there would be a wait without an end. */
static void no_edge_is_lost_to_a_writer_in_a_thread(void **state)
{
    (void)state;
    size_t got = 0;
    ws_fiber *writer = ws__go_thread(write_slowly, NULL);

    assert_non_null(writer);
    while (got < ROUNDS) {
        size_t n = receive_all(pair[0]);

        got += n;
        if (n == 0)
            assert_int_equal(wait_for(POLLIN), POLLIN);
    }
    assert_int_equal(got, ROUNDS);
    ws_join(writer);
}

/* ---- Two waiters -------------------------------------------------------- */

static void each_waiter_gets_what_it_waits_for(void **state)
{
    (void)state;
    struct waiter reader, writer;

    fill_and_forget();
    start(&reader, POLLIN);
    start(&writer, POLLOUT);
    assert_false(reader.woken || writer.woken);

    receive_all(pair[1]);
    ws_join(writer.fiber);
    assert_int_equal(writer.got, POLLOUT);
    assert_false(reader.woken);

    fill(pair[0]);
    start(&writer, POLLOUT);
    send_byte(pair[1]);
    ws_join(reader.fiber);
    assert_int_equal(reader.got, POLLIN);
    receive_all(pair[1]);
    ws_join(writer.fiber);
}

static void the_end_wakes_them_all(void **state)
{
    (void)state;
    struct waiter reader, another, writer;

    fill_and_forget();
    start(&reader, POLLIN);
    start(&another, POLLIN);
    start(&writer, POLLOUT);
    shutdown(pair[0], SHUT_RDWR);
    ws_join(reader.fiber);
    ws_join(another.fiber);
    ws_join(writer.fiber);
    assert_int_equal(reader.got, POLLIN | POLLHUP);
    assert_int_equal(another.got, POLLIN | POLLHUP);
    assert_true(writer.got & POLLHUP);
}

static void the_first_to_wake_may_end_the_other_wait(void **state)
{
    (void)state;
    struct waiter reader, another;

    for (int i = 0; i < 10; i++) {
        start(&reader, POLLIN);
        start(&another, POLLIN);
        send_byte(pair[1]);
        ws_join(reader.fiber);
        ws_join(another.fiber);
        assert_int_equal(reader.got, POLLIN);
        assert_int_equal(another.got, POLLIN);
        receive_all(pair[0]);
    }
}

enum { STREAM = 1000000 };

struct end {
    int fd;
    struct ws__watch *watch;
    size_t sent;
    size_t received;
};

static void send_stream(void *arg)
{
    static const char bytes[3000];
    struct end *e = arg;

    while (e->sent < STREAM) {
        size_t left = STREAM - e->sent;
        ssize_t n =
            write(e->fd, bytes, left < sizeof(bytes) ? left : sizeof(bytes));

        if (n > 0)
            e->sent += (size_t)n;
        else
            ws__park_fd(e->fd, e->watch, POLLOUT, 0, true);
    }
}

static void receive_stream(void *arg)
{
    struct end *e = arg;

    while (e->received < STREAM) {
        size_t n = receive_all(e->fd);

        e->received += n;
        if (n == 0)
            ws__park_fd(e->fd, e->watch, POLLIN, 0, true);
    }
}

/* Two fibers at one end, two of another worker or thread at the other. */
static void both_at_once(void *arg)
{
    struct end *e = arg;
    ws_fiber *sender = ws_go(send_stream, e);

    receive_stream(e);
    ws_join(sender);
}

static void run_both(void *arg)
{
    ws_run(both_at_once, arg);
}

static void two_streams_cross_between_workers_and_threads(void **state)
{
    (void)state;
    void (*const others[])(void *arg) = { run_both, both_at_once };

    for (size_t i = 0; i < COUNT(others); i++) {
        struct end here = { .fd = pair[0], .watch = watch },
                   there = { .fd = pair[1] };
        ws_fiber *other = ws__go_thread(others[i], &there);

        assert_non_null(other);
        both_at_once(&here);
        ws_join(other);
        assert_int_equal(here.sent, STREAM);
        assert_int_equal(here.received, STREAM);
        assert_int_equal(there.received, STREAM);
    }
}

/* ---- Tokens ------------------------------------------------------------- */

static void a_token_ends_the_wait(void **state)
{
    (void)state;

    ws__unpark(ws__parker_self());
    assert_int_equal(ws__park_fd(pair[0], watch, POLLIN, 0, false), 0);
    ws__unpark(ws__parker_self());
    assert_int_equal(ws__park_fd(pair[0], watch, POLLIN, 1, false), 0);
}

static void who_is_alone_leaves_a_token_for_later(void **state)
{
    (void)state;

    ws__unpark(ws__parker_self());
    send_byte(pair[1]);
    assert_int_equal(wait_for(POLLIN), POLLIN);
    assert_int_equal(ws__park(ws_after(LONG)), 0);
}

struct first {
    struct ws__parker *parker;
    int ms;
    int64_t deadline; /* so long after the round in which it parks has begun */
    int got[2];
    int turns;
};

static void wait_twice(void *arg)
{
    struct first *f = arg;

    f->parker = ws__parker_self();
    f->deadline = ws__worker_here()->now + f->ms;
    f->got[0] = ws__park_fd(pair[0], watch, POLLIN, f->deadline, false);
    f->turns++;
    f->got[1] = ws__park_fd(pair[0], watch, POLLIN, ws_after(LONG), false);
    f->turns++;
}

/* One that has a token runs in its turn; until then the loop sees the event, or
 * that the deadline has passed. */
static void what_follows_a_token_does_not_wake_twice(void **state)
{
    (void)state;
    struct first f = { .ms = LONG }, late = { .ms = 1 };
    ws_fiber *fibers[] = { ws_go(wait_twice, &f), ws_go(wait_twice, &late) };

    ws_yield(); /* not twice: the loop would see the deadline, too */
    ws__unpark(f.parker);
    ws__unpark(late.parker);
    send_byte(pair[1]);
    while (ws_now() <= late.deadline)
        continue;
    assert_int_equal(f.turns + late.turns, 0);
    ws_join(fibers[0]);
    ws__unpark(late.parker); /* unless it has seen the event */
    ws_join(fibers[1]);
    assert_int_equal(f.got[0], 0);
    assert_int_equal(late.got[0], 0);
    assert_int_equal(f.got[1], POLLIN);
    assert_int_equal(f.turns, 2);
    assert_int_equal(late.turns, 2);
}

struct race {
    struct ws__parker *parker;
    ws_event go, done;
    atomic_bool over;
};

static void race(void *arg)
{
    struct race *r = arg;

    for (int i = 0;; i++) {
        ws_event_wait(&r->go, 0);
        ws_event_clear(&r->go);
        if (atomic_load(&r->over))
            return;
        if (i % 2)
            ws__unpark(r->parker);
        (void)!write(pair[1], "x", 1);
        if (i % 2 == 0)
            ws__unpark(r->parker);
        ws_event_set(&r->done);
    }
}

/* Whichever comes first, the other one comes too. */
static void neither_token_nor_event_is_lost_to_the_other(void **state)
{
    (void)state;
    struct race r = { .parker = ws__parker_self() };
    ws_fiber *racer = ws__go_thread(race, &r);

    assert_non_null(racer);
    for (int i = 0; i < ROUNDS; i++) {
        bool token = false, event = false;

        ws_event_set(&r.go);
        while (!token || !event) {
            int got =
                ws__park_fd(pair[0], watch, POLLIN, ws_after(LONG), false);
            assert_true(got == 0 || got == POLLIN);
            token = token || got == 0;
            event = event || got == POLLIN;
        }
        assert_int_equal(receive_all(pair[0]), 1);
        assert_int_equal(ws_event_wait(&r.done, ws_after(LONG)), 0);
        ws_event_clear(&r.done);
    }
    atomic_store(&r.over, true);
    ws_event_set(&r.go);
    ws_join(racer);
}

/* ---- Without a watch of its own ----------------------------------------- */

static int lowest_free_fd(void)
{
    int fd = dup(pair[0]);

    close(fd);
    return fd;
}

struct stranger {
    int got;
    ws_fiber *fiber;
};

static void wait_with_it(void *arg)
{
    ((struct stranger *)arg)->got = wait_for(POLLIN);
}

static void wait_in_a_worker(void *arg)
{
    ws_run(wait_with_it, arg);
}

static void others_wait_with_a_foreign_watch_too(void **state)
{
    (void)state;
    struct stranger s[10];

    for (size_t i = 0; i < COUNT(s); i++) {
        s[i].got = 0;
        s[i].fiber =
            ws__go_thread(i % 2 ? wait_in_a_worker : wait_with_it, &s[i]);
        assert_non_null(s[i].fiber);
    }
    struct waiter own;
    start(&own, POLLIN);
    send_byte(pair[1]);
    ws_join(own.fiber);
    for (size_t i = 0; i < COUNT(s); i++) {
        ws_join(s[i].fiber);
        assert_int_equal(s[i].got, POLLIN);
    }
}

struct visitor {
    int events;
    int got;
};

static void wait_without_it(void *arg)
{
    struct visitor *v = arg;

    v->got = ws_wait_fd(pair[0], v->events, ws_after(LONG));
}

static void a_watched_descriptor_may_be_waited_for_by_others(void **state)
{
    (void)state;
    int free_before = lowest_free_fd();
    struct visitor v[4] = {
        { POLLIN, 0 }, { POLLIN, 0 }, { POLLIN, 0 }, { POLLIN | POLLOUT, 0 }
    };
    ws_fiber *fibers[COUNT(v)];

    fill(pair[0]);
    for (size_t i = 0; i < COUNT(v); i++)
        fibers[i] = ws_go(wait_without_it, &v[i]);
    let_the_loop_look();
    assert_true(fcntl(free_before, F_GETFD) >= 0); /* a copy */
    assert_true(fcntl(free_before, F_GETFD) & FD_CLOEXEC);
    send_byte(pair[1]);
    for (size_t i = 0; i < COUNT(v); i++) {
        ws_join(fibers[i]);
        assert_int_equal(v[i].got, POLLIN);
    }
    assert_int_equal(lowest_free_fd(), free_before);
}

static void one_that_nobody_watches_needs_no_copy(void **state)
{
    (void)state;
    int free_before = lowest_free_fd();

    for (int i = 0; i < 100; i++) {
        send_byte(pair[0]);
        assert_int_equal(ws_wait_fd(pair[1], POLLIN, 0), POLLIN);
        assert_int_equal(ws_wait_fd(pair[1], POLLIN, 0), POLLIN);
        assert_int_equal(receive_all(pair[1]), 1);
        assert_int_equal(ws_wait_fd(pair[1], POLLIN, ws_after(1)),
                         WS_ERR_TIMEOUT);
    }
    assert_int_equal(lowest_free_fd(), free_before);
}

static void a_file_is_always_ready(void **state)
{
    (void)state;
    struct ws__watch *of_file = NULL;
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(ws__watch_new(fd, false, 0, &of_file), -EPERM);
    assert_null(of_file);
    assert_int_equal(ws_wait_fd(fd, POLLIN, 0), POLLIN);
    assert_int_equal(ws_wait_fd(fd, POLLIN | POLLOUT, ws_after(LONG)),
                     POLLIN | POLLOUT);
    close(fd);
}

static void what_is_no_descriptor_is_refused(void **state)
{
    (void)state;
    struct ws__watch *none = NULL;
    int closed = lowest_free_fd();

    assert_int_equal(ws__watch_new(closed, false, 0, &none), -EBADF);
    assert_null(none);
    assert_int_equal(ws_wait_fd(closed, POLLIN, 0), -EBADF);
    assert_int_equal(ws_wait_fd(-1, POLLIN, 0), -EBADF);
}

static void watch_in_thread(void *out)
{
    assert_int_equal(ws__watch_new(pair[0], false, 0, out), 0);
}

static void a_worker_watches_once_and_a_thread_not_at_all(void **state)
{
    (void)state;
    struct ws__watch *second = NULL;

    assert_int_equal(ws__watch_new(pair[0], false, 0, &second), -EEXIST);
    assert_null(second);
    assert_int_equal(ws__in_thread(watch_in_thread, &second), 0);
    assert_null(second);
    ws__watch_free(NULL);
}

/* In one block with it: one allocation, and one chunk. */
static void room_that_was_asked_for_lies_behind(void **state)
{
    (void)state;
    struct ws__watch *with = NULL;
    long live = mode_live();

    assert_int_equal(ws__watch_new(pair[1], false, 200, &with), 0);
    assert_int_equal(mode_live(), live + 1);
    char *room = ws__watch_room(with);
    assert_non_null(room);
    assert_int_equal((uintptr_t)room % 16, 0);
    memset(room, 'x', 200);
    (void)ws__watch_take(with, POLLIN | POLLOUT);
    assert_int_equal(room[0] + room[199], 2 * 'x');
    ws__watch_free(with);
    assert_null(ws__watch_room(watch)); /* who asked for none has none */
    assert_null(ws__watch_room(NULL));
}

/* ---- Calls -------------------------------------------------------------- */

static int last_events;

struct counter {
    struct ws__callee callee; /* first: cast to this */
    int calls;
};

/* That it can be written to comes along with anything. */
static void count_call(struct ws__callee *c, int events)
{
    last_events = events;
    if (events != POLLOUT)
        ((struct counter *)c)->calls++;
}

static void changes_that_nobody_waits_for_are_called_for(void **state)
{
    (void)state;
    struct waiter reader;
    struct counter n = { .callee = { count_call } };

    let_the_loop_look();
    ws__watch_call(watch, &n.callee);
    send_byte(pair[1]);
    let_the_loop_look();
    assert_int_equal(n.calls, 1);
    assert_true(last_events & POLLIN);
    let_the_loop_look();
    assert_int_equal(n.calls, 1);

    assert_int_equal(ws__watch_take(watch, POLLIN), POLLIN);
    assert_int_equal(ws__watch_take(watch, POLLIN), 0);
    start(&reader, POLLIN);
    send_byte(pair[1]);
    ws_join(reader.fiber);
    assert_int_equal(n.calls, 1);

    receive_all(pair[0]);
    fill(pair[0]);
    receive_all(pair[1]);
    let_the_loop_look();
    assert_int_equal(n.calls, 1);
    assert_int_equal(last_events, POLLOUT);

    ws__watch_call(watch, NULL);
    send_byte(pair[1]);
    let_the_loop_look();
    assert_int_equal(n.calls, 1);
    ws__watch_call(watch, &n.callee);
    shutdown(pair[1], SHUT_RDWR);
    let_the_loop_look();
    assert_int_equal(n.calls, 2);
    assert_true(last_events & POLLHUP);
}

/* ---- The end ------------------------------------------------------------ */

struct scene {
    int pair[2];
    struct ws__watch *watch;
    struct counter n;
};

static void open_scene(struct scene *s)
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, s->pair), 0);
    s->n = (struct counter){ .callee = { count_call } };
    s->watch = NULL;
    assert_int_equal(ws__watch_new(s->pair[0], false, 0, &s->watch), 0);
    let_the_loop_look(); /* it can be written to */
    ws__watch_call(s->watch, &s->n.callee);
}

static void close_scene(struct scene *s)
{
    ws__watch_free(s->watch);
    s->watch = NULL;
    close(s->pair[0]);
    close(s->pair[1]);
}

static void close_when_woken(void *scene)
{
    wait_for(POLLIN);
    close_scene(scene);
}

/* Both come from one call of epoll_wait, in the order in which they happened:
 * the first one's waiter ends the second. */
static void an_event_of_one_that_was_freed_meanwhile_is_dropped(void **state)
{
    (void)state;

    for (int first = 0; first < 2; first++) {
        struct scene s;

        open_scene(&s);
        ws_fiber *closer = ws_go(close_when_woken, &s);
        assert_non_null(closer);
        let_the_loop_look();
        send_byte(first ? pair[1] : s.pair[1]);
        send_byte(first ? s.pair[1] : pair[1]);
        ws_join(closer);
        let_the_loop_look();
        assert_int_equal(s.n.calls, first ? 0 : 1);
        receive_all(pair[0]);
    }
}

static int close_elsewhere(void *scene)
{
    close_scene(scene);
    return 0;
}

static void free_comes_from_any_thread(void **state)
{
    (void)state;

    for (int i = 0; i < 300; i++) {
        struct scene s;

        open_scene(&s);
        ws__watch_call(s.watch, NULL);
        send_byte(s.pair[1]);
        assert_int_equal(ws_blocking(close_elsewhere, &s), 0);
    }
}

struct lonely {
    struct scene scene;
};

static void open_and_end(void *arg)
{
    struct lonely *l = arg;

    open_scene(&l->scene);
}

static void run_open_and_end(void *arg)
{
    ws_run(open_and_end, arg);
}

static void free_comes_after_the_worker_has_ended(void **state)
{
    (void)state;
    struct lonely l;
    long live = 0;

    for (int i = 0; i < 3; i++) {
        assert_int_equal(ws__in_thread(run_open_and_end, &l), 0);
        close_scene(&l.scene);
        if (i == 0)
            live = mode_live(); /* stacks are kept */
        assert_int_equal(mode_live(), live);
    }
}

static void without_memory_nothing_is_watched(void **state)
{
    (void)state;
    struct ws__watch *none = NULL;
    long live = mode_live();

    alloc_fail_at(1);
    assert_int_equal(ws__watch_new(pair[1], false, 0, &none), -ENOMEM);
    assert_null(none);
    alloc_fail_at(1);
    assert_int_equal(ws_wait_fd(pair[1], POLLIN, 0), -ENOMEM);
    assert_int_equal(ws_wait_fd(pair[1], POLLOUT, 0), POLLOUT);
    assert_int_equal(mode_live(), live);
}

/* ---- Shared ------------------------------------------------------------- */

struct sharer {
    ws_event ready;
    atomic_int *woken;
    ws_fiber *fiber;
    int fd;
};

static void share(void *arg)
{
    struct sharer *s = arg;
    struct ws__watch *w = NULL;
    char byte;

    if (ws__watch_new(s->fd, true, 0, &w) != 0)
        return;
    ws_event_set(&s->ready);
    while (read(s->fd, &byte, 1) != 1)
        ws__park_fd(s->fd, w, POLLIN, 0, true);
    atomic_fetch_add(s->woken, 1);
    ws__watch_free(w);
}

static void run_share(void *arg)
{
    ws_run(share, arg);
}

/* Each byte wakes one at least, so all are read. */
static void a_descriptor_may_be_shared_by_workers(void **state)
{
    (void)state;
    atomic_int woken = 0;
    struct sharer s[4];
    int pipes[2];

    assert_int_equal(pipe2(pipes, O_NONBLOCK | O_CLOEXEC), 0);
    for (size_t i = 0; i < COUNT(s); i++) {
        s[i] = (struct sharer){ .woken = &woken, .fd = pipes[0] };
        s[i].fiber = ws__go_thread(run_share, &s[i]);
        assert_non_null(s[i].fiber);
        assert_int_equal(ws_event_wait(&s[i].ready, ws_after(LONG)), 0);
    }
    for (size_t i = 0; i < COUNT(s); i++)
        send_byte(pipes[1]);
    for (size_t i = 0; i < COUNT(s); i++)
        ws_join(s[i].fiber);
    assert_int_equal(atomic_load(&woken), COUNT(s));
    close(pipes[0]);
    close(pipes[1]);
}

/* A datagram socket whose peer is not there: each send is answered by an error,
 * which is reported once, and is no end. */
static int unheard(void)
{
    struct sockaddr_in in = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t n = sizeof(in);
    int gone = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(gone, (struct sockaddr *)&in, n), 0);
    assert_int_equal(getsockname(gone, (struct sockaddr *)&in, &n), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&in, n), 0);
    close(gone);
    return fd;
}

static void an_error_that_was_reported_is_no_event(void **state)
{
    (void)state;
    int fd = unheard();
    struct ws__watch *w = NULL;

    assert_int_equal(ws__watch_new(fd, false, 0, &w), 0);
    for (int i = 0; i < 2; i++) {
        char byte = 'x';

        assert_int_equal(send(fd, &byte, 1, 0), 1);
        assert_int_equal(ws__park_fd(fd, w, POLLIN, ws_after(LONG), true),
                         POLLERR);
        assert_int_equal(recv(fd, &byte, 1, 0), -1);
        assert_int_equal(errno, ECONNREFUSED);
        assert_int_equal(ws__park_fd(fd, w, POLLIN, ws_after(1), true),
                         WS_ERR_TIMEOUT);
    }
    ws__watch_free(w);
    close(fd);
}

/* Nobody has asked for it yet: it is there for each who waits. */
static void an_error_stays_until_it_is_reported(void **state)
{
    (void)state;
    int fd = unheard();
    struct ws__watch *w = NULL;

    assert_int_equal(ws__watch_new(fd, false, 0, &w), 0);
    assert_int_equal(send(fd, "x", 1, 0), 1);
    for (int i = 0; i < 2; i++)
        assert_int_equal(ws__park_fd(fd, w, POLLIN, ws_after(LONG), true),
                         POLLERR);
    ws__watch_free(w);
    close(fd);
}

#define with_pair(test)                                                        \
    cmocka_unit_test_setup_teardown(test, open_pair, close_pair)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_pair(an_event_before_the_wait_is_not_lost),
        with_pair(an_event_of_another_kind_is_kept_for_later),
        with_pair(both_may_be_asked_for_at_once),
        with_pair(events_are_told_once),
        with_pair(a_deadline_that_has_passed_does_not_wait),
        with_pair(the_end_of_the_peer_stays),
        with_pair(no_edge_is_lost_to_a_writer_in_a_thread),
        with_pair(each_waiter_gets_what_it_waits_for),
        with_pair(the_end_wakes_them_all),
        with_pair(the_first_to_wake_may_end_the_other_wait),
        with_pair(two_streams_cross_between_workers_and_threads),
        with_pair(a_token_ends_the_wait),
        with_pair(who_is_alone_leaves_a_token_for_later),
        with_pair(what_follows_a_token_does_not_wake_twice),
        with_pair(neither_token_nor_event_is_lost_to_the_other),
        with_pair(others_wait_with_a_foreign_watch_too),
        with_pair(a_watched_descriptor_may_be_waited_for_by_others),
        with_pair(one_that_nobody_watches_needs_no_copy),
        with_pair(a_file_is_always_ready),
        with_pair(what_is_no_descriptor_is_refused),
        with_pair(a_worker_watches_once_and_a_thread_not_at_all),
        with_pair(room_that_was_asked_for_lies_behind),
        with_pair(changes_that_nobody_waits_for_are_called_for),
        with_pair(an_event_of_one_that_was_freed_meanwhile_is_dropped),
        with_pair(free_comes_from_any_thread),
        with_pair(free_comes_after_the_worker_has_ended),
        with_pair(without_memory_nothing_is_watched),
        cmocka_unit_test(an_error_that_was_reported_is_no_event),
        cmocka_unit_test(an_error_stays_until_it_is_reported),
        with_pair(a_descriptor_may_be_shared_by_workers),
    };

    alloc_fail_install();
    return run_in_fiber("watch", tests, NULL, NULL);
}
