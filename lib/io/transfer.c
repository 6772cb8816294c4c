/* SPDX-License-Identifier: MIT */

/* Bytes through descriptors of others. */

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fiber/budget.h"
#include "fiber/sync.h"
#include "io/stream.h"
#include "io/wait.h"

static size_t at_once(size_t n)
{
    return n < ws__stream_at_once ? n : ws__stream_at_once;
}

/* What a system call returned, and what it cost. */
static ssize_t moved(ssize_t r, int cost)
{
    if (r < 0)
        return -errno;
    ws__spend(cost);
    ws__spend_moved((size_t)r);
    return r;
}

static ssize_t read_some(int fd, void *buf, size_t n)
{
    ssize_t r;

    do {
        r = recv(fd, buf, at_once(n), MSG_DONTWAIT);
        if (r < 0 && errno == ENOTSOCK)
            r = read(fd, buf, at_once(n));
    } while (r < 0 && errno == EINTR);
    return moved(r, WS__COST_READ);
}

static ssize_t write_some(int fd, const void *data, size_t n)
{
    ssize_t r;

    do {
        r = send(fd, data, at_once(n), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (r < 0 && errno == ENOTSOCK)
            r = write(fd, data, at_once(n));
    } while (r < 0 && errno == EINTR);
    return moved(r, WS__COST_WRITE);
}

/* Before each call, so that a peer which always has more does not put it off. */
static bool is_canceled(const ws_event *cancel)
{
    ws__take_turns();
    return cancel && ws_event_is_set(cancel);
}

ptrdiff_t ws_read_fd(int fd, void *buf, size_t n, int64_t deadline,
                     ws_event *cancel)
{
    ssize_t r;

    if (!buf || n == 0)
        return WS_ERR_INVALID;
    if (is_canceled(cancel))
        return WS_ERR_CANCELED;
    while ((r = read_some(fd, buf, n)) == -EAGAIN) {
        r = ws__wait(fd, POLLIN, deadline, cancel);
        if (r < 0)
            break;
    }
    return r;
}

int ws_write_fd(int fd, const void *data, size_t n, int64_t deadline,
                ws_event *cancel)
{
    const char *p = data;

    if (!data && n > 0)
        return WS_ERR_INVALID;
    while (n > 0) {
        if (is_canceled(cancel))
            return WS_ERR_CANCELED;
        ssize_t r = write_some(fd, p, n);
        if (r > 0) {
            p += r;
            n -= (size_t)r;
            continue;
        }
        if (r == -EAGAIN)
            r = ws__wait(fd, POLLOUT, deadline, cancel);
        if (r < 0)
            return (int)r;
    }
    return 0;
}
