/* SPDX-License-Identifier: MIT */

#include "http/input.h"

#include <errno.h>

#include "fiber/budget.h"
#include "fiber/limit.h"
#include "fiber/sched.h"

enum { READ_SIZE = 4096 };

int ws__input_await(struct ws__session *s, int64_t *deadline)
{
    bool first = !s->served;
    int limit = s->server->request_timeout_ms;

    if (ws__buf_used(&s->in) > 0) {
        *deadline = ws__limit_deadline(limit);
        return 0;
    }
    ws__buf_release(&s->in, NULL);
    bool open = ws__entry_idle(&s->entry, true);
    if (!open && !first)
        return WS_ERR_CANCELED;
    int64_t until =
        first ? s->first_by : ws__limit_deadline(s->server->idle_timeout_ms);
    if (!open)
        until = ws__earlier(until, s->fresh_until);
    int r = ws__stream_wait_read(&s->stream, until);
    ws__entry_idle(&s->entry, false);
    *deadline = first ? until : ws__limit_deadline(limit);
    return r;
}

static int input_make_room(struct ws__session *s)
{
    struct ws__buf *b = &s->in;
    size_t max = s->server->max_header_bytes;

    if (ws__buf_used(b) == 0)
        b->pos = b->last = b->begin;
    if (ws__buf_room(b) > 0)
        return 0;
    size_t n = ws__buf_used(b) == 0 ? READ_SIZE : 1;
    if (max < ws__buf_used(b) + n)
        max = ws__buf_used(b) + n;
    return ws__buf_reserve(b, n, max, NULL);
}

/* The deadline is looked at before the bytes: a peer that always has one more
 * must not put it off. */
static int input_wait(struct ws__session *s, int64_t deadline, bool first)
{
    ws__take_turns();
    if (!first && deadline != 0 && ws_now() >= deadline)
        return WS_ERR_TIMEOUT;
    return ws__stream_wait_read(&s->stream, deadline);
}

int ws__input_some(struct ws__session *s, int64_t deadline, bool first)
{
    int r = input_wait(s, deadline, first);

    if (r == 0)
        r = input_make_room(s);
    if (r != 0)
        return r;
    ssize_t n = ws__stream_read(&s->stream, s->in.last, ws__buf_room(&s->in));
    if (n > 0)
        s->in.last += n;
    return n > 0 || n == -EAGAIN ? 0 : n == 0 ? WS_ERR_EOF : (int)n;
}

int ws__input_more(struct ws__session *s, int64_t deadline, struct ws__fault *f)
{
    int r = ws__input_some(s, deadline, false);

    if (r == WS_ERR_TIMEOUT)
        return ws__fault_set(f, 408, "the request took too long");
    return r == -ENOMEM ? ws__fault_memory(f) : r;
}
