/* SPDX-License-Identifier: MIT */
/* How fast an echo server can be: one edge-triggered epoll, for each readiness
 * one recv() into a buffer that all connections share and one send() out of it,
 * and between them only the mask removed.  It checks nothing and knows no
 * messages, only whole frames: what it leaves out is what a library costs. */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "limit.h"
#include "limit_pack.h"
#include "limit_wire.h"

static const char usage[] =
    "usage: bench_limit [--deflate] [--tls] [--cast] PORT\n"
    "\n"
    "Echoes frames at ws://127.0.0.1:PORT/, and checks nothing.\n"
    "  --deflate  agree to permessage-deflate (by %s)\n"
    "  --tls      wss, with cert.pem and key.pem of the current folder\n"
    "  --cast     send each frame to all connections\n";

enum {
    EVENTS = 512,
    BUFFER = 256 * 1024,
    REQUEST = 4096,
    MASK = 4,
};

struct conn {
    int fd;
    bool open;
    size_t index; /* of those that are open; only with --cast */
    SSL *ssl;
    uint8_t *in; /* the beginning of a frame, or of the request */
    size_t in_len;
    size_t in_need; /* so much is the whole frame; 0: not known yet */
    size_t in_room;
    uint8_t *out; /* what could not be sent */
    size_t out_len;
};

static bool deflating, casting;
static struct conn **all; /* that are open; only with --cast */
static size_t all_count, all_room;
static SSL_CTX *tls;
static int epoll_fd;
static uint8_t *buffer;

static void enter(struct conn *c)
{
    if (all_count == all_room) {
        all_room = 2 * all_room + EVENTS;
        all = limit_need(realloc(all, all_room * sizeof(struct conn *)));
    }
    c->index = all_count++;
    all[c->index] = c;
}

static void leave(struct conn *c)
{
    all[c->index] = all[--all_count];
    all[c->index]->index = c->index;
}

static void drop(struct conn *c)
{
    if (casting && c->open)
        leave(c);
    SSL_free(c->ssl);
    close(c->fd);
    free(c->in);
    free(c->out);
    free(c);
}

/* Send what there is, and keep the rest. */
static void emit(struct conn *c, const uint8_t *p, size_t n)
{
    size_t done = c->out_len == 0 ? limit_put(c->fd, c->ssl, p, n) : 0;

    if (done == n)
        return;
    c->out = limit_need(realloc(c->out, c->out_len + n - done));
    memcpy(c->out + c->out_len, p + done, n - done);
    c->out_len += n - done;
}

/* Whether nothing is left. */
static bool flush(struct conn *c)
{
    size_t done;

    if (c->out_len == 0)
        return true;
    done = limit_put(c->fd, c->ssl, c->out, c->out_len);
    c->out_len -= done;
    memmove(c->out, c->out + done, c->out_len);
    return c->out_len == 0;
}

static void keep(struct conn *c, const uint8_t *p, size_t n, size_t room)
{
    if (c->in_room < room) {
        c->in = limit_need(realloc(c->in, room));
        c->in_room = room;
    }
    memmove(c->in, p, n);
    c->in_len = n;
}

/* What is left of the buffer is a cut frame: it gets memory of its own, into
 * which the rest will be received. */
static void keep_cut(struct conn *c, uint8_t *p, size_t n)
{
    struct limit_head h;

    c->in_need = 0;
    if (limit_head(&h, p, n)) {
        c->in_need = h.size + h.len;
        limit_unmask(p + h.size, p + h.size, n - h.size, &h, 0);
    }
    keep(c, p, n, c->in_need > 0 ? c->in_need : LIMIT_HEAD);
}

/* What has come together goes together; control frames go back alone. */
static void emit_all(struct conn *c, const uint8_t *p, size_t n)
{
    bool back = !casting || p[0] & 0x08;

    if (back)
        emit(c, p, n);
    for (size_t i = 0; !back && i < all_count; i++)
        emit(all[i], p, n);
}

static void on_frames(struct conn *c, uint8_t *p, size_t n)
{
    uint8_t *end = p + n;
    struct limit_head h;

    if (deflating) {
        struct limit_packed out = { 0 };

        for (; limit_whole(&h, p, end); p += h.size + h.len)
            limit_echo_packed(&out, p, &h);
        emit_all(c, out.data, out.len);
    } else {
        /* Each frame loses its mask key, the first one in front of it. */
        uint8_t *from = p + MASK, *to = from;

        for (; limit_whole(&h, p, end); p += h.size + h.len)
            to = limit_echo(to, p, &h);
        if (to > from)
            emit_all(c, from, (size_t)(to - from));
    }
    if (p < end)
        keep_cut(c, p, (size_t)(end - p));
}

/* A frame that came in parts is complete, and unmasked. */
static void on_kept(struct conn *c)
{
    struct limit_head h;
    struct limit_packed out = { 0 };

    limit_head(&h, c->in, c->in_len);
    c->in_len = c->in_need = 0;
    if (deflating) {
        memset(h.key, 0, sizeof(h.key));
        limit_echo_packed(&out, c->in, &h);
        emit_all(c, out.data, out.len);
        return;
    }
    c->in[1] &= 0x7f;
    memmove(c->in + MASK, c->in, h.size - MASK);
    emit_all(c, c->in + MASK, h.size - MASK + h.len);
}

/* Whether it may become an upgrade. */
static bool on_request(struct conn *c, uint8_t *p, size_t n)
{
    char head[LIMIT_ANSWER];

    if (n >= REQUEST)
        return false;
    p[n] = '\0';
    if (!strstr((char *)p, "\r\n\r\n")) {
        keep(c, p, n, REQUEST);
        return true;
    }
    c->open = limit_answer(head, (char *)p, deflating);
    if (!c->open)
        return false;
    emit(c, (uint8_t *)head, strlen(head));
    if (casting)
        enter(c);
    return true;
}

/* Read once, and echo what is whole.  Returns as limit_get(). */
static ssize_t step(struct conn *c, size_t *asked)
{
    size_t had = c->in_len;
    ssize_t n;

    if (c->in_need > 0) {
        struct limit_head h;

        *asked = c->in_need - had;
        n = limit_get(c->fd, c->ssl, c->in + had, *asked);
        if (n <= 0)
            return n;
        limit_head(&h, c->in, had);
        limit_unmask(c->in + had, c->in + had, (size_t)n, &h, had - h.size);
        c->in_len += (size_t)n;
        if (c->in_len == c->in_need)
            on_kept(c);
        return n;
    }

    *asked = BUFFER - had;
    if (had > 0)
        memcpy(buffer, c->in, had);
    n = limit_get(c->fd, c->ssl, buffer + had, *asked);
    if (n <= 0)
        return n;
    c->in_len = 0;
    if (c->open)
        on_frames(c, buffer, had + (size_t)n);
    else if (!on_request(c, buffer, had + (size_t)n))
        return 0;
    return n;
}

static void see_to(struct conn *c, bool hung_up)
{
    size_t asked = 0;

    while (flush(c)) {
        ssize_t n = step(c, &asked);

        if (n == 0) {
            drop(c);
            return;
        }
        if (n < 0 || ((size_t)n < asked && !hung_up))
            return;
    }
    if (hung_up)
        drop(c); /* nobody reads what is left */
}

static void watch(int fd, void *what, uint32_t events)
{
    struct epoll_event e = { .events = events, .data.ptr = what };

    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &e) != 0)
        limit_fail("epoll_ctl", strerror(errno));
}

static void accept_all(int listener)
{
    int fd, one = 1;

    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct conn *c = limit_need(calloc(1, sizeof(*c)));

        c->fd = fd;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        if (tls) {
            c->ssl = limit_need(SSL_new(tls));
            SSL_set_fd(c->ssl, fd);
            SSL_set_accept_state(c->ssl);
        }
        watch(fd, c, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
    }
}

static void serve(int listener)
{
    struct epoll_event events[EVENTS];

    for (;;) {
        int n = epoll_wait(epoll_fd, events, EVENTS, -1);

        for (int i = 0; i < n; i++)
            if (events[i].data.ptr)
                see_to(events[i].data.ptr,
                       events[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR));
            else
                accept_all(listener);
    }
}

int main(int argc, char **argv)
{
    struct rlimit r;
    int port = 0;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--deflate") == 0)
            deflating = true;
        else if (strcmp(argv[i], "--tls") == 0)
            tls = limit_tls();
        else if (strcmp(argv[i], "--cast") == 0)
            casting = true;
        else
            port = atoi(argv[i]);
    }
    if (port <= 0 || port > 65535) {
        fprintf(stderr, usage, limit_packer);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    getrlimit(RLIMIT_NOFILE, &r);
    r.rlim_cur = r.rlim_max;
    setrlimit(RLIMIT_NOFILE, &r);
    buffer = limit_need(malloc(BUFFER + MASK));
    epoll_fd = epoll_create1(0);

    int listener = limit_listen(port);

    watch(listener, NULL, EPOLLIN);
    serve(listener);
}
