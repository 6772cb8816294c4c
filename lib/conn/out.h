/* SPDX-License-Identifier: MIT */

#ifndef WS_CONN_OUT_H
#define WS_CONN_OUT_H

#include "conn/conn.h"
#include "proto/frame.h"

/*
 * Bytes out, through a connection's one buffer.  All of it is for the holder of
 * the outbox's lock.
 */

/* How many bytes wait in it. */
static inline size_t ws__out_pending(const ws_conn *c)
{
    return c->w.out ? ws__buf_used(&c->w.out->buf) : 0;
}

/* Have one.  Returns 0 or -ENOMEM. */
int ws__out_have(ws_conn *c);

/* Drop what is in it, and give it back. */
void ws__out_give_back(ws_conn *c);

/* Append a frame to it that there is room for: make_header completes f by the
 * key that a client needs, and returns 0 or a negated errno. */
int ws__out_make_header(ws_conn *c, struct ws__frame *f);
void ws__out_header(struct ws__buf *out, const struct ws__frame *f);
void ws__out_payload(struct ws__buf *out, const struct ws__frame *f,
                     const void *data);

/* Send what can be sent without waiting.  Returns 0, -EAGAIN or the sticky
 * error. */
int ws__out_try(ws_conn *c);

/* Send the buffer, by the deadline.  Bytes of whole messages that were not sent
 * stay there.  Returns 0, WS_ERR_TIMEOUT or what ws__out_settle takes. */
int ws__out_send(ws_conn *c, int64_t deadline);

/*
 * Send the buffer and the tail.  The message begins mark bytes before the
 * buffer's end (0: it has begun already): while none of it is sent, a deadline
 * takes it back and leaves the connection as it was.  Returns as ws__out_send
 * does, WS_ERR_DEAD when it passed too late for that.
 */
int ws__out_send_with(ws_conn *c, int64_t deadline, size_t mark,
                      struct iovec *tail);

/* Let others run, if it is their turn. */
void ws__out_take_turns(void);

/* What ends all sending: 0, the sticky error or WS_ERR_CANCELED. */
static inline int ws__out_error(const ws_conn *c)
{
    int error = atomic_load(&c->w.error);

    return error == 0 && ws__conn_ended(c) ? WS_ERR_CANCELED : error;
}

/* An attempt to send has ended so: for good, or only this time.  Returns what a
 * caller is told. */
int ws__out_settle(ws_conn *c, int error);

/* A caller is told of the sticky error of writing, so it is the connection's, if
 * that has none yet.  What fails without a caller is left to the reader first: a
 * close frame of the peer's, that explains it, may have come before. */
void ws__out_tell(ws_conn *c);

/* Do those that are held back wait for too long? */
bool ws__out_is_late(const struct ws__outgoing *o);

#endif
