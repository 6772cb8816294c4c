/* SPDX-License-Identifier: MIT */

#ifndef WS_CONN_CLOSE_ANSWER_H
#define WS_CONN_CLOSE_ANSWER_H

#include "conn/conn.h"

/*
 * How far our side of the close handshake is.  A close frame of the peer's is
 * answered at once, or held: then messages are sent until the owner answers, or
 * until there was time enough, and whoever would write then answers instead.
 */
enum ws__closing {
    WS__NOT_CLOSING,
    WS__CLOSE_HELD, /* by the reading fiber: the peer waits for our close frame */
    WS__CLOSE_SENT, /* by the outbox's holder: nothing may follow it */
};

static inline bool ws__close_was_sent(const ws_conn *c)
{
    return atomic_load(&c->w.closing) == WS__CLOSE_SENT;
}

static inline void ws__close_is_sent(ws_conn *c)
{
    atomic_store(&c->w.closing, WS__CLOSE_SENT);
}

/* The peer's close frame is in.  Returns whether its answer is to wait.  For the
 * reading fiber. */
bool ws__close_answer_hold(ws_conn *c);

/* Send it now, if it waits.  From any thread. */
void ws__close_answer_give(ws_conn *c);

/* Send it at once.  If its owner's next step is to close, it leaves with the end
 * of the stream, in one packet.  For the reading fiber; code is the peer's. */
void ws__close_answer_at_once(ws_conn *c, int code);

/* That step: returns whether all was said and read, and the end is to follow now.
 * For the reading fiber. */
bool ws__close_answer_parts(ws_conn *c);

/* May a message be written, now that the handshake has begun?  Returns 0 or
 * WS_ERR_CLOSE_SENT. */
int ws__close_answer_check(ws_conn *c);

#endif
