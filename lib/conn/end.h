/* SPDX-License-Identifier: MIT */

#ifndef WS_CONN_END_H
#define WS_CONN_END_H

#include "conn/conn.h"

/* Whether a connection is over: rule 5 of conn/outbox. */
enum ws__end {
    WS__OPEN,
    WS__CUT,    /* by WS_SLOW_CLOSE: nothing more is read or written */
    WS__SHUT,   /* by ws_shutdown */
    WS__CLOSED, /* by ws_close */
};

static inline bool ws__conn_ended(const ws_conn *c)
{
    return atomic_load(&c->end) != WS__OPEN;
}

/* What calls return then. */
static inline int ws__conn_end_code(const ws_conn *c)
{
    return atomic_load(&c->end) == WS__CUT ? WS_ERR_SLOW : WS_ERR_CANCELED;
}

/* For whoever waits where ws__conn_end is to end it: begin says whether to wait
 * at all. */
static inline bool ws__wait_begins(ws_conn *c, atomic_bool *waiting)
{
    atomic_store(waiting, true);
    return !ws__conn_ended(c);
}

static inline void ws__wait_ends(atomic_bool *waiting)
{
    atomic_store_explicit(waiting, false, memory_order_release);
}

/* The connection ends so; whoever waits in it is woken.  From any thread.
 * Returns whether it was open, and nobody was waiting for the transport, which
 * is whole then. */
bool ws__conn_end(ws_conn *c, enum ws__end end);

/* It is cut, which leaves the transport as it is.  Who waits for input is to be
 * woken.  Returns false if it was over already. */
bool ws__conn_cut(ws_conn *c);

#endif
