/* SPDX-License-Identifier: MIT */
/* A page on a program's input and output, http://localhost:8080/, with a
 * program of its own for each connection: command addr program [arg...] */

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <silverback.h>

#include "command.html.h" /* made from command.html by the build */

enum { PATIENCE_MS = 5000 };

struct session {
    ws_conn *c;
    pid_t program;     /* leads a process group: all that it starts */
    int in[2], out[2]; /* pipes; [0] is for reading */
};

/* So much a pipe that is ready takes without waiting. */
static const ws_upgrader upgrader = { .read_limit = PIPE_BUF };

static bool start(struct session *s, char **argv)
{
    if (pipe2(s->in, O_CLOEXEC) == 0 && pipe2(s->out, O_CLOEXEC) == 0)
        s->program = fork();
    if (s->program == 0) {
        setpgid(0, 0);
        signal(SIGPIPE, SIG_DFL);
        dup2(s->in[0], STDIN_FILENO);
        dup2(s->out[1], STDOUT_FILENO);
        dup2(s->out[1], STDERR_FILENO);
        execvp(argv[0], argv);
        _exit(127);
    }
    setpgid(s->program, s->program); /* whichever of the two is first */
    close(s->in[0]);
    close(s->out[1]);
    return s->program > 0;
}

static void show(void *arg)
{
    struct session *s = arg;
    char data[PIPE_BUF];
    ssize_t n;

    while (ws_wait_fd(s->out[0], POLLIN, 0) > 0 &&
           (n = read(s->out[0], data, sizeof(data))) > 0)
        ws_write_message(s->c, WS_BINARY, data, (size_t)n);
    ws_write_close(s->c, WS_CLOSE_NORMAL, "the program has ended");
}

static void run(ws_request *r, void *argv)
{
    struct session s = {
        ws_upgrade(&upgrader, r, NULL), -1, { -1, -1 }, { -1, -1 }
    };
    ws_fiber *f = s.c && start(&s, argv) ? ws_go(show, &s) : NULL;
    ws_message m;

    while (f && ws_read_message(s.c, &m) == 0 &&
           ws_wait_fd(s.in[1], POLLOUT, ws_after(PATIENCE_MS)) > 0 &&
           write(s.in[1], m.data, m.len) >= 0)
        ;
    if (s.program > 0) {
        kill(-s.program, SIGKILL); /* which ends its output */
        waitpid(s.program, NULL, 0);
    }
    ws_join(f);
    ws_finish(s.c, WS_CLOSE_NORMAL, NULL, ws_after(PATIENCE_MS));
    close(s.in[1]);
    close(s.out[0]);
    ws_close(s.c);
}

static void home(ws_request *r, void *arg)
{
    (void)arg;
    ws_reply_html(r, 200, command_html);
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return fprintf(stderr, "usage: command addr program [arg...]\n") > 0;
    const ws_route routes[] = {
        { .path = "/run", .handler = run, .arg = argv + 2 },
        { .path = "/", .handler = home },
        { 0 },
    };
    signal(SIGPIPE, SIG_IGN); /* a program may leave its input unread */
    return ws_serve(&(ws_server){ .addr = argv[1], .routes = routes }) != 0;
}
