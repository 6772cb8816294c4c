/* SPDX-License-Identifier: MIT */

#ifndef TESTS_PEER_H
#define TESTS_PEER_H

/* An HTTP client that says exactly what it is told, and a server for it. */

#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <silverback/http.h>

#include "mode.h"
#include "test.h"

#define SERVED "\r\nHost: a\r\n"

/* Long enough for a loaded machine; no test waits for it. */
#define PATIENCE_S 20

struct answer {
    int status; /* 0: the connection ended instead */
    char head[4096];
    char body[256 * 1024];
    size_t len;
};

static inline ws_listener *serve(ws_server s)
{
    ws_error err;

    mode_set(&s);
    s.addr = s.addr ? s.addr : "127.0.0.1:0";
    ws_listener *l = ws_listen(&s, &err);
    if (!l)
        fail_msg("%s", err.text);
    return l;
}

static inline int call(const ws_listener *l)
{
    const struct timeval patience = { .tv_sec = PATIENCE_S };
    struct sockaddr_in in = {
        .sin_family = AF_INET,
        .sin_port = htons(
            (uint16_t)strtol(strrchr(ws_listener_addr(l), ':') + 1, NULL, 10)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    assert_int_equal(connect(fd, (struct sockaddr *)&in, sizeof(in)), 0);
    return fd;
}

static inline void say_n(int fd, const void *p, size_t n)
{
    assert_int_equal(send(fd, p, n, MSG_NOSIGNAL), (int)n);
}

static inline void say(int fd, const char *text)
{
    say_n(fd, text, strlen(text));
}

/* At least a byte, 0 at the end, or -1.  Others may run meanwhile. */
static inline ssize_t hear_some(int fd, void *p, size_t n)
{
    if (ws_wait_fd(fd, POLLIN, ws_after(PATIENCE_S * 1000)) < 0)
        return -1;
    return recv(fd, p, n, MSG_DONTWAIT);
}

/* A field's value in a head, as it stands there, into a buffer; NULL if it is
 * not there. */
static inline const char *field_of(const struct answer *a, const char *name)
{
    static char value[1024];
    size_t n = strlen(name);

    for (const char *p = strstr(a->head, "\r\n"); p; p = strstr(p + 2, "\r\n"))
        if (strncmp(p + 2, name, n) == 0 && strncmp(p + 2 + n, ": ", 2) == 0) {
            const char *v = p + n + 4;
            snprintf(value, sizeof(value), "%.*s", (int)strcspn(v, "\r"), v);
            return value;
        }
    return NULL;
}

/* Byte by byte, so nothing of what follows is taken. */
static inline bool hear_head(int fd, struct answer *a)
{
    size_t n = 0;

    a->status = 0;
    a->len = 0;
    a->head[0] = a->body[0] = '\0';
    while (n < 4 || memcmp(a->head + n - 4, "\r\n\r\n", 4) != 0) {
        if (n + 1 == sizeof(a->head) || hear_some(fd, a->head + n, 1) != 1)
            return false;
        a->head[++n] = '\0';
    }
    if (sscanf(a->head, "HTTP/1.1 %d ", &a->status) != 1)
        a->status = -1;
    return true;
}

/* One answer; without its body if it is one to HEAD. */
static inline bool hear_as(int fd, struct answer *a, bool head)
{
    if (!hear_head(fd, a))
        return false;
    const char *length = field_of(a, "Content-Length");
    size_t n = length && !head ? strtoul(length, NULL, 10) : 0;

    assert_true(n < sizeof(a->body));
    while (a->len < n) {
        ssize_t r = hear_some(fd, a->body + a->len, n - a->len);
        if (r <= 0)
            return false;
        a->len += (size_t)r;
    }
    a->body[a->len] = '\0';
    return true;
}

static inline bool hear(int fd, struct answer *a)
{
    return hear_as(fd, a, false);
}

/* The server has said all it will. */
static inline bool has_ended(int fd)
{
    char c;

    return hear_some(fd, &c, 1) == 0;
}

/* One request on a connection of its own. */
static inline int ask(const ws_listener *l, const char *request,
                      struct answer *a)
{
    int fd = call(l);

    say(fd, request);
    hear_as(fd, a, strncmp(request, "HEAD ", 5) == 0);
    close(fd);
    return a->status;
}

#endif
