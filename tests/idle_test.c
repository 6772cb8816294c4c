/* SPDX-License-Identifier: MIT */

/* Thousands of connections that wait for their next message.  The clients are
 * another process, since each connection takes a descriptor at both ends. */

#include "test.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <silverback.h>

#include "alloc_fail.h"
#include "fiber/sanitizers.h"
#include "fiber/worker.h"
#include "server/listener.h"

enum {
    PATIENCE_S = 60,
    MANY = 10000,
    OTHERS = 200, /* descriptors that are something else */
};

/* ---- The clients' process ----------------------------------------------- */

struct order {
    int n; /* so many connections; 0: the end */
    int port;
};

/* A masked "Hello" (RFC 6455, section 5.7), and a server's. */
static const char hello[] = "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
static const char said[] = "\x81\x05Hello";

static const char request[] =
    "GET / HTTP/1.1\r\nHost: a\r\n"
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

static int connections[MANY];

static bool say(int fd, const char *p, size_t n)
{
    return send(fd, p, n, MSG_NOSIGNAL) == (ssize_t)n;
}

static bool echoes(int fd)
{
    char got[sizeof(said) - 1];

    return say(fd, hello, sizeof(hello) - 1) &&
           recv(fd, got, sizeof(got), MSG_WAITALL) == (ssize_t)sizeof(got) &&
           memcmp(got, said, sizeof(got)) == 0;
}

static bool upgrades(int fd)
{
    char head[1024];
    size_t n = 0;

    if (!say(fd, request, sizeof(request) - 1))
        return false;
    while (n < 4 || memcmp(head + n - 4, "\r\n\r\n", 4) != 0)
        if (n == sizeof(head) || recv(fd, head + n++, 1, 0) != 1)
            return false;
    return memcmp(head, "HTTP/1.1 101", 12) == 0;
}

/* Closing it is a reset: thousands of ports would else be taken for a while. */
static int reach(int port)
{
    const struct timeval patience = { .tv_sec = PATIENCE_S };
    const struct linger at_once = { .l_onoff = 1 };
    struct sockaddr_in in = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    (void)connect(fd, (struct sockaddr *)&in, sizeof(in)); /* see upgrades */
    return fd;
}

static bool connect_all(struct order o)
{
    for (int i = 0; i < o.n; i++) {
        connections[i] = reach(o.port);
        if (!upgrades(connections[i]) || !echoes(connections[i]))
            return false;
    }
    return true;
}

static bool echo_all(struct order o)
{
    for (int i = 0; i < o.n; i++)
        if (!echoes(connections[i]))
            return false;
    return true;
}

static bool close_all(struct order o)
{
    for (int i = 0; i < o.n; i++)
        close(connections[i]);
    return true;
}

/* Each step when the test says so. */
static bool act(int test, struct order o)
{
    static bool (*const steps[])(struct order) = { connect_all, echo_all,
                                                   close_all };
    char next, good = 1;

    for (size_t i = 0; i < COUNT(steps) && good; i++) {
        if (i > 0 && read(test, &next, 1) != 1)
            return false;
        good = steps[i](o);
        if (write(test, &good, 1) != 1)
            return false;
    }
    return good;
}

static int clients; /* the way to them */
static pid_t clients_pid;

/* Before there is any other thread. */
static void start_clients(void)
{
    struct order o;
    int fds[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
        abort();
    clients_pid = fork();
    clients = fds[0];
    close(fds[clients_pid == 0 ? 0 : 1]);
    if (clients_pid != 0)
        return;
    while (read(fds[1], &o, sizeof(o)) == sizeof(o) && act(fds[1], o))
        continue;
    _exit(0);
}

static void end_clients(void)
{
    close(clients);
    waitpid(clients_pid, NULL, 0);
}

static void assert_done(void)
{
    char good = 0;

    assert_int_equal(read(clients, &good, 1), 1);
    assert_true(good);
}

static void next_step(void)
{
    assert_int_equal(write(clients, "", 1), 1);
    assert_done();
}

/* ---- The server --------------------------------------------------------- */

static atomic_int ends, wanted_ends;
static ws_event all_ended;

static void echo(ws_conn *c, ws_message *m, void *arg)
{
    (void)arg;
    if (m)
        ws_write_message(c, m->type, m->data, m->len);
    else if (atomic_fetch_add(&ends, 1) + 1 == atomic_load(&wanted_ends))
        ws_event_set(&all_ended);
}

static void handler(ws_request *r, void *arg)
{
    ws_conn *c = ws_upgrade(NULL, r, NULL);

    if (c && ws_on_message(c, echo, arg) != 0)
        ws_close(c);
}

static const ws_route routes[] = { { .path = "/", .handler = handler }, { 0 } };

/* What a worker has, asked in its own loop. */
struct question {
    struct ws__post post; /* first: a post is cast to this */
    struct ws__worker *worker;
    size_t fibers;
    ws_event answered;
};

static void answer(struct ws__post *p)
{
    struct question *q = (struct question *)p;

    q->fibers = (size_t)atomic_load(&q->worker->fibers);
    ws_event_set(&q->answered);
}

static size_t fibers_of(struct ws__worker *w)
{
    struct question q = { .post = { .fn = answer }, .worker = w };

    assert_true(ws__worker_post(w, &q.post));
    assert_int_equal(ws_event_wait(&q.answered, ws_after(PATIENCE_S * 1000)),
                     0);
    return q.fibers;
}

static size_t fibers_alive(ws_listener *l)
{
    size_t n = 0;

    for (int i = 0; i < l->nseats; i++)
        n += fibers_of(l->seats[i].worker);
    return n;
}

/* Those that have answered last may not have ended yet.  What stays is one for
 * each worker, which accepts. */
static void assert_only_accepting(ws_listener *l)
{
    int64_t limit = ws_after(PATIENCE_S * 1000);

    while (fibers_alive(l) > (size_t)l->nseats && ws_now() < limit)
        ws_yield();
    assert_int_equal(fibers_alive(l), l->nseats);
}

static int how_many(void)
{
    struct rlimit limit;
    int most = WS__SANITIZED || RUNNING_ON_VALGRIND ? 1000 : MANY;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_cur >= (rlim_t)most + OTHERS)
        return most;
    return (int)limit.rlim_cur - OTHERS;
}

/* The connection, its watch and what is to be called: three blocks each.  Stacks
 * come by the slab, which is a block: had connections kept them, it would show
 * there. */
enum { BLOCKS = 3, SOME_SLABS = 40 };

static void idle_connections_have_no_fiber_and_no_stack(void **state)
{
    const int workers = *(const int *)*state;
    const ws_server s = { .addr = "127.0.0.1:0",
                          .routes = routes,
                          .workers = workers };
    ws_listener *l = ws_listen(&s, NULL);

    assert_non_null(l);
    const struct order o = {
        how_many(), (int)strtol(strrchr(ws_listener_addr(l), ':') + 1, NULL, 10)
    };
    const long before = alloc_live();
    atomic_store(&ends, 0);
    atomic_store(&wanted_ends, o.n);
    ws_event_clear(&all_ended);
    assert_int_equal(write(clients, &o, sizeof(o)), sizeof(o));
    assert_done();
    assert_only_accepting(l);
    assert_true(alloc_live() - before <= (long)BLOCKS * o.n + SOME_SLABS);

    next_step(); /* each of them answers again */
    assert_only_accepting(l);
    assert_true(alloc_live() - before <= (long)BLOCKS * o.n + SOME_SLABS);
    assert_int_equal(ends, 0);

    next_step(); /* they close */
    assert_int_equal(ws_event_wait(&all_ended, ws_after(PATIENCE_S * 1000)), 0);
    assert_int_equal(ws_listener_shutdown(l, ws_after(PATIENCE_S * 1000)), 0);
    assert_int_equal(ends, o.n);
}

#define WITH(workers)                                                          \
    cmocka_unit_test_prestate_setup_teardown(                                  \
        idle_connections_have_no_fiber_and_no_stack, NULL, NULL, &(workers))

int main(void)
{
    static int one = 1, two = 2;
    const struct CMUnitTest tests[] = { WITH(one), WITH(two) };

    start_clients();
    alloc_fail_install();
    int failed = cmocka_run_group_tests_name("idle", tests, NULL, NULL);
    end_clients();
    return failed;
}
