/* SPDX-License-Identifier: MIT */

#ifndef TESTS_SCRIPTED_H
#define TESTS_SCRIPTED_H

#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <silverback/dial.h>

#include "proto/accept_key.h"

/* What a proxy hears before it says something. */
struct scripted_turn {
    size_t hear; /* so many bytes; 0: up to an empty line */
    const char *say;
    size_t say_len; /* 0: it is a string */
};

/*
 * A server that reads one request and answers with bytes from a script, in
 * which "$A" stands for the right Sec-WebSocket-Accept.  It is a thread at the
 * far end of a socketpair that scripted_connect, a dialer's hook, makes, or of
 * the connection that it accepts after scripted_listen; it ends when the client
 * closes its end, so scripted_end waits for that.
 *
 * With turns it is first the proxy that leads to this server, and nothing else
 * if there is no answer.
 */
struct scripted {
    const struct scripted_turn *turns; /* NULL: none; ended by {0} */
    uint8_t heard[2048];               /* in all turns */
    size_t heard_len;

    const char *answer;
    size_t len; /* send so much of it; 0: all, and these bytes: */
    const void *behind;
    size_t behind_len;
    bool by_byte;  /* the client reads a byte at a time */
    bool silent;   /* after the answer: do not end the stream */
    ws_event *set; /* after the answer: set this; may be NULL */
    /* Answer before the request is there, and then set this: the client finds
     * both at once. */
    ws_event *set_at_connect;

    bool called; /* the hook was, with: */
    char host[64];
    char port[8];
    char request[4096];
    bool listening;
    int listener;
    int fd;
    pthread_t thread;
};

/* Reads up to the empty line; less when the client gives up before. */
static void scripted_read_request(struct scripted *s)
{
    size_t n = 0;

    while (!strstr(s->request, "\r\n\r\n")) {
        ssize_t r = recv(s->fd, s->request + n, sizeof(s->request) - n - 1, 0);
        if (r <= 0)
            return;
        n += (size_t)r;
        s->request[n] = '\0';
    }
}

static void scripted_accept(const struct scripted *s,
                            char out[static WS__ACCEPT_LEN + 1])
{
    static const char field[] = "Sec-WebSocket-Key: ";
    const char *key = strstr(s->request, field);
    char copy[WS__KEY_LEN + 1] = "";

    if (key)
        memcpy(copy, key + strlen(field), WS__KEY_LEN);
    ws__accept_key(out, copy);
}

/* The answer, for free(). */
static char *scripted_answer(const struct scripted *s)
{
    char accept[WS__ACCEPT_LEN + 1];
    const char *mark = strstr(s->answer, "$A");
    char *answer = calloc(1, strlen(s->answer) + sizeof(accept));

    if (!mark)
        return strcpy(answer, s->answer);
    scripted_accept(s, accept);
    memcpy(answer, s->answer, (size_t)(mark - s->answer));
    strcat(strcat(answer, accept), mark + 2);
    return answer;
}

static void scripted_send(const struct scripted *s, const char *p, size_t n)
{
    size_t step = s->by_byte ? 1 : n;

    for (size_t sent = 0; sent < n; sent += step)
        if (send(s->fd, p + sent, step, MSG_NOSIGNAL) < 0)
            return;
}

static void scripted_send_answer(const struct scripted *s)
{
    char *answer = scripted_answer(s);

    scripted_send(s, answer, s->len ? s->len : strlen(answer));
    if (s->len == 0)
        scripted_send(s, s->behind, s->behind_len);
    free(answer);
}

static bool scripted_hear(struct scripted *s, size_t n)
{
    size_t begin = s->heard_len;

    for (;;) {
        size_t got = s->heard_len - begin;

        if (n > 0 ? got >= n
                  : got >= 4 &&
                        memcmp(s->heard + s->heard_len - 4, "\r\n\r\n", 4) == 0)
            return true;
        ssize_t r = recv(s->fd, s->heard + s->heard_len,
                         sizeof(s->heard) - s->heard_len, 0);
        if (r <= 0)
            return false;
        s->heard_len += (size_t)r;
    }
}

/* Returns false when the client has gone. */
static bool scripted_take_turns(struct scripted *s)
{
    for (const struct scripted_turn *t = s->turns; t && t->say; t++) {
        if (!scripted_hear(s, t->hear))
            return false;
        scripted_send(s, t->say, t->say_len ? t->say_len : strlen(t->say));
    }
    return true;
}

static void scripted_converse(struct scripted *s)
{
    if (!scripted_take_turns(s) || !s->answer)
        return;
    scripted_read_request(s);
    if (!s->set_at_connect)
        scripted_send_answer(s);
}

static void *scripted_run(void *arg)
{
    struct scripted *s = arg;
    char rest[256];

    if (s->listening) {
        s->fd = accept(s->listener, NULL, NULL);
        s->called = s->fd >= 0;
        if (!s->called)
            return NULL;
    }
    scripted_converse(s);
    if (s->set)
        ws_event_set(s->set);
    if (!s->silent)
        shutdown(s->fd, SHUT_WR);
    while (recv(s->fd, rest, sizeof(rest), 0) > 0)
        continue;
    close(s->fd);
    return NULL;
}

/* Records keep their bounds, so that a read gets one. */
static int scripted_connect(const char *host, const char *port,
                            int64_t deadline, void *arg)
{
    struct scripted *s = arg;
    int type = s->by_byte ? SOCK_SEQPACKET : SOCK_STREAM;
    int pair[2];

    (void)deadline;
    s->called = true;
    strncat(s->host, host, sizeof(s->host) - 1);
    strncat(s->port, port, sizeof(s->port) - 1);
    if (socketpair(AF_UNIX, type, 0, pair) != 0)
        abort();
    s->fd = pair[1];
    if (s->set_at_connect) {
        scripted_send_answer(s);
        ws_event_set(s->set_at_connect);
    }
    if (pthread_create(&s->thread, NULL, scripted_run, s) != 0)
        abort();
    return pair[0];
}

/* Returns the port of 127.0.0.1 where the script waits for a connection. */
static inline unsigned scripted_listen(struct scripted *s)
{
    struct sockaddr_in in = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

    s->listening = true;
    s->listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(s->listener, (struct sockaddr *)&in, sizeof(in)) != 0 ||
        listen(s->listener, 1) != 0 ||
        getsockname(s->listener, (struct sockaddr *)&in,
                    &(socklen_t){ sizeof(in) }) != 0 ||
        pthread_create(&s->thread, NULL, scripted_run, s) != 0)
        abort();
    return ntohs(in.sin_port);
}

/* Whoever waits for a connection that did not come stops. */
static inline void scripted_end(struct scripted *s)
{
    if (s->listening)
        shutdown(s->listener, SHUT_RD);
    if (s->listening || s->called)
        pthread_join(s->thread, NULL);
    if (s->listening)
        close(s->listener);
}

#endif
