/* SPDX-License-Identifier: MIT */

#ifndef WS_CONN_WRITE_ERROR_H
#define WS_CONN_WRITE_ERROR_H

#include "conn/close_answer.h"
#include "conn/conn.h"
#include "conn/end.h"

/*
 * What ends writing.  An attempt to send that fails sets the sticky error of
 * writing, at once; the connection's own (conn/error) is set when a caller is
 * told of it.  What fails without a caller, a control frame or a message that
 * waited, is left to the reader first: a close frame of the peer's, that explains
 * it, may have come before.  But it is told when it has read what is here: the
 * transport may be whole, where memory was wanting, and then the peer waits for
 * what it will not get, and the reader for the peer.
 */

/* What ends all sending: 0, the sticky error, or WS_ERR_CANCELED or WS_ERR_SLOW. */
static inline int ws__write_error(const ws_conn *c)
{
    int error = atomic_load(&c->w.error);

    return error == 0 && ws__conn_ended(c) ? ws__conn_end_code(c) : error;
}

/* A caller is told of the sticky error, so it is the connection's, if that has
 * none yet. */
void ws__write_tell(ws_conn *c);

/* What ends all writing: 0, the sticky error, WS_ERR_CANCELED, WS_ERR_SLOW or
 * WS_ERR_CLOSE_SENT.  The caller is told. */
static inline int ws__write_check(ws_conn *c)
{
    int error = ws__write_error(c);

    if (error != 0)
        ws__write_tell(c);
    else if (atomic_load(&c->w.closing) != WS__NOT_CLOSING)
        error = ws__close_answer_check(c);
    return error;
}

/* An attempt to send has ended so: for good, or only this time.  Returns what a
 * caller is told.  With the outbox's lock held. */
int ws__write_settle(ws_conn *c, int error);

/* The same without a caller. */
int ws__write_settle_untold(ws_conn *c, int error);

/* It has ended for good, without a caller and without the lock. */
void ws__write_fail_untold(ws_conn *c, int error);

#endif
