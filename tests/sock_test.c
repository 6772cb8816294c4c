/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "descriptors.h"
#include "io/listen.h"
#include "io/sock.h"
#include "io/unix_file.h"
#include "io/wait.h"
#include "local.h"
#include "mode.h"

enum { LONG = 60000 };

/* As qemu-user has it: the first word, and no more. */
static bool info_is_short;

/* Stands before the C library's. */
int getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
    int (*real)(int, int, int, void *, socklen_t *);

    *(void **)&real = dlsym(RTLD_NEXT, "getsockopt");
    if (info_is_short && level == IPPROTO_TCP && name == TCP_INFO)
        *len = sizeof(uint32_t);
    return real(fd, level, name, value, len);
}

static bool owner_is_refused;

/* So does this. */
int lchown(const char *path, uid_t uid, gid_t gid)
{
    int (*real)(const char *, uid_t, gid_t);

    *(void **)&real = dlsym(RTLD_NEXT, "lchown");
    if (!owner_is_refused)
        return real(path, uid, gid);
    errno = EPERM;
    return -1;
}

static bool kernel_counts(int fd)
{
    struct tcp_info info;
    socklen_t len = sizeof(info);

    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 &&
           len == sizeof(info);
}

static int listen_on(const char *addr)
{
    ws_error err = { 0 };
    int fd = ws__listen(addr, NULL, &err);

    if (fd < 0)
        fail_msg("%s", err.text);
    return fd;
}

/* Connect to where fd listens, in numbers of the given kind. */
static int connect_to(int fd, int family)
{
    struct sockaddr_storage a = { 0 };
    socklen_t len = sizeof(a);

    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    struct sockaddr_in in = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        .sin_port = ((struct sockaddr_in *)&a)->sin_port,
    };
    if (family != AF_INET)
        return ws__connect((struct sockaddr *)&a, len, ws_after(LONG), NULL);
    return ws__connect((struct sockaddr *)&in, sizeof(in), ws_after(LONG),
                       NULL);
}

static int accept_one(int fd)
{
    assert_int_equal(ws__wait(fd, POLLIN, ws_after(LONG), NULL), POLLIN);
    char peer[WS__ADDR_LEN], same[WS__ADDR_LEN];
    int conn = ws__accept(fd, peer);

    assert_true(conn >= 0);
    ws__remote_name(conn, same);
    assert_string_equal(peer, same);
    return conn;
}

static void assert_ready_for_use(int fd, bool tcp)
{
    int nodelay = 0;
    socklen_t len = sizeof(nodelay);

    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    if (tcp) {
        getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &nodelay, &len);
        assert_true(nodelay);
    }
}

/* What one end calls itself is what the other calls its peer. */
static void assert_names_agree(int near, int far, const char *prefix)
{
    char local[WS__ADDR_LEN], remote[WS__ADDR_LEN];

    ws__local_name(near, local);
    ws__remote_name(far, remote);
    assert_string_equal(local, remote);
    assert_int_equal(strncmp(local, prefix, strlen(prefix)), 0);
}

static void talk(const char *addr, int family, const char *prefix)
{
    int fd = listen_on(addr);
    int client = connect_to(fd, family);
    char byte;

    assert_ready_for_use(fd, false);
    assert_true(client >= 0);
    int server = accept_one(fd);
    assert_ready_for_use(client, family != AF_UNIX);
    assert_ready_for_use(server, family != AF_UNIX);
    assert_names_agree(server, client, prefix);
    if (family != AF_UNIX)
        assert_names_agree(client, server, prefix);

    assert_int_equal(write(client, "x", 1), 1);
    assert_int_equal(ws__wait(server, POLLIN, ws_after(LONG), NULL), POLLIN);
    assert_int_equal(read(server, &byte, 1), 1);
    close(server);
    close(client);
    close(fd);
}

static void listens_on_an_ipv4_address(void **state)
{
    (void)state;
    talk("127.0.0.1:0", AF_INET, "127.0.0.1:");
}

static void localhost_is_ipv4(void **state)
{
    (void)state;
    talk("localhost:0", AF_INET, "127.0.0.1:");
}

/* A machine without IPv6 says so, and then has nothing to show here. */
static void listens_on_an_ipv6_address(void **state)
{
    (void)state;
    int fd = ws__listen("[::1]:0", NULL, NULL);

    if (fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL)
        return;
    assert_true(fd >= 0);
    close(fd);
    talk("[::1]:0", AF_INET6, "[::1]:");
}

/* An IPv4 peer has an IPv4 address, whatever the socket is. */
static void no_host_means_every_address(void **state)
{
    (void)state;
    talk(":0", AF_INET, "127.0.0.1:");
}

static void listens_on_a_path(void **state)
{
    (void)state;
    char name[WS__ADDR_LEN];
    int fd = listen_on(local_address);

    ws__local_name(fd, name);
    assert_string_equal(name, local_address);
    close(fd);
    unlink(local_path);
    talk(local_address, AF_UNIX, local_address);
    unlink(local_path);
}

static void a_taken_port_is_named(void **state)
{
    (void)state;
    char name[WS__ADDR_LEN], want[256];
    ws_error err = { 0 };
    int fd = listen_on("127.0.0.1:0");

    ws__local_name(fd, name);
    snprintf(want, sizeof(want), "listen on %s: address already in use", name);
    assert_int_equal(ws__listen(name, NULL, &err), -EADDRINUSE);
    assert_int_equal(err.code, -EADDRINUSE);
    assert_string_equal(err.text, want);
    close(fd);
}

static void a_taken_port_has_no_second_address(void **state)
{
    (void)state;
    char name[WS__ADDR_LEN], addr[WS__ADDR_LEN];
    int fd = listen_on("127.0.0.1:0");

    ws__local_name(fd, name);
    snprintf(addr, sizeof(addr), "localhost%s", strchr(name, ':'));
    assert_int_equal(ws__listen(addr, NULL, NULL), -EADDRINUSE);
    close(fd);
}

static void a_port_can_be_taken_again_at_once(void **state)
{
    (void)state;
    char name[WS__ADDR_LEN];
    int fd = listen_on("127.0.0.1:0");
    int client = connect_to(fd, AF_INET);
    int server = accept_one(fd);

    ws__local_name(fd, name);
    close(fd);
    close(server); /* first, so that it is the one in TIME_WAIT */
    close(client);
    close(listen_on(name));
}

static void a_live_socket_file_is_in_use(void **state)
{
    (void)state;
    ws_error err = { 0 };
    char want[256];
    int fd = listen_on(local_address);

    snprintf(want, sizeof(want), "listen on %s: address already in use",
             local_address);
    assert_int_equal(ws__listen(local_address, NULL, &err), -EADDRINUSE);
    assert_string_equal(err.text, want);
    int client = connect_to(fd, AF_UNIX);
    assert_true(client >= 0);
    close(client);
    close(fd);
    unlink(local_path);
}

static void a_stale_socket_file_is_replaced(void **state)
{
    (void)state;

    close(listen_on(local_address)); /* leaves the file */
    talk(local_address, AF_UNIX, local_address);
    unlink(local_path);
}

static void one_that_could_not_be_given_its_owner_goes(void **state)
{
    (void)state;
    struct ws__unix_file file = { .uid = getuid(), .gid = (gid_t)-1 };

    owner_is_refused = true;
    assert_int_equal(ws__listen(local_address, &file, NULL), -EPERM);
    owner_is_refused = false;
    assert_int_equal(access(local_path, F_OK), -1);
    ws__unix_file_remove(&file);
}

static void another_file_is_left_alone(void **state)
{
    (void)state;
    struct stat st;
    int fd = open(local_path, O_CREAT | O_WRONLY, 0600);

    close(fd);
    assert_int_equal(ws__listen(local_address, NULL, NULL), -EADDRINUSE);
    assert_int_equal(stat(local_path, &st), 0);
    assert_true(S_ISREG(st.st_mode));
    unlink(local_path);
}

static void a_path_has_to_fit(void **state)
{
    (void)state;
    struct sockaddr_un un;
    char addr[256] = "unix:";
    ws_error err = { 0 };

    assert_int_equal(ws__listen(addr, NULL, &err), WS_ERR_INVALID);
    memset(addr + 5, 'x', sizeof(un.sun_path));
    err.code = 0;
    assert_int_equal(ws__listen(addr, NULL, &err), WS_ERR_INVALID);
    assert_non_null(strstr(err.text, "got 108"));
}

static void what_is_no_address_is_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",      "localhost",  "localhost:", ":",
        ":http", "TCP:a:80",   ":-1",        ":+1",
        ":0x50", "::1",        "::1:8080",   "[::1]",
        "[]:80", "a]:b[:8080", "[::1:8080",  "[1.2.3.4]:80",
        ": 80",  ":80 ",
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        ws_error err = { 0 };

        assert_int_equal(ws__listen(rows[i], NULL, &err), WS_ERR_INVALID);
        assert_int_equal(err.code, WS_ERR_INVALID);
        assert_non_null(strstr(err.text, "expected host:port"));
    }
}

static void a_port_out_of_range_is_refused(void **state)
{
    (void)state;
    static const char *const rows[] = { ":65536", "localhost:99999",
                                        "[::1]:123456789", ":000000080" };

    for (size_t i = 0; i < COUNT(rows); i++) {
        ws_error err = { 0 };

        assert_int_equal(ws__listen(rows[i], NULL, &err), WS_ERR_INVALID);
        assert_non_null(strstr(err.text, "expected a port of 0 to 65535"));
    }
}

static void a_host_that_is_none_is_named(void **state)
{
    (void)state;
    ws_error err = { 0 };

    assert_int_equal(ws__listen("[1::2::3]:80", NULL, &err), WS_ERR_RESOLVE);
    assert_int_equal(strncmp(err.text, "listen on [1::2::3]:80: ", 24), 0);
}

static void accept_never_waits(void **state)
{
    (void)state;
    char peer[WS__ADDR_LEN];
    int fd = listen_on("127.0.0.1:0");

    assert_int_equal(ws__accept(fd, peer), -EAGAIN);
    close(fd);
    assert_int_equal(ws__accept(fd, peer), -EBADF);
}

static void accept_says_when_there_is_no_descriptor(void **state)
{
    (void)state;
    int fd = listen_on("127.0.0.1:0");
    int client = connect_to(fd, AF_INET);
    char peer[WS__ADDR_LEN];

    assert_int_equal(ws__wait(fd, POLLIN, ws_after(LONG), NULL), POLLIN);
    descriptors_run_out();
    int r = ws__accept(fd, peer);
    descriptors_come_back();
    assert_int_equal(r, -EMFILE);

    close(accept_one(fd)); /* it was not lost */
    close(client);
    close(fd);
}

static void who_waits_to_be_accepted_is_counted(void **state)
{
    (void)state;
    int fd = listen_on("127.0.0.1:0"), clients[3];
    int64_t late = ws_after(LONG);

    for (int i = 0; i < 3; i++) {
        clients[i] = connect_to(fd, AF_INET);
        assert_true(clients[i] >= 0);
    }
    int expected = kernel_counts(fd) ? 3 : -1;
    while (ws__accept_queue(fd) != expected && ws_now() < late)
        ws_sleep(1);
    assert_int_equal(ws__accept_queue(fd), expected);
    for (int i = 0; i < 3; i++)
        close(clients[i]);
    close(fd);
}

static void that_the_kernel_does_not_count_is_told(void **state)
{
    (void)state;
    int tcp = listen_on("127.0.0.1:0"), local = listen_on(local_address);

    info_is_short = true;
    assert_int_equal(ws__accept_queue(tcp), -1);
    info_is_short = false;
    assert_int_equal(ws__accept_queue(local), -1);
    close(tcp);
    close(local);
    unlink(local_path);
}

static void connect_is_refused_where_nobody_listens(void **state)
{
    (void)state;
    struct sockaddr_in in;
    socklen_t len = sizeof(in);
    int fd = listen_on("127.0.0.1:0");

    assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
    close(fd);
    assert_int_equal(
        ws__connect((struct sockaddr *)&in, len, ws_after(LONG), NULL),
        -ECONNREFUSED);
    in.sin_family = AF_MAX;
    assert_int_equal(
        ws__connect((struct sockaddr *)&in, len, ws_after(LONG), NULL),
        -EAFNOSUPPORT);
}

/* A queue of connections that is full, so that the next has to wait. */
struct full {
    int fd;
    int clients[8];
    struct sockaddr_in in;
};

static void fill(struct full *f)
{
    socklen_t len = sizeof(f->in);

    f->fd = listen_on("127.0.0.1:0");
    assert_int_equal(listen(f->fd, 0), 0);
    assert_int_equal(getsockname(f->fd, (struct sockaddr *)&f->in, &len), 0);
    for (size_t i = 0; i < COUNT(f->clients); i++) {
        f->clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connect(f->clients[i], (struct sockaddr *)&f->in, len);
    }
}

static void empty(struct full *f)
{
    for (size_t i = 0; i < COUNT(f->clients); i++)
        close(f->clients[i]);
    close(f->fd);
}

static void connect_ends_at_the_deadline(void **state)
{
    (void)state;
    struct full f;

    fill(&f);
    int64_t deadline = ws_after(20);
    assert_int_equal(
        ws__connect((struct sockaddr *)&f.in, sizeof(f.in), deadline, NULL),
        WS_ERR_TIMEOUT);
    assert_true(ws_now() >= deadline);
    empty(&f);
}

static void set_event(void *e)
{
    ws_event_set(e);
}

static void connect_can_be_canceled(void **state)
{
    (void)state;
    ws_event cancel = { 0 };
    struct full f;

    fill(&f);
    ws_fiber *canceler = ws_go(set_event, &cancel);
    assert_non_null(canceler);
    assert_int_equal(
        ws__connect((struct sockaddr *)&f.in, sizeof(f.in), 0, &cancel),
        WS_ERR_CANCELED);
    ws_join(canceler);
    empty(&f);
}

static void nonblocking_changes_a_descriptor(void **state)
{
    (void)state;
    int fds[2];

    assert_int_equal(pipe(fds), 0);
    assert_int_equal(ws__nonblocking(fds[0]), 0);
    assert_ready_for_use(fds[0], false);
    close(fds[0]);
    close(fds[1]);
    assert_int_equal(ws__nonblocking(fds[0]), -EBADF);
}

static void what_has_no_address_has_no_name(void **state)
{
    (void)state;
    char name[WS__ADDR_LEN];
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    ws__local_name(fds[0], name);
    assert_string_equal(name, "");
    ws__remote_name(fds[0], name);
    assert_string_equal(name, "");
    close(fds[0]);
    close(fds[1]);
    ws__remote_name(fds[0], name);
    assert_string_equal(name, "");
}

/* They need no NUL at their end, and none is looked for. */
static void local_names_may_fill_their_room(void **state)
{
    (void)state;
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    char name[WS__ADDR_LEN];
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(un.sun_path + 1, sizeof(un.sun_path) - 1, "%0106d", getpid());
    un.sun_path[sizeof(un.sun_path) - 1] = 'x';
    assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
    ws__local_name(fd, name);
    assert_int_equal(strncmp(name, "unix:@0", 7), 0);
    assert_int_equal(strlen(name), 6 + sizeof(un.sun_path) - 1);
    assert_int_equal(name[strlen(name) - 1], 'x');
    close(fd);
}

/* Whoever connects chose the path that it is bound to. */
static void a_peers_path_has_no_control_bytes(void **state)
{
    (void)state;
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    socklen_t len = sizeof(un), n;
    char name[WS__ADDR_LEN], text[64];
    struct sockaddr_un own = { .sun_family = AF_UNIX };

    snprintf(text, sizeof(text), "unix:@\n%d", getpid());
    int fd = listen_on(text), client = socket(AF_UNIX, SOCK_STREAM, 0);
    n = (socklen_t)snprintf(text, sizeof(text), "\r\nx=\x1b[2J\xff%d",
                            getpid());
    memcpy(own.sun_path + 1, text, n);
    n += (socklen_t)offsetof(struct sockaddr_un, sun_path) + 1;
    assert_int_equal(bind(client, (struct sockaddr *)&own, n), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&un, &len), 0);
    assert_int_equal(connect(client, (struct sockaddr *)&un, len), 0);
    int server = accept_one(fd);

    snprintf(text, sizeof(text), "unix:@\\r\\nx=\\x1b[2J\\xff%d", getpid());
    ws__remote_name(server, name);
    assert_string_equal(name, text);
    close(server);
    close(client);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(listens_on_an_ipv4_address),
        cmocka_unit_test(localhost_is_ipv4),
        cmocka_unit_test(listens_on_an_ipv6_address),
        cmocka_unit_test(no_host_means_every_address),
        cmocka_unit_test(listens_on_a_path),
        cmocka_unit_test(a_taken_port_is_named),
        cmocka_unit_test(a_taken_port_has_no_second_address),
        cmocka_unit_test(a_port_can_be_taken_again_at_once),
        cmocka_unit_test(a_live_socket_file_is_in_use),
        cmocka_unit_test(a_stale_socket_file_is_replaced),
        cmocka_unit_test(one_that_could_not_be_given_its_owner_goes),
        cmocka_unit_test(another_file_is_left_alone),
        cmocka_unit_test(a_path_has_to_fit),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(a_port_out_of_range_is_refused),
        cmocka_unit_test(a_host_that_is_none_is_named),
        cmocka_unit_test(accept_never_waits),
        cmocka_unit_test(accept_says_when_there_is_no_descriptor),
        cmocka_unit_test(who_waits_to_be_accepted_is_counted),
        cmocka_unit_test(that_the_kernel_does_not_count_is_told),
        cmocka_unit_test(connect_is_refused_where_nobody_listens),
        cmocka_unit_test(connect_ends_at_the_deadline),
        cmocka_unit_test(connect_can_be_canceled),
        cmocka_unit_test(nonblocking_changes_a_descriptor),
        cmocka_unit_test(what_has_no_address_has_no_name),
        cmocka_unit_test(local_names_may_fill_their_room),
        cmocka_unit_test(a_peers_path_has_no_control_bytes),
    };

    return run_in_mode("sock", tests, local_make, local_remove);
}
