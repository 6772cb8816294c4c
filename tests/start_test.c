/* SPDX-License-Identifier: MIT */

/* A listener that starts while clients wait for it: a restart under load. */

#include "test.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <silverback.h>

#include "descriptors.h"
#include "fiber/worker.h"
#include "local.h"
#include "peer.h"
#include "server/listener.h"

/* More than one worker keeps to itself, and fewer. */
enum { WORKERS = 8, MANY = 40, FEW = 4 };

static void hello(ws_request *r, void *arg)
{
    (void)arg;
    ws_reply_text(r, 200, "hello");
}

static void stay(ws_conn *c, void *arg)
{
    ws_message m;

    (void)arg;
    while (ws_read_message(c, &m) == 0)
        continue;
}

static const ws_route routes[] = { { .path = "/", .handler = hello },
                                   { .path = "/stay", .socket = stay },
                                   { 0 } };

#define PLAIN "GET / HTTP/1.1" SERVED "\r\n"
#define UPGRADE                                                                \
    "GET /stay HTTP/1.1" SERVED "Connection: Upgrade\r\n"                      \
    "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"                      \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

/* ---- What happens while it starts --------------------------------------- */

/* The allocator sees each worker's turn. */
static struct {
    int made;          /* workers */
    int call_at;       /* all clients call before this one is made */
    int fail_at;       /* and this one is not; 0: each is */
    const char *says;  /* what they ask for */
    atomic_bool alone; /* ws_listen has memory, its workers have none, */
    atomic_long left;  /* but for so many allocations */
    size_t stack_size;
    int clients;
    int fds[MANY];
} during;

static pthread_t program;

static int call_local(void)
{
    const struct timeval patience = { .tv_sec = PATIENCE_S };
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    strcpy(un.sun_path, local_path);
    assert_int_equal(connect(fd, (struct sockaddr *)&un, sizeof(un)), 0);
    return fd;
}

static void call_all(void)
{
    for (int i = 0; i < during.clients; i++) {
        during.fds[i] = call_local();
        say(during.fds[i], during.says);
    }
}

static bool may_have(size_t size)
{
    if (!pthread_equal(pthread_self(), program))
        return !atomic_load(&during.alone) ||
               atomic_fetch_sub(&during.left, 1) > 0;
    if (size != sizeof(struct ws__worker))
        return true;
    during.made++;
    if (during.made == during.call_at)
        call_all();
    return during.made != during.fail_at;
}

static void *allocate(void *ptr, size_t size, void *arg)
{
    (void)arg;
    if (size > 0)
        return ptr || may_have(size) ? realloc(ptr, size) : NULL;
    free(ptr);
    return NULL;
}

static ws_listener *start(ws_error *err)
{
    during.made = 0;
    return ws_listen(&(ws_server){ .addr = local_address,
                                   .routes = routes,
                                   .workers = WORKERS,
                                   .stack_size = during.stack_size },
                     err);
}

/* ---- Tests -------------------------------------------------------------- */

static void whoever_waited_is_served(void **state)
{
    (void)state;
    static struct answer a;

    during.says = PLAIN;
    during.clients = MANY;
    for (int i = 0; i < rounds(100); i++) {
        during.call_at = 2 + i % (WORKERS - 1);
        ws_listener *l = start(NULL);

        assert_non_null(l);
        for (int k = 0; k < during.clients; k++) {
            assert_true(hear(during.fds[k], &a));
            assert_int_equal(a.status, 200);
            close(during.fds[k]);
        }
        assert_int_equal(ws_listener_shutdown(l, ws_after(PATIENCE_S * 1000)),
                         0);
    }
    during.call_at = 0;
}

struct attempt {
    ws_listener *l;
    ws_error err;
    ws_event over;
};

static void *attempt(void *arg)
{
    struct attempt *a = arg;

    program = pthread_self();
    a->l = start(&a->err);
    ws_event_set(&a->over);
    return NULL;
}

static void expect_no_memory(void)
{
    struct attempt a = { 0 };
    pthread_t t;

    pthread_create(&t, NULL, attempt, &a);
    if (ws_event_wait(&a.over, ws_after(PATIENCE_S * 1000)) != 0)
        fail_msg("ws_listen has not returned");
    pthread_join(t, NULL);
    program = pthread_self();
    assert_null(a.l);
    assert_int_equal(a.err.code, -ENOMEM);
}

/* Nobody was let in, so nobody is in its way. */
static void a_worker_that_cannot_start_is_an_error_with_clients_there(
    void **state)
{
    (void)state;
    during.says = UPGRADE;
    during.clients = FEW;
    during.call_at = 2;
    for (int i = 0; i < rounds(20); i++) {
        during.fail_at = 3 + i % (WORKERS - 2);
        expect_no_memory();
        for (int k = 0; k < during.clients; k++) {
            char c;
            assert_true(recv(during.fds[k], &c, 1, 0) <= 0);
            close(during.fds[k]);
        }
    }
    during.fail_at = during.call_at = 0;
}

/* It would be given connections, having the fewest, and serve none.  Of another
 * size no stacks are left over. */
static void so_is_a_worker_whose_fiber_cannot(void **state)
{
    (void)state;
    during.stack_size = 128 * 1024;
    atomic_store(&during.alone, true);
    expect_no_memory();
    atomic_store(&during.alone, false);
    ws_listener *l = start(NULL);
    assert_non_null(l);
    assert_int_equal(ws_listener_shutdown(l, 0), 0);
    during.stack_size = 0;
}

/* Whoever called at the address that it is for would wait for ever.  Stacks are
 * made by the 64, and the first of these has one of them. */
static void so_is_an_acceptor_that_cannot(void **state)
{
    (void)state;
    enum { STACKS = 64 };
    const char *more[STACKS + 1] = { NULL };
    const ws_server s = { .addr = local_address,
                          .addrs = more,
                          .routes = routes,
                          .workers = 1,
                          .stack_size = 192 * 1024 };
    ws_error err;

    for (size_t i = 0; i < STACKS; i++)
        more[i] = "127.0.0.1:0";
    atomic_store(&during.left, 1);
    atomic_store(&during.alone, true);
    assert_null(ws_listen(&s, &err));
    assert_int_equal(err.code, -ENOMEM);
    atomic_store(&during.alone, false);
    atomic_store(&during.left, 0);
    ws_listener *l = ws_listen(&s, NULL);
    assert_non_null(l);
    assert_int_equal(ws_listener_shutdown(l, 0), 0);
}

/* Nothing is begun that a request would find out about. */
static void a_route_that_is_of_no_use_is_an_error(void **state)
{
    (void)state;
    static const ws_route useless[] = { { .path = "/" }, { 0 } };
    ws_error err;

    assert_null(ws_listen(
        &(ws_server){ .addr = local_address, .routes = useless }, &err));
    assert_int_equal(err.code, WS_ERR_INVALID);
    assert_int_not_equal(access(local_path, F_OK), 0);
}

/* ---- Descriptors -------------------------------------------------------- */

/* All connections that are let in, and some that are not, find one. */
static void there_is_a_descriptor_for_each_connection(void **state)
{
    (void)state;
    static const struct {
        rlim_t limit;
        int workers;
        bool threads;
    } rows[] = {
        { 256, 64, false }, { 256, 1, false },   { 256, 1, true },
        { 1024, 1, false }, { 1024, 64, false }, { 220, 64, false },
    };
    struct rlimit before, now;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    now = before;
    for (size_t i = 0; i < COUNT(rows); i++) {
        now.rlim_cur = rows[i].limit;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
        ws_listener *l = ws_listen(&(ws_server){ .addr = local_address,
                                                 .routes = routes,
                                                 .workers = rows[i].workers,
                                                 .threads = rows[i].threads },
                                   NULL);

        assert_non_null(l);
        size_t max = l->host.server.max_connections,
               each = rows[i].threads ? 2 : 1;
        size_t used = (size_t)descriptors_open() + each * max + WS__TURNED_AWAY;
        if (max < rows[i].limit / 8 || used > rows[i].limit)
            fail_msg("row %zu: %zu connections, %zu descriptors", i, max, used);
        assert_int_equal(ws_listener_shutdown(l, 0), 0);
    }
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

static char last_line[512];
static ws_event logged;

static void keep_line(const char *line, void *arg)
{
    (void)arg;
    if (is_of_a_busy_machine(line))
        return;
    snprintf(last_line, sizeof(last_line), "%s", line);
    ws_event_set(&logged);
}

static void the_log_says_that_the_descriptors_are_too_few(void **state)
{
    (void)state;
    struct rlimit before, now;
    int fds[MANY], n = 0;
    char text[64];

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    now = before;
    now.rlim_cur = 70;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
    ws_listener *l = ws_listen(
        &(ws_server){ .addr = local_address, .routes = routes, .workers = 1 },
        NULL);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0); /* for the peers */

    assert_non_null(l);
    int max = (int)l->host.server.max_connections;
    assert_in_range(max, 1, MANY - 1);
    ws_set_log(keep_line, NULL);
    while (n <= max)
        fds[n++] = call_local();
    assert_int_equal(ws_event_wait(&logged, ws_after(PATIENCE_S * 1000)), 0);
    snprintf(text, sizeof(text), ": %d connections are all", max);
    assert_non_null(strstr(last_line, text));
    assert_non_null(strstr(last_line, "a limit of 70 descriptors (ulimit -n)"));
    while (n > 0)
        close(fds[--n]);
    assert_int_equal(ws_listener_shutdown(l, 0), 0);
    ws_set_log(NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whoever_waited_is_served),
        cmocka_unit_test(
            a_worker_that_cannot_start_is_an_error_with_clients_there),
        cmocka_unit_test(so_is_a_worker_whose_fiber_cannot),
        cmocka_unit_test(so_is_an_acceptor_that_cannot),
        cmocka_unit_test(a_route_that_is_of_no_use_is_an_error),
        cmocka_unit_test(there_is_a_descriptor_for_each_connection),
        cmocka_unit_test(the_log_says_that_the_descriptors_are_too_few),
    };

    ws_set_allocator(allocate, NULL);
    program = pthread_self();
    return cmocka_run_group_tests_name("start", tests, local_make,
                                       local_remove);
}
