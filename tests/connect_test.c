/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>
#include <unistd.h>

#include <silverback/fiber.h>

#include "io/listen.h"
#include "io/sock.h"
#include "local.h"
#include "mode.h"

enum { LONG = 60000 };

/* Returns what listens at addr, whose port may be 0, and where that is. */
static int listen_on(const char *addr, char name[static WS__ADDR_LEN])
{
    ws_error err = { 0 };
    int fd = ws__listen(addr, NULL, &err);

    if (fd < 0)
        fail_msg("%s", err.text);
    ws__local_name(fd, name);
    return fd;
}

static int connect_to(const char *addr)
{
    ws_error err;
    int fd = ws_connect(addr, ws_after(LONG), NULL, &err);

    if (fd < 0)
        fail_msg("%s", err.text);
    assert_int_equal(err.code, 0);
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    return fd;
}

static void assert_fails(const char *addr, int code, const char *text)
{
    ws_error err;

    assert_int_equal(ws_connect(addr, ws_after(LONG), NULL, &err), code);
    assert_int_equal(err.code, code);
    if (!strstr(err.text, text))
        fail_msg("\"%s\" is not in \"%s\"", text, err.text);
    assert_int_equal(ws_connect(addr, ws_after(LONG), NULL, NULL), code);
}

static void assert_talks(int listener, int fd)
{
    char peer[WS__ADDR_LEN], byte;

    assert_true(ws_wait_fd(listener, POLLIN, ws_after(LONG)) > 0);
    int far = ws__accept(listener, peer);
    assert_true(far >= 0);
    assert_int_equal(write(far, "x", 1), 1);
    assert_true(ws_wait_fd(fd, POLLIN, ws_after(LONG)) > 0);
    assert_int_equal(read(fd, &byte, 1), 1);
    close(far);
}

static void an_address_is_connected_to(void **state)
{
    (void)state;
    char name[WS__ADDR_LEN];
    int nodelay = 0, listener = listen_on("127.0.0.1:0", name);
    int fd = connect_to(name);

    assert_talks(listener, fd);
    getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &nodelay,
               &(socklen_t){ sizeof(nodelay) });
    assert_true(nodelay);
    close(fd);
    close(listener);
}

/* localhost has two addresses; at the first of them there is nobody. */
static void a_host_is_asked_for_at_each_of_its_addresses(void **state)
{
    (void)state;
    static const char *const hosts[] = { "localhost", "" };
    char name[WS__ADDR_LEN], addr[WS__ADDR_LEN];
    int listener = listen_on("127.0.0.1:0", name);

    for (size_t i = 0; i < COUNT(hosts); i++) {
        snprintf(addr, sizeof(addr), "%s%s", hosts[i], strrchr(name, ':'));
        int fd = connect_to(addr);
        assert_talks(listener, fd);
        close(fd);
    }
    close(listener);
}

static void a_path_is_connected_to(void **state)
{
    (void)state;
    char name[WS__ADDR_LEN];
    int listener = listen_on(local_address, name);
    int fd = connect_to(local_address);

    assert_talks(listener, fd);
    close(fd);
    close(listener);
    unlink(local_path);
}

static void what_fails_says_where_and_why(void **state)
{
    (void)state;
    char name[WS__ADDR_LEN], want[256];

    close(listen_on("127.0.0.1:0", name));
    snprintf(want, sizeof(want), "connect to %s: Connection refused", name);
    assert_fails(name, -ECONNREFUSED, want);
    snprintf(want, sizeof(want), "connect to %s: No such file", local_address);
    assert_fails(local_address, -ENOENT, want);
    assert_fails("a..b:80", WS_ERR_RESOLVE, "resolve a..b:80: ");
    assert_fails("[fe80::1]:80", -EINVAL, "needs its zone");
}

static void what_is_no_address_is_refused(void **state)
{
    (void)state;
    char addr[256] = "unix:";

    assert_fails("localhost", WS_ERR_INVALID, "expected host:port");
    assert_fails("localhost:http", WS_ERR_INVALID, "expected host:port");
    assert_fails("localhost:99999", WS_ERR_INVALID, "a port of 0 to 65535");
    assert_fails(NULL, WS_ERR_INVALID, "no address");
    assert_fails("unix:", WS_ERR_INVALID, "expected a path");
    memset(addr + 5, 'x', 108);
    assert_fails(addr, WS_ERR_INVALID, "got 108");
}

static void it_can_be_canceled(void **state)
{
    (void)state;
    char name[WS__ADDR_LEN];
    int listener = listen_on("127.0.0.1:0", name);
    ws_event cancel = { 0 };
    ws_error err;

    ws_event_set(&cancel);
    assert_int_equal(ws_connect(name, 0, &cancel, &err), WS_ERR_CANCELED);
    assert_int_equal(err.code, WS_ERR_CANCELED);
    close(listener);
}

/* ---- A queue that is full ------------------------------------------------ */

/* Returns what listens there, with no room for another connection. */
static int listen_with_full_queue(int *waits)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

    strcpy(un.sun_path, local_path);
    assert_int_equal(bind(listener, (struct sockaddr *)&un, sizeof(un)), 0);
    assert_int_equal(listen(listener, 0), 0);
    *waits = ws__connect_begin((struct sockaddr *)&un, sizeof(un));
    assert_true(*waits >= 0);
    assert_int_equal(ws__connect_begin((struct sockaddr *)&un, sizeof(un)),
                     -EAGAIN);
    return listener;
}

static void a_full_queue_is_waited_for_until_the_deadline(void **state)
{
    (void)state;
    int waits, listener = listen_with_full_queue(&waits);
    ws_error err;

    assert_int_equal(ws_connect(local_address, ws_after(10), NULL, &err),
                     WS_ERR_TIMEOUT);
    close(waits);
    close(listener);
    unlink(local_path);
}

static void set(void *event)
{
    ws_event_set(event);
}

static void a_full_queue_is_waited_for_until_that_is_canceled(void **state)
{
    (void)state;
    int waits, listener = listen_with_full_queue(&waits);
    ws_event cancel = { 0 };
    ws_fiber *f = ws_go(set, &cancel);

    assert_int_equal(ws_connect(local_address, 0, &cancel, NULL),
                     WS_ERR_CANCELED);
    ws_join(f);
    close(waits);
    close(listener);
    unlink(local_path);
}

struct dial {
    int fd;
};

static void dial(void *arg)
{
    ((struct dial *)arg)->fd = connect_to(local_address);
}

static void a_full_queue_is_waited_for_until_there_is_room(void **state)
{
    (void)state;
    int waits, listener = listen_with_full_queue(&waits);
    struct dial d = { -1 };
    char peer[WS__ADDR_LEN];
    ws_fiber *f = ws_go(dial, &d);

    ws_yield();
    close(ws__accept(listener, peer));
    assert_talks(listener, (ws_join(f), d.fd));
    close(d.fd);
    close(waits);
    close(listener);
    unlink(local_path);
}

/* The threads that looked up names have memory of the C library's. */
static int clean_up(void **state)
{
    ws_cleanup();
    return local_remove(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_connected_to),
        cmocka_unit_test(a_host_is_asked_for_at_each_of_its_addresses),
        cmocka_unit_test(a_path_is_connected_to),
        cmocka_unit_test(what_fails_says_where_and_why),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(it_can_be_canceled),
        cmocka_unit_test(a_full_queue_is_waited_for_until_the_deadline),
        cmocka_unit_test(a_full_queue_is_waited_for_until_that_is_canceled),
        cmocka_unit_test(a_full_queue_is_waited_for_until_there_is_room),
    };

    return run_in_mode("connect", tests, local_make, clean_up);
}
