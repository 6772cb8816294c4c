/* SPDX-License-Identifier: MIT */

/* restart [SECONDS [RATE]]: processes that follow each other on one listening
 * socket, as systemd would pass it, under so many connects a second; prints what
 * became of them. */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <silverback.h>

#include "../echo.h"

enum { LIVES = 6, LISTENING = 3, PATIENCE_MS = 60 * 1000 };

static int seconds = 30, rate = 500;
static char url[64], notify_name[64];
static atomic_int started, done, served, refused, reset, other;

/* ---- A server's life ---------------------------------------------------- */

static int live(void)
{
    static const ws_route routes[] = { { .path = "/", .socket = echo }, { 0 } };
    static const ws_goodbye goodbye = { WS_CLOSE_SERVICE_RESTART, NULL, 500 };
    char pid[16];

    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    setenv("LISTEN_PID", pid, 1);
    return ws_serve(&(ws_server){ .routes = routes,
                                  .systemd = true,
                                  .goodbye = &goodbye,
                                  .workers = 2 }) != 0;
}

/* It stands at LISTENING already. */
static pid_t give_life(const char *self)
{
    pid_t pid = fork();

    if (pid != 0)
        return pid;
    execl(self, self, "live", NULL);
    _exit(127);
}

/* ---- Who connects ------------------------------------------------------- */

static void count(const ws_error *err)
{
    if (err->code == -ECONNREFUSED)
        atomic_fetch_add(&refused, 1);
    else if (err->code == -ECONNRESET || err->code == -EPIPE)
        atomic_fetch_add(&reset, 1);
    else
        atomic_fetch_add(&other, 1);
    fprintf(stderr, "%s\n", err->text);
}

/* A goodbye instead of the echo is an answer, too. */
static void connect_once(void *arg)
{
    const ws_dialer d = { .proxy = "", .handshake_timeout_ms = PATIENCE_MS };
    ws_error err;
    ws_message m;
    ws_conn *c = ws_dial(&d, url, NULL, NULL, &err);

    (void)arg;
    if (!c) {
        count(&err);
    } else {
        ws_write_text(c, "hello");
        int r = ws_read_message(c, &m);
        if (r == 0 || ws_closed_with(c, WS_CLOSE_SERVICE_RESTART))
            atomic_fetch_add(&served, 1);
        else
            count(ws_conn_error(c));
        ws_finish(c, WS_CLOSE_NORMAL, NULL, ws_after(1000));
    }
    ws_close(c);
    atomic_fetch_add(&done, 1);
}

static void connect_all(void *arg)
{
    int64_t began = ws_now();

    (void)arg;
    for (int i = 0; i < seconds * rate; i++) {
        while (ws_now() - began < (int64_t)i * 1000 / rate)
            ws_sleep(1);
        atomic_fetch_add(&started, 1);
        ws_detach(ws_go(connect_once, NULL));
    }
}

static void run_connects(void *arg)
{
    ws_run(connect_all, arg);
}

/* ---- The service manager ------------------------------------------------ */

static int listen_at_port(void)
{
    struct sockaddr_in in = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(in);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    bind(fd, (struct sockaddr *)&in, len);
    listen(fd, 4096);
    getsockname(fd, (struct sockaddr *)&in, &len);
    snprintf(url, sizeof(url), "ws://127.0.0.1:%d/", ntohs(in.sin_port));
    dup2(fd, LISTENING);
    if (fd != LISTENING)
        close(fd);
    return LISTENING;
}

static int listen_for_words(void)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    snprintf(notify_name, sizeof(notify_name), "@restart.%d", (int)getpid());
    strcpy(un.sun_path + 1, notify_name + 1);
    bind(fd, (struct sockaddr *)&un,
         (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
                     strlen(notify_name)));
    setenv("NOTIFY_SOCKET", notify_name, 1);
    setenv("LISTEN_FDS", "1", 1);
    return fd;
}

static bool hears_ready(int words)
{
    char text[512];
    ssize_t n;

    do {
        if (ws_wait_fd(words, POLLIN, ws_after(PATIENCE_MS)) < 0)
            return false;
        n = recv(words, text, sizeof(text) - 1, 0);
        text[n > 0 ? n : 0] = '\0';
    } while (n > 0 && strncmp(text, "READY=1", 7) != 0);
    return n > 0;
}

static bool ends_well(pid_t pid)
{
    int status;

    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

/* The next one is there before the one before goes. */
static bool restart(const char *self, int words, pid_t *pid)
{
    pid_t next = give_life(self), last = *pid;

    *pid = next;
    if (!hears_ready(words))
        return false;
    kill(last, SIGTERM);
    return ends_well(last);
}

int main(int argc, char **argv)
{
    bool well;

    if (argc > 1 && strcmp(argv[1], "live") == 0)
        return live();
    if (argc > 1)
        seconds = atoi(argv[1]);
    if (argc > 2)
        rate = atoi(argv[2]);
    listen_at_port();
    int words = listen_for_words();
    pid_t pid = give_life(argv[0]);

    well = hears_ready(words);
    ws_fiber *f = ws_go(run_connects, NULL);
    for (int i = 0; well && i < LIVES - 1; i++) {
        ws_sleep(seconds * 1000 / LIVES);
        well = restart(argv[0], words, &pid);
    }
    ws_join(f);
    kill(pid, SIGTERM);
    well = ends_well(pid) && well;
    printf("%d processes, %d connects: %d served, %d refused, %d reset, %d "
           "otherwise\n",
           LIVES, atomic_load(&started), atomic_load(&served),
           atomic_load(&refused), atomic_load(&reset), atomic_load(&other));
    return well && atomic_load(&served) == atomic_load(&started) ? 0 : 1;
}
