/* SPDX-License-Identifier: MIT */

#ifndef WS_WS_CONN_H
#define WS_WS_CONN_H

#include <stdatomic.h>

#include <silverback/conn.h>
#include <silverback/fiber.h>

#include "base/buf.h"
#include "fiber/park.h"
#include "io/stream.h"
#include "proto/close.h"
#include "proto/deflate.h"
#include "proto/extension.h"
#include "proto/reader.h"
#include "ws/pools.h"
#include "ws/setup.h"

/* Control frames that the one who is writing sends next.  Only the newest pong
 * counts (RFC 6455, section 5.5.3). */
struct ws__answers {
    ws_mutex lock;
    atomic_bool any;
    bool ping;
    bool pong;
    bool close;
    uint8_t pong_len;
    uint8_t close_len;
    uint8_t pong_data[WS__CONTROL_MAX];
    uint8_t close_data[WS__CONTROL_MAX];
};

/* What the reading fiber owns. */
struct ws__reading {
    struct ws__reader reader;
    struct ws__buf in;
    size_t buffer_size; /* of in, if it is the connection's own; else 0 */
    int error;          /* sticky */
    bool by_pieces;     /* the message under way is read by ws_read */
    bool in_term;       /* by ws_read_joined: it is done with, */
    size_t term_at;     /* and so much of what follows it was given out */
    bool heard;         /* bytes came since idle_since was set */
    uint64_t unbroken;  /* reads since there was last nothing to read */
    bool pinged;        /* and a ping went since */
    int64_t idle_since;
    int ping_interval_ms; /* < 0: none */
    _Atomic int64_t deadline;
    atomic_bool waiting;
};

/* What the holder of lock owns. */
struct ws__writing {
    ws_mutex message; /* held for a message of several frames, or compressed */
    ws_mutex lock;    /* and this one for a frame */
    _Atomic(struct ws__parker *) author; /* of the message in pieces */
    struct ws__buf out;                  /* frames that are not yet sent */
    const ws_buffer_pool *pool;          /* out's, if not the library's */
    size_t buffer_size;
    struct ws__deflate *deflate; /* if its window lives on */
    struct ws__answers answers;
    atomic_int error; /* sticky */
    atomic_bool close_sent;
    atomic_bool unsent; /* out was left with bytes that could not be sent */
    atomic_bool waiting;
    _Atomic int64_t deadline;
    int timeout_ms; /* without progress; < 0: none */
    atomic_bool compress;
    atomic_int level;

    /* The message in pieces. */
    struct ws__buf piece;
    struct ws__deflate *piece_deflate;
    ws_type piece_type;
    bool piece_begun; /* its first frame was sent */

    /* Small answers held back. */
    bool held;                /* out waits on purpose */
    uint64_t held_since;      /* in ticks */
    unsigned late;            /* answers in a row that waited too long */
    struct ws__before before; /* the reading fiber's: sends them, */
    bool queued;              /* and holds a reference, while it is queued */
    atomic_bool coalesce;
};

enum ws__end {
    WS__OPEN,
    WS__SHUT,   /* by ws_shutdown */
    WS__CLOSED, /* by ws_close */
};

struct ws_conn {
    struct ws__stream stream;
    bool client;
    struct ws__deflate_params deflate;
    atomic_uint refs;
    atomic_int end; /* enum ws__end */
    _Atomic(struct ws__parker *) reading_fiber;

    struct ws__reading r;
    struct ws__writing w;

    char *subprotocol;
    void *_Atomic names; /* struct names of conn.c, made when asked for */
    void *_Atomic user;
    void (*closed)(ws_conn *c, void *arg);
    void *closed_arg;

    ws_control_fn on_ping;
    void *on_ping_arg;
    ws_control_fn on_pong;
    void *on_pong_arg;
    ws_close_fn on_close;
    void *on_close_arg;

    atomic_int error_state; /* 0 none, 1 being written, 2 there */
    ws_error error;
    atomic_int close_code;
    char close_reason[WS__REASON_MAX + 1];
};

/* Record the connection's first final error.  Returns code. */
int ws__conn_fail(ws_conn *c, int code, const char *fmt, ...) WS_PRINTF(3, 4);

/* The code for an operation that the transport failed: code, or
 * WS_ERR_CANCELED if this side broke it. */
int ws__conn_transport_error(ws_conn *c, int code);

bool ws__conn_ended(const ws_conn *c);

/* Give up all that waits to be written: for the last reference. */
void ws__write_fini(ws_conn *c);
void ws__read_fini(ws_conn *c);

/* Have the reader borrow from the caller's pools. */
void ws__read_pools(ws_conn *c);

#endif
