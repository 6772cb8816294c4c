/* SPDX-License-Identifier: MIT */

#include "io/preface.h"

#include <errno.h>
#include <sys/socket.h>

#include "fiber/budget.h"
#include "fiber/sched.h"

static ssize_t preface_receive(int fd, void *p, size_t n, int flags)
{
    ssize_t r;

    do
        r = recv(fd, p, n, flags | MSG_DONTWAIT);
    while (r < 0 && errno == EINTR);
    ws__spend(WS__COST_READ);
    if (r == 0)
        return WS_ERR_EOF;
    return r < 0 ? -errno : r;
}

/* Look first, and take what belongs to it: all, as long as there is no end.
 * Returns its length, 0 if that is not all, or a negative code. */
static int take_preface(struct ws__stream *s, char *room, size_t cap,
                        size_t *have, ws__preface_fn fn, void *arg)
{
    if (*have == cap)
        return -EMSGSIZE;
    ssize_t seen = preface_receive(s->fd, room + *have, cap - *have, MSG_PEEK);
    if (seen < 0)
        return (int)seen;
    int len = fn(arg, room, *have + (size_t)seen);
    if (len < 0)
        return len;
    size_t take = len > 0 ? (size_t)len - *have : (size_t)seen;
    ssize_t taken = preface_receive(s->fd, room + *have, take, 0);
    if (taken < 0)
        return (int)taken;
    *have += (size_t)taken;
    return len;
}

int ws__preface_read(struct ws__stream *s, void *room, size_t cap,
                     int64_t deadline, ws__preface_fn fn, void *arg)
{
    size_t have = 0;
    int r;

    do {
        ws__take_turns(); /* the peer may always have one byte more */
        r = take_preface(s, room, cap, &have, fn, arg);
        s->readable = r != -EAGAIN;
        if (r == -EAGAIN)
            r = ws__stream_wait_read(s, deadline);
        if (r == 0 && deadline != 0 && ws_now() >= deadline)
            r = WS_ERR_TIMEOUT;
    } while (r == 0);
    return r;
}
