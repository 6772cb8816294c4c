/* SPDX-License-Identifier: MIT */

#ifndef WS_CONN_INBOX_H
#define WS_CONN_INBOX_H

#include "base/buf.h"
#include "conn/conn.h"
#include "fiber/park.h"
#include "proto/reader.h"

/* What the reading fiber borrows from the first byte of a message until it waits
 * for the next one.  All of it is the reading fiber's. */
struct ws__inbox {
    ws_conn *conn;
    struct ws__reader reader;
    struct ws__buf in;    /* received, and not yet the reader's */
    bool by_pieces;       /* the message under way is read by ws_read */
    bool in_term;         /* ws_read_joined stands within a term, */
    size_t term_at;       /* here */
    uint64_t unbroken;    /* reads since there was last nothing to read */
    int64_t trim_at;      /* when to make do with less; 0: not yet */
    int64_t waits_since;  /* for the rest of a message; 0: it does not */
    uint64_t window_from; /* bytes of it that had come when the window began in
                           * which some must (conn/alive) */
    size_t unfinished;    /* so many of its bytes conn/unfinished has counted */

    /* Small messages of this fiber wait in the sendbuf: conn/coalesce; or its
     * last frame in the kernel: conn/close_answer.  While this is queued
     * (r.promised) it holds a reference, and the inbox is not given back. */
    struct ws__before before;
    bool parting; /* it is the latter */
};

static inline bool ws__inbox_has_promised(const ws_conn *c)
{
    return atomic_load_explicit(&c->r.promised, memory_order_relaxed);
}

/* By the reading fiber; it has kept its promise when it is false. */
static inline void ws__inbox_promise(ws_conn *c, bool promised)
{
    atomic_store_explicit(&c->r.promised, promised, memory_order_release);
}

/* Have one, from the caller's pools.  Returns 0 or -ENOMEM. */
int ws__inbox_borrow(ws_conn *c);

/* Give back what is empty, for the next connection finds it warm.  all: also
 * what was grown, or is larger than the message under way.  Returns whether there
 * is nothing left to give back. */
bool ws__inbox_trim(ws_conn *c, bool all);

/* Between messages: give back what was grown, bit by bit, in turns. */
void ws__inbox_shed(ws_conn *c);

/* Nothing more will be read: let go of what has come of a message. */
void ws__inbox_drop(ws_conn *c);

/* The same, and give it back: for the last reference. */
void ws__inbox_give_back(ws_conn *c);

#endif
