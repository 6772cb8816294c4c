/* SPDX-License-Identifier: MIT */

#include "io/stream.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>

#include "fiber/budget.h"
#include "fiber/sanitizers.h"
#include "fiber/sched.h"
#include "io/sock.h"
#include "io/wait.h"

enum {
    PASSED = 1, /* a deadline */
    VECTORS = 4,
};

/* The functions of libc are points where a thread may be canceled, which costs
 * them two atomic operations; but the sanitizers know only those. */
#if WS__SANITIZED

static ssize_t receive(int fd, void *p, size_t n)
{
    return recv(fd, p, n, MSG_DONTWAIT);
}

static ssize_t send_one(int fd, const void *p, size_t n, int flags)
{
    return send(fd, p, n, flags);
}

#else

static ssize_t receive(int fd, void *p, size_t n)
{
    return syscall(SYS_recvfrom, fd, p, n, MSG_DONTWAIT, NULL, NULL);
}

static ssize_t send_one(int fd, const void *p, size_t n, int flags)
{
    return syscall(SYS_sendto, fd, p, n, flags, NULL, 0);
}

#endif

static ssize_t socket_read(struct ws__stream *s, void *p, size_t n)
{
    ssize_t r;

    do
        r = receive(s->fd, p, n);
    while (r < 0 && errno == EINTR);
    ws__spend(WS__COST_READ);
    if (r < 0)
        return -errno;
    ws__spend_moved((size_t)r);
    return r;
}

size_t ws__stream_at_once = (size_t)256 * 1024;

/* Out of line, as send_first is: in it, their structs would give each send a
 * frame to make and to check. */
__attribute__((noinline)) static ssize_t send_many(int fd,
                                                   const struct iovec *v, int n,
                                                   int flags)
{
    struct msghdr m = { .msg_iov = (struct iovec *)v, .msg_iovlen = (size_t)n };

    return sendmsg(fd, &m, flags);
}

/* send(2) is a little cheaper than sendmsg(2), and the common case. */
static inline ssize_t send_all(struct ws__stream *s, const struct iovec *v,
                               int n, int more)
{
    int flags = MSG_DONTWAIT | MSG_NOSIGNAL | more;
    ssize_t r;

    do
        r = n == 1 ? send_one(s->fd, v->iov_base, v->iov_len, flags)
                   : send_many(s->fd, v, n, flags);
    while (r < 0 && errno == EINTR);
    ws__spend(WS__COST_WRITE);
    if (r < 0)
        return -errno;
    ws__spend_moved((size_t)r);
    return r;
}

static size_t length(const struct iovec *v, int n)
{
    size_t sum = 0;

    for (int i = 0; i < n; i++)
        sum += v[i].iov_len;
    return sum;
}

/* The first of them, as many as one call moves.  Returns how many vectors they take. */
static int cut_vectors(const struct iovec *v, int n,
                       struct iovec out[static VECTORS])
{
    size_t left = ws__stream_at_once;
    int i = 0;

    for (; i < n && i < VECTORS && left > 0; i++) {
        out[i] = v[i];
        if (out[i].iov_len > left)
            out[i].iov_len = left;
        left -= out[i].iov_len;
    }
    return i;
}

__attribute__((noinline)) static ssize_t send_first(struct ws__stream *s,
                                                    const struct iovec *v,
                                                    int n)
{
    struct iovec first[VECTORS];

    n = cut_vectors(v, n, first);
    return send_all(s, first, n, MSG_MORE);
}

/* Parts wake the peer once each, so there must be more than a few. */
static ssize_t socket_writev(struct ws__stream *s, const struct iovec *v, int n)
{
    if (length(v, n) > 4 * ws__stream_at_once + ws__stream_at_once / 2)
        return send_first(s, v, n);
    return send_all(s, v, n, s->follows ? MSG_MORE : 0);
}

static int socket_half_close(struct ws__stream *s)
{
    shutdown(s->fd, SHUT_WR);
    return 0;
}

static void socket_fini(struct ws__stream *s)
{
    ws__stream_unwatch(s);
    close(s->fd);
    s->fd = -1;
}

static const struct ws__stream_ops socket_ops = {
    .read = socket_read,
    .writev = socket_writev,
    .half_close = socket_half_close,
    .fini = socket_fini,
};

static struct ws__transport plain_socket = { &socket_ops };

void ws__stream_socket(struct ws__stream *s, int fd)
{
    *s = (struct ws__stream){
        .transport = &plain_socket,
        .fd = fd,
        .read_events = POLLIN,
        .write_events = POLLOUT,
    };
}

int ws__stream_watch(struct ws__stream *s, size_t room)
{
    return s->watch ? 0 : ws__watch_new(s->fd, false, room, &s->watch);
}

void ws__stream_unwatch(struct ws__stream *s)
{
    ws__watch_free(s->watch);
    s->watch = NULL;
}

ssize_t ws__stream_read(struct ws__stream *s, void *p, size_t n)
{
    n = n < ws__stream_at_once ? n : ws__stream_at_once;
    ssize_t r = s->transport->ops->read(s, p, n);

    s->readable = r > 0 && ((size_t)r == n || s->more);
    return r;
}

bool ws__stream_has_edges(const struct ws__stream *s)
{
    return s->watch && ws__watch_is_here(s->watch);
}

int ws__stream_wait(struct ws__stream *s, int events, int64_t deadline)
{
    return ws__wait_watched(s->fd, s->watch, events, deadline, NULL);
}

int ws__stream_wait_while(struct ws__stream *s, int events, int64_t deadline,
                          const struct ws__wait_key *keys, int n)
{
    return ws__wait_while(s->fd, s->watch, events, deadline, keys, n);
}

int ws__stream_wait_read(struct ws__stream *s, int64_t deadline)
{
    if (s->readable)
        return 0;

    int r = ws__stream_wait(s, s->read_events, deadline);
    if (r < 0)
        return r;
    s->readable = true;
    return 0;
}

bool ws__stream_has_room(struct ws__stream *s)
{
    return ws__stream_wait(s, s->write_events, PASSED) > 0;
}

/* A write of TLS may wait to read, and then another one may do the reading: that
 * ends the wait, too. */
int ws__stream_wait_write(struct ws__stream *s, int64_t deadline)
{
    int events = s->write_events;
    int r = ws__wait_watched(s->fd, s->watch, events, deadline,
                             events & POLLIN && s->transport->ops->again
                                 ? s->transport->ops->again(s)
                                 : NULL);

    return r < 0 && r != WS_ERR_CANCELED ? r : 0;
}

int ws__stream_unacked(const struct ws__stream *s)
{
    int n;

    return ioctl(s->fd, SIOCOUTQ, &n) == 0 ? n : 0;
}

void ws__stream_push(struct ws__stream *s)
{
    ws__nodelay(s->fd);
}

static bool is_local(int fd)
{
    int domain = 0;

    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain,
                      &(socklen_t){ sizeof(domain) }) == 0 &&
           domain == AF_UNIX;
}

/* What is on its way has room at the peer's; a local socket's is there already.
 * What cannot say what is on its way (qemu-user) has to wait for its end. */
static bool all_is_on_its_way(int fd)
{
    int n = 0; /* valgrind does not know that this is written to */

    if (ioctl(fd, SIOCOUTQNSD, &n) == 0)
        return n == 0;
    return is_local(fd) || (ioctl(fd, SIOCOUTQ, &n) == 0 && n == 0);
}

bool ws__stream_may_close(const struct ws__stream *s)
{
    return s->transport == &plain_socket && !s->readable &&
           all_is_on_its_way(s->fd);
}

/* Kernels that say less give a shorter struct. */
static bool tcp_acked(int fd, int64_t *n)
{
    struct tcp_info t;
    socklen_t len = sizeof(t);

    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &t, &len) != 0 ||
        len < offsetof(struct tcp_info, tcpi_bytes_received))
        return false;
    *n = (int64_t)t.tcpi_bytes_acked;
    return true;
}

int64_t ws__stream_acked(const struct ws__stream *s)
{
    int64_t n;

    return tcp_acked(s->fd, &n) ? n : -ws__stream_unacked(s);
}

/* There is room only once much has been taken: of a large buffer, a slow peer
 * takes that much in many times ms. */
int ws__stream_wait_progress(struct ws__stream *s, int64_t deadline, int ms)
{
    int64_t before, acked = ms < 0 ? 0 : ws__stream_acked(s);
    int r;

    if (ms < 0)
        return ws__stream_wait_write(s, deadline);
    do {
        r = ws__stream_wait_write(s, ws__earlier(deadline, ws_after(ms)));
        if (r != WS_ERR_TIMEOUT || (deadline != 0 && ws_now() >= deadline))
            return r;
        before = acked;
        acked = ws__stream_acked(s);
    } while (acked > before);
    return WS_ERR_DEAD;
}

ws_cert *ws__stream_cert(const struct ws__stream *s)
{
    return s->transport->ops->cert ? s->transport->ops->cert(s) : NULL;
}

const char *ws__stream_error(const struct ws__stream *s, int code)
{
    const char *reason =
        s->transport->ops->reason ? s->transport->ops->reason(s, code) : NULL;

    return reason ? reason : ws_strerror(code);
}

void ws__stream_break(struct ws__stream *s)
{
    shutdown(s->fd, SHUT_RDWR);
}

void ws__stream_end_reading(struct ws__stream *s)
{
    shutdown(s->fd, SHUT_RD);
}

static int write_all(struct ws__stream *s, const void *p, size_t n,
                     int64_t deadline, int ms)
{
    struct iovec v = { .iov_base = (void *)p, .iov_len = n };

    while (v.iov_len > 0) {
        ssize_t r = ws__stream_writev(s, &v, 1);

        if (r == -EAGAIN)
            r = ws__stream_wait_progress(s, deadline, ms);
        if (r < 0)
            return (int)r;
        v.iov_base = (char *)v.iov_base + r;
        v.iov_len -= (size_t)r;
        ws__take_turns(); /* the peer may always have room for more */
    }
    return 0;
}

int ws__stream_write(struct ws__stream *s, const void *p, size_t n,
                     int64_t deadline)
{
    return write_all(s, p, n, deadline, -1);
}

int ws__stream_write_large(struct ws__stream *s, const void *p, size_t n,
                           int ms)
{
    return write_all(s, p, n, 0, ms);
}
