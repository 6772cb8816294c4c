/* SPDX-License-Identifier: MIT */

/* What ws_serve does to the process around it. */

#include "test.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/un.h>

#include <silverback/fiber.h>
#include <silverback/http.h>

#include "local.h"
#include "mode.h"
#include "peer.h"

/* ---- A server, and who ends it ------------------------------------------ */

static ws_event entered, leave;

/* What a handler sees of the process. */
static struct {
    struct rlimit descriptors;
    bool ignores_int;
} seen;

static bool is_ignored(int signum)
{
    struct sigaction now;

    assert_int_equal(sigaction(signum, NULL, &now), 0);
    return now.sa_handler == SIG_IGN;
}

static void look_and_wait(ws_request *r, void *arg)
{
    (void)arg;
    getrlimit(RLIMIT_NOFILE, &seen.descriptors);
    seen.ignores_int = is_ignored(SIGINT);
    ws_event_set(&entered);
    ws_event_wait(&leave, 0);
    ws_reply_text(r, 200, "late");
}

static const ws_route routes[] = {
    { .path = "/wait", .handler = look_and_wait }, { 0 }
};

/* Each of the signals that the list, ended by 0, names. */
static void raise_when_entered(void *signals)
{
    ws_event_wait(&entered, 0);
    for (const int *signum = signals; *signum; signum++)
        kill(getpid(), *signum);
    ws_event_set(&leave);
}

static void ask_to_wait(void *arg)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    (void)arg;
    snprintf(un.sun_path, sizeof(un.sun_path), "%s", local_path);
    while (connect(fd, (struct sockaddr *)&un, sizeof(un)) != 0)
        ws_sleep(1);
    (void)!write(fd, "GET /wait HTTP/1.1" SERVED "\r\n", 32);
    ws_event_wait(&leave, 0);
    close(fd);
}

static void serve_until(const int *signals)
{
    ws_server s = { .addr = local_address, .routes = routes };

    mode_set(&s);
    entered = leave = (ws_event){ { NULL } };
    ws_fiber *raiser = ws_go(raise_when_entered, (void *)signals);
    ws_fiber *client = ws_go(ask_to_wait, NULL);
    assert_int_equal(ws_serve(&s), 0);
    ws_join(raiser);
    ws_join(client);
}

/* ---- Tests -------------------------------------------------------------- */

static void it_ends_on_either_signal(void **state)
{
    (void)state;
    static const int signals[] = { SIGINT, SIGTERM };

    for (size_t i = 0; i < COUNT(signals); i++) {
        struct sigaction now;

        serve_until((const int[]){ signals[i], 0 });
        sigaction(signals[i], NULL, &now);
        assert_true(now.sa_handler == SIG_DFL);
    }
}

/* As nohup does, and a shell script with what it starts by "&". */
static void a_signal_that_is_ignored_stays_so(void **state)
{
    (void)state;
    signal(SIGINT, SIG_IGN);
    serve_until((const int[]){ SIGINT, SIGTERM, 0 });
    assert_true(seen.ignores_int);
    assert_true(is_ignored(SIGINT));
    signal(SIGINT, SIG_DFL);
}

static void the_descriptor_limit_is_raised_to_the_hard_one(void **state)
{
    (void)state;
    struct rlimit before, now;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    now = before;
    now.rlim_cur /= 2;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
    serve_until((const int[]){ SIGTERM, 0 });
    assert_int_equal(seen.descriptors.rlim_cur, before.rlim_max);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &now), 0);
    assert_int_equal(now.rlim_cur, before.rlim_max);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

static atomic_int lines;

static void count_line(const char *line, void *arg)
{
    (void)arg;
    atomic_fetch_add(&lines, !is_of_a_busy_machine(line));
}

static void what_is_wrong_stands_in_the_log(void **state)
{
    (void)state;
    ws_listener *l = serve((ws_server){ .routes = routes });
    const ws_server again = { .addr = ws_listener_addr(l) };

    atomic_store(&lines, 0);
    assert_int_equal(ws_serve(&again), -EADDRINUSE);
    assert_int_equal(atomic_load(&lines), 1);
    assert_int_equal(ws_listener_shutdown(l, 0), 0);
}

/* Its port may be another program's. */
static void no_server_is_one_of_all_zero(void **state)
{
    (void)state;
    ws_error err;
    ws_listener *l = ws_listen(NULL, &err);

    if (!l) {
        assert_int_equal(err.code, -EADDRINUSE);
        return;
    }
    assert_string_equal(strrchr(ws_listener_addr(l), ':'), ":8080");
    assert_int_equal(ws_serve(NULL), -EADDRINUSE);
    assert_int_equal(ws_listener_shutdown(l, ws_after(PATIENCE_S * 1000)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_ends_on_either_signal),
        cmocka_unit_test(a_signal_that_is_ignored_stays_so),
        cmocka_unit_test(the_descriptor_limit_is_raised_to_the_hard_one),
        cmocka_unit_test(what_is_wrong_stands_in_the_log),
        cmocka_unit_test(no_server_is_one_of_all_zero),
    };

    ws_set_log(count_line, NULL);
    return run_in_mode("serve", tests, local_make, local_remove);
}
