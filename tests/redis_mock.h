/* SPDX-License-Identifier: MIT */

#ifndef TESTS_REDIS_MOCK_H
#define TESTS_REDIS_MOCK_H

/* Servers of Redis that answer what a test tells them to, each with threads of
 * its own at a port of 127.0.0.1. */

#include <netinet/in.h>
#include <pthread.h>

#include "redis/codec.h"
#include "redis_peer.h"

enum { MOCK_CONNECTIONS = 64, MOCK_LINE = 512 };

struct mock {
    const char *name;
    /* Writes the answer to a command, its words with a space between, with the
     * lock held; nothing: the connection is closed. */
    void (*answer)(struct mock *m, const char *line, char *out, size_t cap);
    void *arg;
    unsigned port;
    int listener;
    pthread_t thread;
    pthread_mutex_t lock;
    bool stopped;
    int n;
    struct mock_connection {
        struct mock *mock;
        int fd;
        bool subscribed;
        bool asking;
        pthread_t thread;
    } connections[MOCK_CONNECTIONS];
    struct mock_connection *now; /* whose command is answered */
    char asked[4096]; /* what it was asked but PING, each with a ';' */
};

static inline void mock_words(char *line, const struct ws__redis_reply *r)
{
    size_t n = 0;

    for (size_t i = 0; i < r->elements; i++)
        n += (size_t)snprintf(line + n, MOCK_LINE - n, "%s%s", i ? " " : "",
                              r->element[i]->str);
}

static inline bool mock_answer(struct mock_connection *c, const char *line)
{
    struct mock *m = c->mock;
    char out[4096] = "";

    pthread_mutex_lock(&m->lock);
    m->now = c;
    if (strcmp(line, "PING") == 0) {
        snprintf(out, sizeof(out), "+PONG\r\n");
    } else {
        size_t n = strlen(m->asked);
        snprintf(m->asked + n, sizeof(m->asked) - n, "%s;", line);
    }
    m->answer(m, line, out, sizeof(out));
    bool going = out[0] != '\0' && send(c->fd, out, strlen(out),
                                        MSG_NOSIGNAL) == (ssize_t)strlen(out);
    pthread_mutex_unlock(&m->lock);
    return going;
}

static inline void *mock_serve(void *arg)
{
    struct mock_connection *c = arg;
    struct ws__redis_reader *reader = ws__redis_reader_new();
    bool going = reader;
    char in[4096];

    while (going) {
        struct ws__redis_reply *r = NULL;
        ssize_t n = recv(c->fd, in, sizeof(in), 0);

        going = n > 0 && ws__redis_reader_feed(reader, in, (size_t)n) == 0;
        while (going && ws__redis_reader_next(reader, &r, NULL) == 0 && r) {
            char line[MOCK_LINE];

            mock_words(line, r);
            ws__redis_reply_free(r);
            going = mock_answer(c, line);
        }
    }
    ws__redis_reader_free(reader);
    shutdown(c->fd, SHUT_RDWR);
    return NULL;
}

static inline void *mock_accept(void *arg)
{
    struct mock *m = arg;

    for (;;) {
        int fd = accept4(m->listener, NULL, NULL, SOCK_CLOEXEC);

        pthread_mutex_lock(&m->lock);
        bool full = fd < 0 || m->stopped || m->n == MOCK_CONNECTIONS;
        if (!full) {
            struct mock_connection *c = &m->connections[m->n++];

            c->mock = m;
            c->fd = fd;
            if (pthread_create(&c->thread, NULL, mock_serve, c) != 0)
                abort();
        }
        pthread_mutex_unlock(&m->lock);
        if (full) {
            close(fd);
            return NULL;
        }
    }
}

static inline void mock_listen(struct mock *m)
{
    struct sockaddr_in in = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)m->port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(in);

    m->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(m->listener, (struct sockaddr *)&in, len), 0);
    assert_int_equal(listen(m->listener, 16), 0);
    assert_int_equal(getsockname(m->listener, (struct sockaddr *)&in, &len), 0);
    m->port = ntohs(in.sin_port);
}

static inline void mock_begin(struct mock *m)
{
    pthread_mutex_init(&m->lock, NULL);
    mock_listen(m);
    assert_int_equal(pthread_create(&m->thread, NULL, mock_accept, m), 0);
}

/* It is gone, with all of its connections. */
static inline void mock_end(struct mock *m)
{
    pthread_mutex_lock(&m->lock);
    bool stopped = m->stopped;
    m->stopped = true;
    pthread_mutex_unlock(&m->lock);
    if (stopped)
        return;
    shutdown(m->listener, SHUT_RDWR);
    pthread_join(m->thread, NULL);
    close(m->listener);
    for (int i = 0; i < m->n; i++) {
        shutdown(m->connections[i].fd, SHUT_RDWR);
        pthread_join(m->connections[i].thread, NULL);
        close(m->connections[i].fd);
    }
}

/* Say something to those who have subscribed. */
static inline void mock_push(struct mock *m, const char *text)
{
    pthread_mutex_lock(&m->lock);
    for (int i = 0; i < m->n; i++)
        if (m->connections[i].subscribed)
            send(m->connections[i].fd, text, strlen(text), MSG_NOSIGNAL);
    pthread_mutex_unlock(&m->lock);
}

static inline bool mock_was_asked(struct mock *m, const char *part)
{
    pthread_mutex_lock(&m->lock);
    bool was = strstr(m->asked, part);
    pthread_mutex_unlock(&m->lock);
    return was;
}

static inline void mock_expect_asked(struct mock *m, const char *part)
{
    int64_t until = patience();

    while (!mock_was_asked(m, part)) {
        assert_true(ws_now() < until);
        ws_sleep(1);
    }
}

/* "SUBSCRIBE channel" and the like.  Returns false for another command. */
static inline bool mock_subscribes(struct mock *m, const char *line, char *out,
                                   size_t cap)
{
    static const char *const commands[][2] = {
        { "SUBSCRIBE ", "subscribe" },
        { "SSUBSCRIBE ", "ssubscribe" },
        { "UNSUBSCRIBE ", "unsubscribe" },
        { "SUNSUBSCRIBE ", "sunsubscribe" },
    };

    for (size_t i = 0; i < COUNT(commands); i++) {
        size_t n = strlen(commands[i][0]);

        if (strncmp(line, commands[i][0], n) != 0)
            continue;
        m->now->subscribed = true;
        snprintf(out, cap, "*3\r\n$%zu\r\n%s\r\n$%zu\r\n%s\r\n:1\r\n",
                 strlen(commands[i][1]), commands[i][1], strlen(line + n),
                 line + n);
        return true;
    }
    return false;
}

#endif
