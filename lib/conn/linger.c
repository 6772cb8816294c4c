/* SPDX-License-Identifier: MIT */

/*
 * Closing a socket with unread input makes the kernel send a reset, which throws
 * away what the peer has not read yet, our close frame first.  So the socket is
 * half-closed, and drained as long as the peer goes on taking what was sent: to
 * take is to acknowledge, since what a slow peer says meanwhile is no end of it.
 */

#include "conn/linger.h"

#include <errno.h>

#include "base/buf.h"
#include "conn/outbox.h"
#include "conn/pools.h"
#include "fiber/budget.h"

atomic_int ws__linger_quiet_ms = 2000;

enum {
    LOOKS = 4,  /* how often to look, within that */
    PASSED = 1, /* a deadline */
};

/* Read and drop some of what has come.  Returns whether that was the end, which
 * having no memory to read into is, too. */
static bool linger_drain(struct ws__stream *s)
{
    struct ws__pool *pool = &ws__pools_here()->large;
    struct ws__buf scratch = { 0 };

    if (ws__buf_lend(&scratch, pool) != 0)
        return true;
    ssize_t n = ws__stream_read(s, scratch.begin, pool->size);
    ws__buf_release(&scratch, pool);
    return n <= 0 && n != -EAGAIN;
}

/* Poll always tells of that.  What such a peer has not acknowledged it never
 * will. */
static bool is_gone(struct ws__stream *s)
{
    return ws__stream_wait(s, 0, PASSED) > 0;
}

/* Where reading was ended, too, what comes after the end of the stream is
 * answered by a reset: so an idle one ends when it has nothing to lose. */
static bool may_end(const struct ws__linger *l)
{
    return !l->idle || ws__stream_unacked(l->stream) == 0 || is_gone(l->stream);
}

bool ws__linger_step(struct ws__linger *l)
{
    if (!l->said && may_end(l)) {
        l->rest = l->conn ? ws__outbox_send_rest(l->conn) : 0;
        l->said = l->rest == 0 && ws__stream_half_close(l->stream) == 0;
    }
    if (!l->ended)
        l->ended = linger_drain(l->stream);
    return l->said && (l->ended || l->idle);
}

/* Grows as the peer takes more, whether it is the kernel that has it or we. */
static int64_t taken(const struct ws__linger *l)
{
    return ws__stream_acked(l->stream) - (int64_t)l->rest;
}

static void wait_for_more(struct ws__linger *l)
{
    struct ws__stream *s = l->stream;
    int events = l->ended ? 0 : s->read_events;
    int64_t look = ws_after(ws__linger_quiet_ms / LOOKS);

    if (!l->said && may_end(l))
        events |= s->write_events;
    if (l->ended || !s->readable)
        (void)ws__stream_wait(
            s, events, l->until != 0 && l->until < look ? l->until : look);
}

void ws__linger(struct ws__linger *l)
{
    int64_t before = INT64_MIN, quiet = 0;

    while (!ws__linger_step(l)) {
        int64_t now = ws_now(), n = taken(l);

        if (n > before)
            quiet = now + ws__linger_quiet_ms;
        before = n;
        if (now >= quiet || (l->until != 0 && now >= l->until))
            return;
        wait_for_more(l);
        ws__take_turns(); /* the peer may always have more */
    }
}
