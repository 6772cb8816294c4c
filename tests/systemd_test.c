/* SPDX-License-Identifier: MIT */

/* What the service manager passes and is told; it is the test itself. */

#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/un.h>

#include <silverback.h>

#include "mode.h"
#include "peer.h"

static char folder[] = "/tmp/systemd_test.XXXXXX";

static void set_pid(const char *name, pid_t pid)
{
    char text[16];

    snprintf(text, sizeof(text), "%d", (int)pid);
    setenv(name, text, 1);
}

static void pass_nothing(void)
{
    static const char *const names[] = { "LISTEN_PID",     "LISTEN_FDS",
                                         "LISTEN_FDNAMES", "NOTIFY_SOCKET",
                                         "WATCHDOG_USEC",  "WATCHDOG_PID" };

    for (size_t i = 0; i < COUNT(names); i++)
        unsetenv(names[i]);
}

/* ---- Sockets ------------------------------------------------------------ */

/* So that nothing of the program's own is at 3 and 4. */
static void keep_places(void)
{
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

    for (int i = 0; i < 2; i++)
        if (null != 3 + i)
            dup3(null, 3 + i, O_CLOEXEC);
    if (null > 4)
        close(null);
}

static void pass_sockets(const char *names)
{
    for (int i = 0; i < 2; i++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);

        listen(fd, 16);
        dup2(fd, 3 + i);
        close(fd);
    }
    set_pid("LISTEN_PID", getpid());
    setenv("LISTEN_FDS", "2", 1);
    if (names)
        setenv("LISTEN_FDNAMES", names, 1);
}

static void take_back(void)
{
    keep_places();
    pass_nothing();
}

static void sockets_are_found_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *names; /* as passed */
        const char *name;  /* asked for */
        int n;
        int first;
    } rows[] = {
        { "http:https", NULL, 2, 3 },   { "http:https", "https", 1, 4 },
        { "http:https", "http", 1, 3 }, { "http:https", "htt", 0, -1 },
        { "web:web", "web", 2, 3 },     { "one", "one", 1, 3 },
        { NULL, NULL, 2, 3 },           { NULL, "unknown", 0, -1 },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        int fds[2] = { -1, -1 };

        pass_sockets(rows[i].names);
        int n = ws_sd_listen_fds(rows[i].name, fds, 2);
        int flags = fcntl(3, F_GETFD);
        take_back();
        assert_int_equal(n, rows[i].n);
        assert_int_equal(fds[0], rows[i].first);
        assert_true(flags & FD_CLOEXEC);
    }
}

/* All are counted, as many as there is room for are told. */
static void more_sockets_may_be_passed_than_there_is_room_for(void **state)
{
    (void)state;
    for (int room = 0; room <= 1; room++) {
        int fds[2] = { -1, -1 };

        pass_sockets(NULL);
        int n = ws_sd_listen_fds(NULL, fds, (size_t)room);
        take_back();
        assert_int_equal(n, 2);
        assert_int_equal(fds[0], room > 0 ? 3 : -1);
        assert_int_equal(fds[1], -1);
    }
}

static void what_is_for_another_process_is_left_alone(void **state)
{
    (void)state;
    int fds[2];

    pass_nothing();
    assert_int_equal(ws_sd_listen_fds(NULL, fds, 2), 0);
    setenv("LISTEN_FDS", "2", 1);
    assert_int_equal(ws_sd_listen_fds(NULL, fds, 2), 0);
    set_pid("LISTEN_PID", getppid());
    assert_int_equal(ws_sd_listen_fds(NULL, fds, 2), 0);
    pass_nothing();
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    static const char *const rows[] = { "", "-1", "2x", "99999999999", "500" };
    int fds[2];

    for (size_t i = 0; i < COUNT(rows); i++) {
        set_pid("LISTEN_PID", getpid());
        setenv("LISTEN_FDS", rows[i], 1);
        assert_int_equal(ws_sd_listen_fds(NULL, fds, 2), WS_ERR_INVALID);
    }
    setenv("LISTEN_PID", "x", 1);
    assert_int_equal(ws_sd_listen_fds(NULL, fds, 2), WS_ERR_INVALID);
    pass_nothing();
}

/* ---- Notifications ------------------------------------------------------ */

static int manager; /* its end of the socket */

static void begin_manager(bool abstract)
{
    const struct timeval patience = { .tv_sec = PATIENCE_S };
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    char name[80];
    socklen_t len;

    snprintf(name, sizeof(name), "%s%s/notify", abstract ? "@" : "", folder);
    strcpy(un.sun_path, name);
    len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
    if (abstract)
        un.sun_path[0] = '\0';
    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    setsockopt(manager, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    assert_int_equal(bind(manager, (struct sockaddr *)&un, len), 0);
    setenv("NOTIFY_SOCKET", name, 1);
}

static void end_manager(void)
{
    char name[80];

    close(manager);
    snprintf(name, sizeof(name), "%s/notify", folder);
    unlink(name);
    pass_nothing();
}

/* The next one; others may run meanwhile. */
static const char *told(void)
{
    static char text[2048];
    ssize_t n = hear_some(manager, text, sizeof(text) - 1);

    assert_true(n > 0);
    text[n] = '\0';
    return text;
}

static void either_kind_of_name_is_told(void **state)
{
    (void)state;
    for (int abstract = 0; abstract < 2; abstract++) {
        begin_manager(abstract);
        assert_int_equal(ws_sd_notify("STATUS=%d rooms", 3), 1);
        assert_string_equal(told(), "STATUS=3 rooms");
        assert_int_equal(ws_sd_notify("RELOADING=1"), 1);
        assert_non_null(strstr(told(), "RELOADING=1\nMONOTONIC_USEC="));
        end_manager();
    }
}

static void who_cannot_be_told_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int error;
    } rows[] = {
        { "/no/such/socket", -ENOENT },
        { "relative", -EAFNOSUPPORT },
        { "vsock:2:1234", -EAFNOSUPPORT },
    };

    pass_nothing();
    assert_int_equal(ws_sd_notify("READY=1"), 0);
    for (size_t i = 0; i < COUNT(rows); i++) {
        setenv("NOTIFY_SOCKET", rows[i].name, 1);
        assert_int_equal(ws_sd_notify("READY=1"), rows[i].error);
    }
    assert_int_equal(ws_sd_notify("STATUS=%03000d", 1), -EMSGSIZE);
    pass_nothing();
}

static void the_watchdog_is_fed_twice_in_its_time(void **state)
{
    (void)state;
    static const struct {
        const char *us;
        int pid; /* 0: not set, 1: ours, -1: another's */
        int64_t ms;
    } rows[] = {
        { "30000000", 0, 15000 },
        { "30000000", 1, 15000 },
        { "30000000", -1, 0 },
        { "1", 0, 1 },
        { "0", 0, 0 },
        { "x", 0, 0 },
        { NULL, 0, 0 },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        pass_nothing();
        if (rows[i].us)
            setenv("WATCHDOG_USEC", rows[i].us, 1);
        if (rows[i].pid != 0)
            set_pid("WATCHDOG_PID", rows[i].pid > 0 ? getpid() : getppid());
        assert_int_equal(ws_sd_watchdog_ms(), rows[i].ms);
    }
    pass_nothing();
}

/* ---- All of it, by ws_serve --------------------------------------------- */

static void hello(ws_request *r, void *arg)
{
    (void)arg;
    ws_reply_text(r, 200, "hello");
}

static const ws_route routes[] = { { .path = "/", .handler = hello }, { 0 } };
static atomic_int reloads;

static void count_reload(void *arg)
{
    (void)arg;
    atomic_fetch_add(&reloads, 1);
}

static ws_server server;
static int served;

static void serve_it(void *arg)
{
    (void)arg;
    served = ws_serve(&server);
}

/* Past what the watchdog gets in between. */
static const char *told_of(const char *what)
{
    const char *text = told();

    while (strcmp(text, "WATCHDOG=1") == 0 && strcmp(what, text) != 0)
        text = told();
    return strstr(text, what);
}

static void serve_tells_all_of_it(void **state)
{
    (void)state;
    struct answer a;
    char at[32];
    struct sockaddr_in in;
    socklen_t len = sizeof(in);

    signal(SIGHUP,
           SIG_DFL); /* nohup ignores it, and who begins so goes on so */
    begin_manager(false);
    pass_sockets("web:web");
    setenv("WATCHDOG_USEC", "20000", 1);
    getsockname(4, (struct sockaddr *)&in, &len);
    snprintf(at, sizeof(at), "127.0.0.1:%d", ntohs(in.sin_port));
    server = (ws_server){ .routes = routes,
                          .addr = "127.0.0.1:1",
                          .systemd = true,
                          .reload = count_reload };
    mode_set(&server);
    atomic_store(&reloads, 0);
    ws_fiber *f = ws__go_thread(serve_it, NULL);

    assert_non_null(told_of("READY=1\nSTATUS=Serving on "));
    int fd = ws_connect(at, ws_after(PATIENCE_S * 1000), NULL, NULL);
    assert_true(fd >= 0);
    say(fd, "GET / HTTP/1.0\r\n\r\n");
    assert_true(hear(fd, &a));
    assert_int_equal(a.status, 200);
    close(fd);
    for (int i = 0; i < 3; i++)
        assert_non_null(told_of("WATCHDOG=1"));

    kill(getpid(), SIGHUP);
    assert_non_null(told_of("RELOADING=1"));
    assert_non_null(told_of("READY=1"));
    assert_int_equal(atomic_load(&reloads), 1);
    kill(getpid(), SIGTERM);
    const char *stopping = told_of("STOPPING=1");
    assert_non_null(stopping);
    assert_non_null(strstr(stopping, "EXTEND_TIMEOUT_USEC=15000000"));
    ws_join(f);
    assert_int_equal(served, 0);
    take_back();
    end_manager();
}

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    pass_nothing();
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
        cmocka_unit_test(sockets_are_found_by_name),
        cmocka_unit_test(more_sockets_may_be_passed_than_there_is_room_for),
        cmocka_unit_test(what_is_for_another_process_is_left_alone),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(either_kind_of_name_is_told),
        cmocka_unit_test(who_cannot_be_told_is_named),
        cmocka_unit_test(the_watchdog_is_fed_twice_in_its_time),
        cmocka_unit_test(serve_tells_all_of_it),
    };

    keep_places();
    return run_in_mode("systemd", tests, make_folder, remove_folder);
}
