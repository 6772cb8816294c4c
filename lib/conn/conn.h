/* SPDX-License-Identifier: MIT */

#ifndef WS_CONN_CONN_H
#define WS_CONN_CONN_H

#include <stdatomic.h>

#include <silverback/conn.h>
#include <silverback/fiber.h>

#include "base/buf.h"
#include "conn/pools.h"
#include "conn/entry.h"
#include "conn/setup.h"
#include "fiber/park.h"
#include "fiber/sync.h"
#include "io/stream.h"
#include "proto/close.h"
#include "proto/deflate.h"
#include "proto/extension.h"
#include "proto/lookback.h"
#include "proto/reader.h"

/*
 * A connection that waits for its next message owns this struct and little
 * else: what a message needs on its way is borrowed, and what most connections
 * never need is made when it is asked for.
 */

/* What the reading fiber borrows from the first byte of a message until it
 * waits for the next one. */
struct ws__reading {
    ws_conn *conn;
    struct ws__reader reader;
    struct ws__buf in;
    bool by_pieces;           /* the message under way is read by ws_read */
    bool in_term;             /* ws_read_joined stands within a term, */
    size_t term_at;           /* here */
    uint64_t unbroken;        /* reads since there was last nothing to read */
    int64_t rest_at;          /* when to make do with less; 0: not yet */
    int64_t waits_since;      /* for the rest of a message; 0: it does not */
    uint64_t had;             /* bytes of it when reader.waited_ms was 0 */
    size_t held;              /* as counted by conn/held */
    struct ws__before before; /* sends what is held back, */
    bool queued;              /* and holds a reference, while it is queued */
};

/* What the holder of the lock borrows while there is something to be sent. */
struct ws__outgoing {
    struct ws__buf buf;  /* frames */
    uint64_t held_since; /* in ticks */
    unsigned held;       /* so many wait on purpose */
};

/* Control frames that the one who is writing sends next.  Only the newest pong
 * counts (RFC 6455, section 5.5.3). */
struct ws__answers {
    bool pong;
    uint8_t pong_len;
    char pong_data[WS__CONTROL_MAX];
    char reason[WS__REASON_MAX + 1]; /* of the close frame */
};

#define WS__READ_LIMIT (16 * 1024 * 1024)

/* What most connections do without. */
struct ws__extras {
    int64_t read_limit;
    size_t read_buffer_size; /* 0: the worker's are borrowed */
    size_t write_buffer_size;
    const ws_buffer_pool *write_buffer_pool; /* NULL: the library's */
    int write_timeout_ms;                    /* without progress; < 0: none */
    int ping_interval_ms;                    /* < 0: none */
    bool gives_up;                           /* a peer that answers no ping */
    int rate_window_ms;
    int64_t min_read_rate; /* bytes a second in each window; < 0: none */
    struct ws__deflate_params deflate;
    struct ws__lookback lookback; /* the reading fiber's */
    char *subprotocol;

    ws_control_fn on_ping;
    void *on_ping_arg;
    ws_control_fn on_pong;
    void *on_pong_arg;
    ws_close_fn on_close;
    void *on_close_arg;

    struct ws__lock turn; /* to write several frames, or compressed ones */
    _Atomic(struct ws__parker *) author; /* of the message in pieces */
    struct ws__buf piece;
    struct ws__deflate *piece_deflate;
    ws_type piece_type;
    bool piece_begun;                 /* its first frame was sent */
    struct ws__deflate *deflate_kept; /* if its window lives on */

    void *_Atomic names; /* struct names of conn.c */
    ws_error error;
    char close_reason[WS__REASON_MAX + 1];
};

/* What the reading fiber owns. */
struct ws__read_side {
    struct ws__reading *now; /* NULL between messages */
    int64_t idle_since;      /* nothing came; or, after the ping, it went */
    _Atomic int64_t deadline;
    int error;         /* sticky */
    bool heard;        /* bytes came since idle_since was set */
    bool pinged;       /* and a ping went since */
    bool only_present; /* reading does not wait */
    atomic_bool waiting;
};

/* What the holder of lock owns. */
struct ws__write_side {
    struct ws__lock lock; /* the outbox's, which see for the flags */
    struct ws__outgoing *out;
    _Atomic int64_t deadline;
    atomic_int error; /* sticky */
    atomic_bool close_sent;
    atomic_bool unsent;
    atomic_bool wanted;
    atomic_bool waiting;
    atomic_bool compress;
    atomic_schar level;
    atomic_bool coalesce;
    uint8_t late; /* answers in a row that waited too long */

    /* Whose lock is answers_lock. */
    atomic_bool answers_due;
    bool ping_due : 1;
    bool close_due : 1;
    uint16_t close_code; /* what to say; 0: nothing */
    struct ws__answers *answers;
    struct ws__lock answers_lock;
};

enum ws__end {
    WS__OPEN,
    WS__SHUT,   /* by ws_shutdown */
    WS__CLOSED, /* by ws_close */
};

struct ws_conn {
    struct ws__stream stream;
    atomic_uint refs;
    atomic_uchar end; /* enum ws__end */
    bool client : 1;
    bool deflates : 1; /* permessage-deflate was agreed */
    _Atomic uint16_t close_code;
    atomic_int error_code; /* the first final one; extras has words for it */
    uint32_t acked; /* by the peer, when its ping went; the reading fiber's */
    _Atomic(struct ws__parker *) reading_fiber;
    struct ws__read_side r;
    struct ws__write_side w;
    struct ws__extras *_Atomic extras; /* NULL: all as usual */
    void *_Atomic user;
    struct ws__entry entry; /* among the listener's, if it has one */
};

/* What servers and clients usually have. */
extern const struct ws__extras ws__usual[2]
    __attribute__((visibility("hidden")));

/* The connection's extras, or the usual ones, which nobody may change. */
static inline const struct ws__extras *ws__extras(const ws_conn *c)
{
    const struct ws__extras *x =
        atomic_load_explicit(&c->extras, memory_order_acquire);

    return x ? x : &ws__usual[c->client];
}

/* The connection's own; NULL when there is no memory. */
struct ws__extras *ws__extras_own(ws_conn *c);
void ws__extras_free(ws_conn *c);

/* Record the connection's first final error.  Returns code. */
int ws__conn_fail(ws_conn *c, int code, const char *fmt, ...) WS_PRINTF(3, 4);

/* The same for a close frame that has come; the words for it, which are seldom
 * read, are made then.  Returns WS_ERR_CLOSED. */
int ws__conn_closed(ws_conn *c);

/* The code for an operation that the transport failed: code, or
 * WS_ERR_CANCELED if this side broke it. */
int ws__conn_transport_error(ws_conn *c, int code);

static inline bool ws__conn_ended(const ws_conn *c)
{
    return atomic_load(&c->end) != WS__OPEN;
}

/* Give up all that waits to be written: for the last reference. */
void ws__write_fini(ws_conn *c);
void ws__read_fini(ws_conn *c);

/* Have what a message needs, borrowed from the caller's pools.  Returns 0 or
 * -ENOMEM. */
int ws__reading_begin(ws_conn *c);

/* What is empty goes back at once, for the next connection finds it warm.  all:
 * also what was grown, or is larger than the message under way.  Returns whether
 * there is nothing left to give back. */
bool ws__reading_rest(ws_conn *c, bool all);

/* Nothing more will be read: let go of what has come of a message. */
void ws__reading_drop(ws_conn *c);

/* Between messages: give back what was grown, bit by bit, in turns. */
void ws__reading_shed(ws_conn *c);

#endif
