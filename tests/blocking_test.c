/* SPDX-License-Identifier: MIT */

/* Handlers that block, beside a connection that the same worker serves. */

#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <silverback.h>

#include "echo.h"
#include "peer.h"

enum { ROUND_TRIPS = 500 };

/* ---- What blocks -------------------------------------------------------- */

static char folder[] = "/tmp/silverback_blocking.XXXXXX";
static char fifo[64], command[128];
static int release; /* a line for each that blocks */

static ws_event entered;

/* Until the program says a line: which it does when the test lets it. */
static int run_program(void *arg)
{
    char line[16] = "";

    (void)arg;
    ws_event_set(&entered);
    FILE *f = popen(command, "r");
    bool said = f && fgets(line, sizeof(line), f);
    int status = f ? pclose(f) : -1;
    return said && status == 0 && strcmp(line, "go\n") == 0 ? 0 : -1;
}

static void answer(ws_request *r, int result)
{
    ws_reply_text(r, result == 0 ? 200 : 500, "late");
}

static void block(ws_request *r, void *arg)
{
    answer(r, run_program(arg));
}

static void block_elsewhere(ws_request *r, void *arg)
{
    answer(r, ws_blocking(run_program, arg));
}

static void block_in_call(ws_conn *c, ws_message *m, void *arg)
{
    if (m && run_program(arg) == 0)
        ws_write_text(c, "late");
}

static void be_called(ws_request *r, void *arg)
{
    ws_conn *c = ws_upgrade(NULL, r, NULL);

    if (c && ws_on_message(c, block_in_call, arg) != 0)
        ws_close(c);
}

/* What a handler executes, and what signals do to that. */
static int end_children(void *arg)
{
    (void)arg;
    int term = system("kill -TERM $$; exit 3");
    int pipe = system("kill -PIPE $$; exit 3");
    return WIFSIGNALED(term) && WTERMSIG(term) == SIGTERM &&
                   WIFSIGNALED(pipe) && WTERMSIG(pipe) == SIGPIPE
               ? 200
               : 500;
}

/* What a handler writes to, and nobody reads. */
static int break_pipe(void *arg)
{
    int fds[2];

    (void)arg;
    if (pipe2(fds, O_CLOEXEC) != 0)
        return 500;
    close(fds[0]);
    int status = write(fds[1], "", 1) < 0 && errno == EPIPE ? 200 : 500;
    close(fds[1]);
    return status;
}

static struct call {
    int (*fn)(void *arg);
} children = { end_children }, broken = { break_pipe };

static void call_here(ws_request *r, void *arg)
{
    const struct call *c = arg;

    ws_reply_text(r, c->fn(NULL), "");
}

static void call_elsewhere(ws_request *r, void *arg)
{
    const struct call *c = arg;

    ws_reply_text(r, ws_blocking(c->fn, NULL), "");
}

static const ws_route routes[] = {
    { .path = "/children", .handler = call_here, .arg = &children },
    { .path = "/children-in-a-thread",
      .handler = call_here,
      .arg = &children,
      .thread = true },
    { .path = "/children-by-ws-blocking",
      .handler = call_elsewhere,
      .arg = &children },
    { .path = "/pipe", .handler = call_here, .arg = &broken },
    { .path = "/pipe-in-a-thread",
      .handler = call_here,
      .arg = &broken,
      .thread = true },
    { .path = "/pipe-by-ws-blocking",
      .handler = call_elsewhere,
      .arg = &broken },
    { .path = "/echo", .socket = echo },
    { .path = "/in-a-thread", .handler = block, .thread = true },
    { .path = "/by-ws-blocking", .handler = block_elsewhere },
    { .path = "/neither", .handler = block },
    { .path = "/called", .handler = be_called },
    { .path = "/called-in-a-thread", .handler = be_called, .thread = true },
    { 0 },
};

/* ---- What is logged ----------------------------------------------------- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of the lines */
static char lines[8 * 1024];
static ws_event logged;

static void keep_line(const char *line, void *arg)
{
    (void)arg;
    pthread_mutex_lock(&lock);
    if (strlen(lines) + strlen(line) + 2 < sizeof(lines))
        strcat(strcat(lines, line), "\n");
    pthread_mutex_unlock(&lock);
    ws_event_set(&logged);
}

static bool is_reported(const char *path)
{
    char words[128];

    snprintf(words, sizeof(words), "the handler of %s held up its worker",
             path);
    pthread_mutex_lock(&lock);
    bool found = strstr(lines, words) != NULL;
    pthread_mutex_unlock(&lock);
    return found;
}

/* Where much is slow others may be reported, too. */
static void wait_for_report(const char *path)
{
    while (!is_reported(path)) {
        ws_event_clear(&logged);
        if (!is_reported(path))
            assert_int_equal(
                ws_event_wait(&logged, ws_after(PATIENCE_S * 1000)), 0);
    }
}

/* ---- Tests -------------------------------------------------------------- */

static ws_listener *l;

static int start(void **state)
{
    static const ws_server s = { .addr = "127.0.0.1:0",
                                 .routes = routes,
                                 .workers = 1 };

    (void)state;
    l = ws_listen(&s, NULL);
    ws_event_clear(&entered);
    return l ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    return ws_listener_shutdown(l, ws_after(PATIENCE_S * 1000));
}

static ws_conn *dial(const char *path)
{
    char url[128];
    ws_error err;

    snprintf(url, sizeof(url), "ws://%s%s", ws_listener_addr(l), path);
    ws_conn *c = ws_dial(NULL, url, NULL, NULL, &err);
    if (!c)
        fail_msg("%s", err.text);
    ws_set_read_deadline(c, ws_after(PATIENCE_S * 1000));
    return c;
}

static void expect_text(ws_conn *c, const char *text)
{
    ws_message m;

    assert_int_equal(ws_read_message(c, &m), 0);
    assert_string_equal(m.data, text);
}

static void go_round(ws_conn *c)
{
    assert_int_equal(ws_write_text(c, "round"), 0);
    expect_text(c, "round");
}

static void let_go(void)
{
    assert_int_equal(write(release, "go\n", 3), 3);
}

static void wait_until_entered(void)
{
    assert_int_equal(ws_event_wait(&entered, ws_after(PATIENCE_S * 1000)), 0);
}

static int ask_for(const char *path)
{
    char request[128];
    int fd = call(l);

    snprintf(request, sizeof(request), "GET %s HTTP/1.1" SERVED "\r\n", path);
    say(fd, request);
    wait_until_entered();
    return fd;
}

static void expect_late(int fd)
{
    static struct answer a;

    assert_true(hear(fd, &a));
    assert_int_equal(a.status, 200);
    assert_string_equal(a.body, "late");
    close(fd);
}

/* What blocks is let go only after that. */
static void others_go_on_beside(const char *path)
{
    ws_conn *c = dial("/echo");
    int fd = ask_for(path);

    for (int i = 0; i < ROUND_TRIPS; i++)
        go_round(c);
    let_go();
    expect_late(fd);
    ws_close(c);
    assert_false(is_reported(path));
}

static void a_thread_route_may_block(void **state)
{
    (void)state;
    others_go_on_beside("/in-a-thread");
}

static void what_ws_blocking_calls_may_block(void **state)
{
    (void)state;
    others_go_on_beside("/by-ws-blocking");
}

static void a_function_for_messages_may_block_in_a_thread_route(void **state)
{
    (void)state;
    ws_conn *c = dial("/echo");
    ws_conn *blocked = dial("/called-in-a-thread");

    go_round(c);
    assert_int_equal(ws_write_text(blocked, "block"), 0);
    wait_until_entered();
    for (int i = 0; i < ROUND_TRIPS; i++)
        go_round(c);
    let_go();
    expect_text(blocked, "late");
    ws_close(blocked);
    ws_close(c);
    assert_false(is_reported("/called-in-a-thread"));
}

static void without_either_the_log_names_the_route(void **state)
{
    (void)state;
    int fd = ask_for("/neither");

    wait_for_report("/neither");
    let_go();
    expect_late(fd);
}

static void and_so_for_a_function_for_messages(void **state)
{
    (void)state;
    ws_conn *c = dial("/called");

    assert_int_equal(ws_write_text(c, "block"), 0);
    wait_for_report("/called");
    let_go();
    expect_text(c, "late");
    ws_close(c);
}

/* ---- Signals ------------------------------------------------------------ */

static void expect_200(const char *path)
{
    static struct answer a;
    char request[128];

    snprintf(request, sizeof(request), "GET %s HTTP/1.1" SERVED "\r\n", path);
    if (ask(l, request, &a) != 200)
        fail_msg("%s: %d", path, a.status);
}

static void what_handlers_execute_is_ended_by_signals(void **state)
{
    (void)state;
    expect_200("/children");
    expect_200("/children-in-a-thread");
    expect_200("/children-by-ws-blocking");
}

static void a_pipe_that_breaks_is_an_error_to_handlers(void **state)
{
    (void)state;
    expect_200("/pipe");
    expect_200("/pipe-in-a-thread");
    expect_200("/pipe-by-ws-blocking");
}

static void and_elsewhere_it_ends_the_process_as_before(void **state)
{
    (void)state;
    int status;
    pid_t child = fork();

    if (child == 0) {
        raise(SIGPIPE);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGPIPE);
}

/* ---- All of it ---------------------------------------------------------- */

/* Open at both ends, so that neither waits for the other. */
static int make_fifo(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(fifo, sizeof(fifo), "%s/fifo", folder);
    snprintf(command, sizeof(command), "read line <%s && echo $line", fifo);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    release = open(fifo, O_RDWR | O_CLOEXEC);
    return release >= 0 ? 0 : -1;
}

static int remove_fifo(void **state)
{
    (void)state;
    close(release);
    unlink(fifo);
    return rmdir(folder);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_thread_route_may_block),
        TEST(what_ws_blocking_calls_may_block),
        TEST(a_function_for_messages_may_block_in_a_thread_route),
        TEST(without_either_the_log_names_the_route),
        TEST(and_so_for_a_function_for_messages),
        TEST(what_handlers_execute_is_ended_by_signals),
        TEST(a_pipe_that_breaks_is_an_error_to_handlers),
        TEST(and_elsewhere_it_ends_the_process_as_before),
    };

    ws_set_log(keep_line, NULL);
    return cmocka_run_group_tests_name("blocking", tests, make_fifo,
                                       remove_fifo);
}
