/* SPDX-License-Identifier: MIT */

/* Where a listener listens: sockets handed in, several addresses, and the files
 * of local ones. */

#include "test.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <silverback.h>

#include "alloc_fail.h"
#include "mode.h"
#include "peer.h"

static struct answer a;
static char folder[] = "/tmp/endpoint_test.XXXXXX";
static char path[64], addr[80];

static void hello(ws_request *r, void *arg)
{
    (void)arg;
    ws_reply_text(r, 200, "hello");
}

static const ws_route routes[] = { { .path = "/", .handler = hello }, { 0 } };

static ws_listener *listen_with(ws_server s, ws_error *err)
{
    mode_set(&s);
    s.routes = routes;
    return ws_listen(&s, err);
}

static ws_listener *must_listen(ws_server s)
{
    ws_error err;
    ws_listener *l = listen_with(s, &err);

    if (!l)
        fail_msg("%s", err.text);
    return l;
}

static void finish(ws_listener *l)
{
    assert_int_equal(ws_listener_shutdown(l, ws_after(PATIENCE_S * 1000)), 0);
}

/* What listens there serves. */
static void expect_served(const char *at)
{
    ws_error err;
    int fd = ws_connect(at, ws_after(PATIENCE_S * 1000), NULL, &err);

    if (fd < 0)
        fail_msg("%s", err.text);
    say(fd, "GET / HTTP/1.1" SERVED "\r\n");
    assert_true(hear(fd, &a));
    assert_int_equal(a.status, 200);
    close(fd);
}

static int tcp_socket(void)
{
    struct sockaddr_in in = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
    return fd;
}

static int listening_socket(void)
{
    int fd = tcp_socket();

    assert_int_equal(listen(fd, 16), 0);
    return fd;
}

static int local_socket(void)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
    assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
    return fd;
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

/* ---- Handed in ---------------------------------------------------------- */

static void sockets_that_listen_already_are_served(void **state)
{
    (void)state;
    int fds[2] = { listening_socket(), local_socket() };

    listen(fds[1], 16);
    ws_listener *l = must_listen((ws_server){ .fds = fds, .nfds = 2 });
    assert_string_equal(ws_listener_addr(l), ws_listener_addr_at(l, 0));
    assert_string_equal(ws_listener_addr_at(l, 1), addr);
    assert_null(ws_listener_addr_at(l, 2));
    for (size_t i = 0; i < 2; i++)
        expect_served(ws_listener_addr_at(l, i));
    assert_true(fcntl(fds[0], F_GETFD) & FD_CLOEXEC);
    finish(l);
    for (size_t i = 0; i < 2; i++)
        assert_false(is_open(fds[i]));
    assert_int_equal(unlink(path), 0); /* it is not ours */
}

static void what_does_not_listen_is_named(void **state)
{
    (void)state;
    int packets[2];

    socketpair(AF_UNIX, SOCK_DGRAM, 0, packets);
    const struct {
        int fd;
        const char *what;
    } rows[] = {
        { tcp_socket(), "got a socket that does not listen" },
        { packets[0], "got a socket of another type" },
        { open("/dev/null", O_RDONLY), "got no socket" },
        { 9999, "got one that is not open" },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        ws_error err;
        int fds[] = { rows[i].fd, listening_socket() };

        assert_null(listen_with((ws_server){ .fds = fds, .nfds = 2 }, &err));
        assert_int_equal(err.code, WS_ERR_INVALID);
        assert_non_null(strstr(err.text, rows[i].what));
        assert_false(is_open(fds[0])); /* taken, also when it fails */
        assert_false(is_open(fds[1]));
    }
    close(packets[1]);
}

static void one_given_twice_is_refused(void **state)
{
    (void)state;
    ws_error err;
    int fd = listening_socket(), fds[] = { fd, fd };

    assert_null(listen_with((ws_server){ .fds = fds, .nfds = 2 }, &err));
    assert_int_equal(err.code, WS_ERR_INVALID);
    assert_non_null(strstr(err.text, "got it twice"));
    assert_false(is_open(fd));
}

static void without_memory_what_was_handed_in_is_closed(void **state)
{
    (void)state;
    bool failed = true;

    for (int i = 1; failed; i++) {
        int fd = listening_socket();

        alloc_fail_at(i);
        ws_listener *l =
            listen_with((ws_server){ .fds = &fd, .nfds = 1 }, NULL);
        failed = alloc_failed();
        alloc_fail_at(0);
        assert_true(l || failed);
        if (l)
            finish(l);
        assert_false(is_open(fd));
    }
}

static void there_are_several_addresses(void **state)
{
    (void)state;
    const char *const more[] = { "127.0.0.1:0", addr, NULL };
    ws_listener *l =
        must_listen((ws_server){ .addr = "127.0.0.1:0", .addrs = more });

    for (size_t i = 0; i < 3; i++)
        expect_served(ws_listener_addr_at(l, i));
    assert_null(ws_listener_addr_at(l, 3));
    finish(l);
}

static void one_that_is_taken_leaves_none_open(void **state)
{
    (void)state;
    ws_error err;
    ws_listener *l = must_listen((ws_server){ .addr = "127.0.0.1:0" });
    const char *const more[] = { ws_listener_addr(l), NULL };

    assert_null(listen_with((ws_server){ .addr = addr, .addrs = more }, &err));
    assert_int_equal(err.code, -EADDRINUSE);
    assert_int_equal(access(path, F_OK), -1);
    finish(l);
}

/* ---- Files -------------------------------------------------------------- */

static void a_file_has_the_mode_and_the_owner(void **state)
{
    (void)state;
    struct stat st;
    char owner[64];
    mode_t umasks[] = { 022, 0777 };

    snprintf(owner, sizeof(owner), "%d:%d", (int)getuid(), (int)getgid());
    for (size_t i = 0; i < COUNT(umasks); i++) {
        mode_t before = umask(umasks[i]);
        ws_listener *l = must_listen((ws_server){
            .addr = addr, .unix_mode = 0660, .unix_owner = owner });

        umask(before);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0660);
        assert_int_equal(st.st_uid, getuid());
        assert_int_equal(st.st_gid, getgid());
        finish(l);
        assert_int_equal(access(path, F_OK), -1);
    }
}

static void nobody_of_that_name_is_refused(void **state)
{
    (void)state;
    static const char *const owners[] = { "no-such-user", ":no-such-group",
                                          "root:no-such-group" };

    for (size_t i = 0; i < COUNT(owners); i++) {
        ws_error err;

        assert_null(listen_with(
            (ws_server){ .addr = addr, .unix_owner = owners[i] }, &err));
        assert_int_equal(err.code, WS_ERR_INVALID);
        assert_non_null(strstr(err.text, owners[i]));
        assert_int_equal(access(path, F_OK), -1);
    }
}

static void names_of_owners_are_known(void **state)
{
    (void)state;
    if (getuid() != 0) {
        ws_error err;

        assert_null(listen_with(
            (ws_server){ .addr = addr, .unix_owner = "root" }, &err));
        return;
    }
    finish(must_listen((ws_server){ .addr = addr, .unix_owner = "root:root" }));
    finish(must_listen((ws_server){ .addr = addr, .unix_owner = ":root" }));
}

static void a_stale_file_is_taken_over(void **state)
{
    (void)state;
    close(local_socket());
    ws_listener *l = must_listen((ws_server){ .addr = addr });

    expect_served(addr);
    finish(l);
}

/* As when somebody removed it by hand, and another server came. */
static void anothers_file_is_not_removed(void **state)
{
    (void)state;
    ws_listener *l = must_listen((ws_server){ .addr = addr });

    assert_int_equal(unlink(path), 0);
    int other = local_socket();
    finish(l);
    assert_int_equal(unlink(path), 0);
    close(other);
}

/* All find the same stale file, and one of them takes it. */
enum { RIVALS = 4 };

static ws_listener *winners[RIVALS];
static ws_event go;

static void rival(void *winner)
{
    ws_error err;

    ws_event_wait(&go, 0);
    *(ws_listener **)winner = listen_with((ws_server){ .addr = addr }, &err);
}

static void rivals_do_not_take_each_others(void **state)
{
    (void)state;
    for (int round = 0; round < 5; round++) {
        ws_fiber *fibers[RIVALS];
        int won = 0;

        go = (ws_event){ { NULL } };
        close(local_socket());
        for (int i = 0; i < RIVALS; i++)
            fibers[i] = mode_go(rival, &winners[i]);
        ws_event_set(&go);
        for (int i = 0; i < RIVALS; i++)
            ws_join(fibers[i]);
        for (int i = 0; i < RIVALS; i++)
            won += winners[i] != NULL;
        assert_int_equal(won, 1);
        expect_served(addr);
        for (int i = 0; i < RIVALS; i++)
            if (winners[i])
                finish(winners[i]);
    }
}

/* ---- Stopping ----------------------------------------------------------- */

static atomic_bool always_more;
static atomic_int accepted;

/* Stands before the C library's, and so is declared as that is. */
int accept4(int fd, __SOCKADDR_ARG from, socklen_t *len, int flags)
{
    int (*real)(int, __SOCKADDR_ARG, socklen_t *, int);
    int pair[2];

    *(void **)&real = dlsym(RTLD_NEXT, "accept4");
    if (!always_more)
        return real(fd, from, len, flags);
    if (socketpair(AF_UNIX, SOCK_STREAM | flags, 0, pair) != 0)
        return -1;
    close(pair[1]); /* which has come, and hung up */
    *from.__sockaddr__ = (struct sockaddr){ .sa_family = AF_UNIX };
    *len = sizeof(sa_family_t);
    atomic_fetch_add(&accepted, 1);
    return pair[0];
}

/* How many wait at a local socket the kernel does not say. */
static void a_listener_stops_though_there_is_always_one_more(void **state)
{
    (void)state;
    ws_listener *l = must_listen((ws_server){ .addr = addr });
    int64_t late = ws_after(PATIENCE_S * 1000);

    atomic_store(&always_more, true);
    int fd = ws_connect(addr, late, NULL, NULL);
    assert_true(fd >= 0);
    while (atomic_load(&accepted) < 100 && ws_now() < late)
        ws_sleep(1);
    assert_true(atomic_load(&accepted) >= 100);
    finish(l);
    atomic_store(&always_more, false);
    close(fd);
}

/* ---- Dialed ------------------------------------------------------------- */

static void say_dialed(ws_conn *c, void *arg)
{
    (void)arg;
    ws_write_text(c, "dialed");
}

static void a_local_socket_is_dialed(void **state)
{
    (void)state;
    static const ws_route own[] = { { .path = "/a b", .socket = say_dialed },
                                    { 0 } };
    ws_server s = { .addr = addr, .routes = own };
    char url[128];
    ws_error err;
    ws_message m;

    mode_set(&s);
    ws_listener *l = ws_listen(&s, &err);
    assert_non_null(l);
    snprintf(url, sizeof(url), "ws+unix:%s:/a b?c", path);
    ws_conn *c = ws_dial(NULL, url, NULL, NULL, &err);
    if (!c)
        fail_msg("%s", err.text);
    assert_int_equal(ws_read_message(c, &m), 0);
    assert_string_equal(m.data, "dialed");
    ws_close(c);
    finish(l);

    assert_null(ws_dial(NULL, url, NULL, NULL, &err));
    assert_int_equal(err.code, -ENOENT);
    assert_non_null(strstr(err.text, path));
}

static void an_abstract_name_has_no_file(void **state)
{
    (void)state;
    ws_error err;
    char name[80];

    snprintf(name, sizeof(name), "unix:@%s", folder);
    ws_listener *l = must_listen((ws_server){ .addr = name });
    assert_string_equal(ws_listener_addr(l), name);
    expect_served(name);
    assert_null(listen_with((ws_server){ .addr = name }, &err));
    assert_int_equal(err.code, -EADDRINUSE);
    finish(l);
    assert_null(
        listen_with((ws_server){ .addr = name, .unix_mode = 0600 }, &err));
    assert_int_equal(err.code, -EOPNOTSUPP);
    assert_null(listen_with((ws_server){ .addr = "unix:@" }, &err));
    assert_int_equal(err.code, WS_ERR_INVALID);
}

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof(path), "%s/s", folder);
    snprintf(addr, sizeof(addr), "unix:%s", path);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sockets_that_listen_already_are_served),
        cmocka_unit_test(what_does_not_listen_is_named),
        cmocka_unit_test(one_given_twice_is_refused),
        cmocka_unit_test(without_memory_what_was_handed_in_is_closed),
        cmocka_unit_test(there_are_several_addresses),
        cmocka_unit_test(one_that_is_taken_leaves_none_open),
        cmocka_unit_test(a_file_has_the_mode_and_the_owner),
        cmocka_unit_test(nobody_of_that_name_is_refused),
        cmocka_unit_test(names_of_owners_are_known),
        cmocka_unit_test(a_stale_file_is_taken_over),
        cmocka_unit_test(anothers_file_is_not_removed),
        cmocka_unit_test(rivals_do_not_take_each_others),
        cmocka_unit_test(a_listener_stops_though_there_is_always_one_more),
        cmocka_unit_test(a_local_socket_is_dialed),
        cmocka_unit_test(an_abstract_name_has_no_file),
    };

    alloc_fail_install();
    return run_in_mode("endpoint", tests, make_folder, remove_folder);
}
