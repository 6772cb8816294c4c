/* SPDX-License-Identifier: MIT */

#ifndef TESTS_PAIR_H
#define TESTS_PAIR_H

/* A connection over a socketpair, and at its other end either another one or
 * the test itself, which says and sees every byte. */

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <silverback.h>

#include "base/endian.h"
#include "io/sock.h"
#include "proto/frame.h"
#include "proto/mask.h"
#include "test.h"
#include "conn/conn.h"
#include "conn/setup.h"

enum {
    FIN = 0x80,
    RSV1 = 0x40,

    /* Long enough for a loaded machine; no test waits for it. */
    PATIENCE_MS = 20 * 1000,
};

static inline int64_t patience(void)
{
    return ws_after(PATIENCE_MS);
}

/* By the whole process. */
static inline uint64_t counted(enum ws_counter what)
{
    uint64_t counts[WS_COUNTERS];

    assert_int_equal(ws_stats(NULL, counts, WS_COUNTERS), 0);
    return counts[what];
}

/* Until another one has set it. */
static inline void await(const atomic_bool *flag)
{
    int64_t limit = patience();

    while (!atomic_load(flag)) {
        assert_true(ws_now() < limit);
        ws_yield();
    }
}

static inline void make_pair(int fds[2])
{
    const struct timeval limit = { .tv_sec = PATIENCE_MS / 1000 };

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds),
                     0);
    setsockopt(fds[1], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(fds[1], SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

static inline void make_tcp_pair(int fds[2])
{
    struct sockaddr_in in = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(in);
    int l = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    fds[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(l, (struct sockaddr *)&in, len), 0);
    assert_int_equal(listen(l, 1), 0);
    assert_int_equal(getsockname(l, (struct sockaddr *)&in, &len), 0);
    assert_int_equal(connect(fds[1], (struct sockaddr *)&in, len), 0);
    fds[0] = accept(l, NULL, NULL);
    assert_true(fds[0] >= 0);
    close(l);
}

static inline ws_conn *adopt(int fd, const ws_adoption *a)
{
    ws_error err;
    ws_conn *c = ws_adopt(fd, a, &err);

    if (!c)
        fail_msg("%s", err.text);
    return c;
}

/* A connection whose other end is *raw. */
static inline ws_conn *with_raw(int *raw, const ws_adoption *a)
{
    int fds[2];

    make_pair(fds);
    *raw = fds[1];
    return adopt(fds[0], a);
}

/* A connection with all that a handshake may decide. */
static inline ws_conn *set_up(int fd, const struct ws__setup *setup)
{
    struct ws__stream s;
    ws_error err = { 0 };

    ws__nonblocking(fd);
    ws__stream_socket(&s, fd);
    ws_conn *c = ws__conn_new(&s, setup, &err);
    if (!c)
        fail_msg("%s", err.text);
    return c;
}

/* A server's and a client's end. */
static inline void both(ws_conn **server, ws_conn **client, bool compression)
{
    int fds[2];

    make_pair(fds);
    *server = adopt(fds[0], &(ws_adoption){ .compression = compression });
    *client = adopt(
        fds[1], &(ws_adoption){ .client = true, .compression = compression });
}

/* At least a byte, or -1.  Others may run meanwhile. */
static inline ssize_t say_some(int raw, const void *p, size_t n)
{
    const int flags = MSG_NOSIGNAL | MSG_DONTWAIT;
    ssize_t r = send(raw, p, n, flags);

    while (r < 0 && errno == EAGAIN && ws_wait_fd(raw, POLLOUT, patience()) > 0)
        r = send(raw, p, n, flags);
    return r;
}

static inline void say(int raw, const void *p, size_t n)
{
    while (n > 0) {
        ssize_t r = say_some(raw, p, n);
        assert_true(r > 0);
        p = (const char *)p + r;
        n -= (size_t)r;
    }
}

/* A frame's bytes, masked as a client's unless told otherwise.  Returns their
 * number. */
static inline size_t make_frame(uint8_t *out, uint8_t first, bool masked,
                                const void *payload, size_t n)
{
    struct ws__frame f = { .opcode = first & 0xf,
                           .fin = first & FIN,
                           .rsv1 = first & RSV1,
                           .masked = masked,
                           .key = { 1, 2, 3, 4 },
                           .len = n };
    size_t size = ws__frame_encode(&f, out);

    memcpy(out + size, payload, n);
    if (masked)
        ws__mask_scalar(out + size, n, f.key, 0);
    return size + n;
}

static inline void say_frame(int raw, uint8_t first, bool masked,
                             const void *payload, size_t n)
{
    uint8_t *bytes = malloc(n + WS__FRAME_HEADER_MAX);

    assert_non_null(bytes);
    say(raw, bytes, make_frame(bytes, first, masked, payload, n));
    free(bytes);
}

/* What a client says. */
static inline void say_text(int raw, const char *text)
{
    say_frame(raw, FIN | WS_TEXT, true, text, strlen(text));
}

/* At least a byte, 0 at the end, or -1.  Others may run meanwhile. */
static inline ssize_t hear_some(int raw, void *p, size_t n)
{
    if (ws_wait_fd(raw, POLLIN, patience()) < 0)
        return -1;
    return recv(raw, p, n, MSG_DONTWAIT);
}

static inline bool hear_n(int raw, void *p, size_t n)
{
    for (size_t at = 0; at < n;) {
        ssize_t r = hear_some(raw, (char *)p + at, n - at);
        if (r <= 0)
            return false;
        at += (size_t)r;
    }
    return true;
}

struct heard {
    struct ws__frame f;
    uint8_t first;
    char *payload; /* the caller's to free */
};

/* The next frame, unmasked.  Returns false when there is none. */
static inline bool hear_frame(int raw, struct heard *h)
{
    uint8_t head[WS__FRAME_HEADER_MAX];
    size_t n = 0;
    int size = 0;

    while (size == 0) {
        if (!hear_n(raw, head + n, 1))
            return false;
        size = ws__frame_decode(&h->f, head, ++n);
    }
    assert_true(size > 0);
    h->first = head[0];
    h->payload = calloc(1, (size_t)h->f.len + 1);
    assert_non_null(h->payload);
    if (!hear_n(raw, h->payload, (size_t)h->f.len))
        return false;
    if (h->f.masked)
        ws__mask_scalar((uint8_t *)h->payload, (size_t)h->f.len, h->f.key, 0);
    return true;
}

/* The next frame is this text. */
static inline void hear_text(int raw, const char *text)
{
    struct heard h;

    assert_true(hear_frame(raw, &h));
    assert_int_equal(h.first, FIN | WS_TEXT);
    assert_string_equal(h.payload, text);
    free(h.payload);
}

/* The next frame is a close frame with this code (0: without one). */
static inline void hear_close(int raw, int code)
{
    struct heard h;

    assert_true(hear_frame(raw, &h));
    assert_int_equal(h.first, FIN | WS_CLOSE);
    if (code == 0)
        assert_int_equal(h.f.len, 0);
    else
        assert_int_equal(load_be((const uint8_t *)h.payload, 2), code);
    free(h.payload);
}

/* The end is next, and no reset. */
static inline void hear_end(int raw)
{
    char byte;

    assert_int_equal(hear_some(raw, &byte, 1), 0);
}

/* Whatever there is, and the end, which may be a reset. */
static inline void hear_to_the_end(int raw)
{
    char some[4096];
    ssize_t n;

    while ((n = hear_some(raw, some, sizeof(some))) > 0)
        continue;
    assert_true(n == 0 || errno == ECONNRESET);
}

/* How many bytes lie ready. */
static inline int ready(int raw)
{
    int n = -1;

    ioctl(raw, FIONREAD, &n);
    return n;
}

/* n bytes of text that repeat themselves neither much nor never. */
static inline char *make_text(size_t n)
{
    char *p = malloc(n + 1);

    assert_non_null(p);
    for (size_t i = 0; i < n; i++)
        p[i] = (char)('a' + (i * i / 7 + i / 300) % 26);
    p[n] = '\0';
    return p;
}

#endif
