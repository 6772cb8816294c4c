/* SPDX-License-Identifier: MIT */

#include "client/exchange.h"

#include <errno.h>

#include "fiber/budget.h"
#include "io/wait.h"

/* A buffer that holds HEAD_MAX bytes may be read into once more. */
enum { READ_SIZE = 4096, IN_MAX = WS__EXCHANGE_HEAD_MAX + READ_SIZE };

int ws__exchange_send(struct ws__exchange *x, const void *data, size_t n)
{
    const char *p = data;
    struct ws__stream *s = x->stream;

    while (n > 0) {
        const struct iovec v = { .iov_base = (char *)p, .iov_len = n };
        ssize_t sent = ws__stream_writev(s, &v, 1);

        if (sent == -EAGAIN) {
            int r = ws__wait_watched(s->fd, s->watch, s->write_events,
                                     x->deadline, x->cancel);
            if (r < 0)
                return r;
            continue;
        }
        if (sent < 0)
            return (int)sent;
        p += sent;
        n -= (size_t)sent;
    }
    return 0;
}

int ws__exchange_fill(struct ws__exchange *x)
{
    struct ws__stream *s = x->stream;
    int r = ws__buf_reserve(&x->in, READ_SIZE, IN_MAX, NULL);

    while (r >= 0) {
        ssize_t n = ws__stream_read(s, x->in.last, ws__buf_room(&x->in));
        if (n > 0) {
            x->in.last += n;
            ws__take_turns(); /* the peer may always have more */
            return 0;
        }
        if (n == 0)
            return WS_ERR_EOF;
        if (n != -EAGAIN)
            return (int)n;
        r = ws__wait_watched(s->fd, s->watch, s->read_events, x->deadline,
                             x->cancel);
    }
    return r;
}
