/* SPDX-License-Identifier: MIT */

#include "exec.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "input.h"
#include "memory.h"
#include "output.h"

enum {
    END_MS = 2000, /* to end by itself, and then by SIGTERM */
    TICK_MS = 20,
    STALLED_MS = 60 * 1000, /* takes nothing for so long: is stuck */
};

struct exec {
    ws_conn *conn;
    const struct settings *settings;
    pid_t pid;     /* leads a group: all that it starts */
    int in;        /* what it reads, */
    int out;       /* and what it has written */
    ws_event over; /* nothing more of that is wanted */
};

/* ---- Its environment ---------------------------------------------------- */

/* Takes "NAME=VALUE", unless there is one of that name: of two, shells take the
 * last, and getenv the first. */
static void exec_take(struct list *env, char *variable)
{
    size_t n = strcspn(variable, "=");

    for (size_t i = 0; i < env->n; i++)
        if (strncmp(env->items[i], variable, n) == 0 &&
            env->items[i][n] == '=') {
            free(variable);
            return;
        }
    list_add(env, variable);
}

static void exec_add(struct list *env, const char *name, const char *value)
{
    exec_take(env, memory_printf("%s=%s", name, value ? value : ""));
}

static void exec_add_all(struct list *env, char **from)
{
    for (; *from; from++)
        exec_take(env, memory_copy(*from));
}

/* Not Proxy, for who takes HTTP_PROXY for the proxy to go by; nor X_Y, which
 * would pass for X-Y. */
static bool is_exported(const char *name)
{
    for (const char *p = name; *p; p++)
        if (!isalnum((unsigned char)*p) && *p != '-')
            return false;
    return strcasecmp(name, "Proxy") != 0;
}

/* As HTTP_USER_AGENT. */
static void exec_add_header(struct list *env, const ws_header *h)
{
    if (!is_exported(h->name))
        return;
    char *field = memory_printf("HTTP_%s=%s", h->name, h->value);
    for (char *p = field; *p != '='; p++)
        *p = *p == '-' ? '_' : (char)toupper((unsigned char)*p);
    exec_take(env, field);
}

/* RFC 3875, section 4.1, as far as it makes sense.  What comes first counts. */
static struct list exec_environment(const ws_conn *c, const ws_request *r)
{
    struct list env = { 0 };

    exec_add(&env, "REMOTE_ADDR", ws_remote_addr(c));
    exec_add(&env, "REQUEST_URI", r->target);
    exec_add(&env, "PATH_INFO", r->path);
    exec_add(&env, "QUERY_STRING", r->query);
    exec_add(&env, "HTTP_ORIGIN", ws_header_get(r->headers, "Origin"));
    exec_add(&env, "HTTP_COOKIE", ws_header_get(r->headers, "Cookie"));
    exec_add(&env, "HTTPS", r->tls ? "on" : "");
    for (const ws_header *h = r->headers; h->name; h++)
        exec_add_header(&env, h);
    exec_add_all(&env, environ);
    return env;
}

static void exec_free(struct list *env)
{
    for (size_t i = 0; i < env->n; i++)
        free((char *)env->items[i]);
    free(env->items);
}

/* ---- Its life ----------------------------------------------------------- */

static int exec_spawn(struct exec *e, int in, int out, char **env)
{
    char *argv[] = { "sh", "-c", (char *)e->settings->exec, NULL };
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t usual;

    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    sigaddset(&usual, SIGINT);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigdefault(&attributes, &usual);
    int r = posix_spawn(&e->pid, "/bin/sh", &actions, &attributes, argv, env);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return -r;
}

/* The other ends are the program's alone, so that ours tell of its end. */
static int exec_begin(struct exec *e, char **env)
{
    int in[2], out[2];

    if (pipe2(in, O_CLOEXEC) != 0)
        return -errno;
    if (pipe2(out, O_CLOEXEC) != 0) {
        int r = -errno;
        close(in[0]);
        close(in[1]);
        return r;
    }
    e->in = in[1];
    e->out = out[0];
    int r = exec_spawn(e, in[0], out[1], env);
    close(in[0]);
    close(out[1]);
    if (r != 0) {
        close(e->in);
        close(e->out);
    }
    return r;
}

static bool exec_has_ended(const struct exec *e, int *status)
{
    for (int i = 0; i < END_MS / TICK_MS; i++) {
        if (waitpid(e->pid, status, WNOHANG) != 0)
            return true;
        ws_sleep(TICK_MS);
    }
    return false;
}

/* Returns how it has ended. */
static int exec_wait(const struct exec *e)
{
    int status = 0;

    if (exec_has_ended(e, &status))
        return status;
    kill(-e->pid, SIGTERM);
    if (exec_has_ended(e, &status))
        return status;
    kill(-e->pid, SIGKILL);
    waitpid(e->pid, &status, 0);
    return status;
}

/* ---- What it reads and writes ------------------------------------------- */

static void exec_send(void *arg)
{
    struct exec *e = arg;
    struct input in;
    char *data;
    size_t n;
    int r = 0;

    input_begin_fd(&in, e->settings, e->out);
    while (r == 0 && (data = input_next(&in, &n, &e->over)) != NULL) {
        ws_type type = input_encode(e->settings, data, &n);

        if (type != 0)
            r = ws_write_message(e->conn, type, data, n);
    }
    free(in.data);
    if (ws_event_is_set(&e->over))
        return;
    int status = exec_wait(e);
    e->pid = 0;
    if (status == 0)
        ws_write_close(e->conn, WS_CLOSE_NORMAL, "the program has ended");
    else
        ws_write_close(e->conn, WS_CLOSE_INTERNAL, "the program has failed");
}

static int exec_write(const struct exec *e, const void *data, size_t n)
{
    return ws_write_fd(e->in, data, n, ws_after(STALLED_MS),
                       ws_stopping(e->conn));
}

static int exec_feed(const struct exec *e, const ws_message *m)
{
    const char end = e->settings->nul ? '\0' : '\n';
    int r = exec_write(e, m->data, m->len);

    if (r == 0 && (m->type == WS_TEXT || e->settings->nul))
        r = exec_write(e, &end, 1);
    return r;
}

/* It need not read all that it is sent, but may not stop half way. */
static void exec_feed_all(const struct exec *e)
{
    ws_message m;
    int r = 0;

    while ((r == 0 || r == -EPIPE) && ws_read_message(e->conn, &m) == 0)
        if (r == 0)
            r = exec_feed(e, &m);
    if (r == WS_ERR_TIMEOUT)
        ws_write_close(e->conn, WS_CLOSE_INTERNAL, "the program is stuck");
}

static void exec_converse(struct exec *e)
{
    ws_fiber *sender = ws_go(exec_send, e);

    fcntl(e->in, F_SETFL, O_NONBLOCK);
    exec_feed_all(e);
    close(e->in);
    ws_event_set(&e->over);
    ws_join(sender);
    if (e->pid > 0)
        exec_wait(e);
    close(e->out);
}

void exec_run(ws_conn *c, const struct settings *s)
{
    struct exec e = { .conn = c, .settings = s };
    struct list env = exec_environment(c, ws_conn_request(c));
    int r = exec_begin(&e, (char **)env.items);

    exec_free(&env);
    if (r == 0) {
        exec_converse(&e);
        return;
    }
    output_note("--exec: %s", ws_strerror(r));
    ws_write_close(c, WS_CLOSE_INTERNAL, NULL);
}
