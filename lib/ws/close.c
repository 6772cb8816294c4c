/* SPDX-License-Identifier: MIT */

/*
 * Ending a connection.  Closing a socket with unread input makes the kernel
 * send a reset, which throws away what the peer has not read yet, our close
 * frame first.  So the socket is half-closed and drained for a while.
 */

#include <errno.h>

#include "fiber/sched.h"
#include "ws/read.h"
#include "ws/write.h"

enum {
    LINGER_MS = 2000,
    PASSED = 1, /* a deadline */
};

void ws_shutdown(ws_conn *c)
{
    unsigned char open = WS__OPEN;

    if (!c)
        return;
    atomic_compare_exchange_strong(&c->end, &open, WS__SHUT);
    ws__stream_break(&c->stream);
}

/* Read and drop some of what has come.  Returns false once nothing more can
 * come, or there is no memory to read it into. */
static bool drain(ws_conn *c)
{
    struct ws__pool *pool = &ws__pools_here()->read;
    struct ws__buf scratch = { 0 };

    if (ws__buf_lend(&scratch, pool) != 0)
        return false;
    ssize_t n = ws__stream_read(&c->stream, scratch.begin, pool->size);
    ws__buf_release(&scratch, pool);
    return n > 0 || n == -EAGAIN;
}

/* Its descriptor counts until then, and the end of a shutdown breaks it. */
static void let_go(ws_conn *c)
{
    if (c->entry.registry)
        ws__entry_closed(&c->entry);
    ws_unref(c);
}

/* Others that hold a reference keep the descriptor open. */
static void linger_until(ws_conn *c, int64_t deadline)
{
    bool more = true;

    while (more && ws_now() < deadline &&
           ws__stream_wait_read(&c->stream, deadline) == 0) {
        more = drain(c);
        ws__spend_message(); /* the peer may always have more */
    }
    if (more || atomic_load(&c->refs) > 1)
        ws__stream_break(&c->stream);
    let_go(c);
}

static void linger(void *conn)
{
    linger_until(conn, ws_after(LINGER_MS));
}

/* No event need follow what has come before. */
static void send_rest_and_linger(void *conn)
{
    ws_conn *c = conn;
    int64_t deadline = ws_after(LINGER_MS);

    ws__write_rest(c, deadline);
    c->stream.ops->half_close(&c->stream);
    c->stream.readable = true;
    linger_until(c, deadline);
}

/* Takes the reference. */
static void in_background(void (*fn)(void *conn), ws_conn *c)
{
    ws_fiber *f = ws_go(fn, c);

    if (!f)
        let_go(c);
    ws_detach(f);
}

/* Others that wait inside a call must come out of it.  They look at c->end after
 * they have said that they will wait, so one of the two is seen. */
static bool wake_others(ws_conn *c)
{
    if (!atomic_load(&c->r.waiting) && !atomic_load(&c->w.waiting))
        return false;
    ws__stream_break(&c->stream);
    return true;
}

void ws_close(ws_conn *c)
{
    if (!c)
        return;
    ws__write_pending(c);
    bool open = atomic_exchange(&c->end, WS__CLOSED) == WS__OPEN;
    bool broken = wake_others(c) || !open;
    ws__message_abandon(c);
    if (broken || atomic_load(&c->w.error) != 0) {
        let_go(c);
        return;
    }
    if (atomic_load(&c->w.unsent)) {
        in_background(send_rest_and_linger, c);
        return;
    }
    c->stream.ops->half_close(&c->stream);
    if (drain(c))
        in_background(linger, c);
    else
        let_go(c);
}

/* Read and drop until the peer's close frame is in. */
static int wait_for_close(ws_conn *c, int64_t deadline)
{
    int64_t before = atomic_load(&c->r.deadline);
    int error;

    ws_set_read_deadline(c, deadline);
    do
        error = ws__read_skip(c);
    while (error == 0);
    ws_set_read_deadline(c, before);
    return error == WS_ERR_CLOSED ? 0 : error;
}

int ws_finish(ws_conn *c, int code, const char *reason, int64_t deadline)
{
    if (!c || !ws__close_sendable(code))
        return WS_ERR_INVALID;
    int error = ws__write_close_by(c, code, reason, deadline);
    if (error == 0 || error == WS_ERR_CLOSE_SENT)
        return wait_for_close(c, deadline);
    /* There will be no answer then, but the peer's own may lie here. */
    int end = wait_for_close(c, PASSED);
    return end == WS_ERR_TIMEOUT ? error : end;
}
