/* SPDX-License-Identifier: MIT */

#ifndef WS_CONN_CONN_H
#define WS_CONN_CONN_H

#include <stdatomic.h>

#include <silverback/conn.h>

#include "conn/entry.h"
#include "fiber/sync.h"
#include "fiber/wheel.h"
#include "io/stream.h"

struct ws__control_queue;
struct ws__extras;
struct ws__inbox;
struct ws__outqueue;
struct ws__sendbuf;
struct ws__setup;

/*
 * A connection that waits for its next message owns this struct and little
 * else: what a message needs on its way is borrowed (conn/inbox, conn/sendbuf),
 * and what most connections never need is made when it is asked for
 * (conn/extras, conn/control_queue).
 *
 * Who may touch what:
 *
 *   r          The reading fiber, of which there is one at a time; what is
 *              atomic in it, anyone.
 *   w          The holder of w.lock, the outbox's; what is atomic in it, anyone.
 *              The rules of its flags stand in conn/outbox.
 *   w.control_queue and what stands below w.control_lock: the holder of that.
 *              Nothing is waited for under that lock, so it may be taken under
 *              any other.
 *   extras     Made by anyone; the settings in it are the reading fiber's.
 *
 * References: the owner's, which ws_close gives up, or the fiber that lingers for
 * it; those of ws_ref; and the reading fiber's own, as long as it has promised to
 * send what waits in the buffer (conn/coalesce).  Who has one may do all that is
 * for anyone.  The last to go has the connection alone, and frees it: from any
 * thread, so what was borrowed goes back to that one's pools.
 */

/* The reading fiber's. */
struct ws__read_side {
    struct ws__inbox *inbox; /* NULL: nothing has come of a message */
    int64_t idle_since;      /* the last byte came; after a ping: that went */
    int error;               /* sticky: what every later read returns */
    bool heard : 1;          /* bytes came since idle_since was set */
    bool pinged : 1;         /* and a ping went since */
    bool parted : 1;    /* the peer's close frame came, and nothing behind it */
    bool by_turns : 1;  /* http/on_message's, until starved: a turn is a */
    bool turn_runs : 1; /* fiber's; one is under way; */
    bool missed : 1;    /* something happened since it last looked; */
    bool starved : 1;   /* it got no fiber: the alarm is to try again */
    bool in_handler : 1;  /* a control frame's handler is being called */
    atomic_bool inside;   /* of a read; */
    atomic_bool promised; /* the fiber that read last is to send something
                           * before it waits (conn/inbox) */
    atomic_bool waiting;
};

/* What waits to be sent, beside the bytes in the buffer. */
enum ws__due {
    WS__DUE_CONTROL = 1,  /* a slot of conn/control_queue is full */
    WS__DUE_MESSAGES = 2, /* conn/outqueue is to be looked at */
};

/* What anyone may switch, in a connection's switches. */
enum ws__switch {
    WS__COMPRESSES = 1,
    WS__COALESCES = 2, /* small answers may wait (conn/coalesce) */
    WS__TRACED = 4,    /* its frames are logged (conn/trace) */
};

/* The holder of lock's. */
struct ws__write_side {
    struct ws__sendbuf *sendbuf;           /* NULL: nothing waits to be sent */
    struct ws__outqueue *_Atomic outqueue; /* NULL: none; set once */
    struct ws__control_queue *control_queue; /* full slots; NULL: none is */
    atomic_int error;  /* sticky: set by the holder, the author at its end, or
                        * whoever finds no memory to be cut with */
    atomic_uint stuck; /* what the holder waits to send: bytes, as it began, if
                        * they can be counted here */
    struct ws__lock lock;
    atomic_uchar closing;  /* enum ws__closing, which only grows
                           * (conn/close_answer) */
    atomic_uchar keeping;  /* conn/close's */
    atomic_uchar switches; /* anyone's: enum ws__switch */
    atomic_bool unsent;
    atomic_bool wanted;
    atomic_bool waiting;
    atomic_schar level;
    uint8_t late;       /* batches in a row that waited too long */
    atomic_bool untold; /* error came without a caller: reading ends with it
                         * (conn/write_error) */

    /* The holder of control_lock's, as control_queue. */
    struct ws__lock control_lock;
    atomic_uchar due;  /* enum ws__due: what waits (conn/outbox) */
    bool ping_due : 1; /* slots that need no memory, */
    bool close_due : 1;
    uint16_t due_close_code; /* and what to say; 0: nothing */
};

/* http/on_message's: a function is called for what comes, and nobody reads in
 * between. */
struct ws__called {
    ws_message_fn fn;
    void *arg;
    struct ws__alarm alarm; /* of a deadline, or a ping; called for input,
                             * too */
};

struct ws_conn {
    struct ws__stream stream;
    atomic_uint refs;
    atomic_uchar end;            /* enum ws__end, which only grows (conn/end) */
    bool client : 1;             /* from the beginning on */
    bool deflates : 1;           /* likewise: permessage-deflate was agreed */
    _Atomic uint16_t close_code; /* by the reading fiber: ws_close_code */
    atomic_int error_code; /* the first final error's (conn/error); set once */
    uint32_t acked;        /* the reading fiber's: ws__stream_acked at the ping,
                            * or when it was last asked after that */
    _Atomic(struct ws__parker *) reading_fiber; /* by itself, at each read */
    struct ws__read_side r;
    struct ws__write_side w;
    const struct ws__extras *_Atomic extras; /* the usual ones, or its own,
                                              * which are set once */
    void *_Atomic user;
    struct ws__entry entry; /* among the listener's, if it has one */
    struct ws__called called;
};

static inline bool ws__is_on(const ws_conn *c, enum ws__switch which)
{
    return atomic_load_explicit(&c->w.switches, memory_order_relaxed) & which;
}

static inline void ws__switch_on(ws_conn *c, enum ws__switch which, bool on)
{
    if (on)
        atomic_fetch_or(&c->w.switches, (unsigned char)which);
    else
        atomic_fetch_and(&c->w.switches, (unsigned char)~which);
}

/* ws__stream_watch, with room for the connection over s: a block less of each. */
int ws__conn_watch(struct ws__stream *s);

/* A connection over s, which is taken, also when it fails: then NULL, and *err
 * says why.  If s is watched already, it is so by ws__conn_watch. */
ws_conn *ws__conn_new(const struct ws__stream *s, const struct ws__setup *setup,
                      ws_error *err);

#endif
