/* SPDX-License-Identifier: MIT */

#ifndef WS_CONN_EXTRAS_H
#define WS_CONN_EXTRAS_H

#include "base/buf.h"
#include "conn/conn.h"
#include "proto/close.h"
#include "proto/deflate.h"
#include "proto/extension.h"
#include "proto/lookback.h"

struct ws__addresses;
struct ws__share;
struct ws__words;

#define WS__READ_LIMIT (16 * 1024 * 1024)

/* What most connections do without. */
struct ws__extras {
    _Atomic int64_t read_deadline; /* anyone's; 0: none */
    _Atomic int64_t write_deadline;
    struct ws__share *share; /* with others of its address; NULL: none */
    char *remote; /* whose it is, in a proxy's words; NULL: the socket's peer */

    /* Settings.  Those that can be changed are the reading fiber's. */
    int64_t read_limit;
    size_t read_buffer_size; /* 0: the worker's are borrowed */
    size_t write_buffer_size;
    const ws_buffer_pool *write_buffer_pool; /* NULL: the library's */
    int write_timeout_ms;                    /* without progress; < 0: none */
    int ping_interval_ms;                    /* < 0: none */
    bool gives_up; /* on a peer that answers no ping */
    int rate_window_ms;
    int64_t min_read_rate; /* bytes a second in each window; < 0: none */
    struct ws__deflate_params deflate;
    struct ws__lookback lookback; /* the reading fiber's */
    char *subprotocol;            /* NULL: none */
    int64_t began; /* if the end is told of (http/access); 0: it is not known */

    /* The reading fiber's: it sets and calls them. */
    ws_control_fn on_ping;
    void *on_ping_arg;
    ws_control_fn on_pong;
    void *on_pong_arg;
    ws_close_fn on_close;
    void *on_close_arg;
    int close_delay_ms; /* conn/close_answer; < 0: for ever */

    int64_t answer_until; /* by the reading fiber, before w.closing says so */

    struct ws__lock turn; /* conn/turn */

    /* Of a message in pieces: by the holder of turn, which the author is. */
    _Atomic(struct ws__parker *) author; /* NULL: none is under way */
    struct ws__buf piece;
    struct ws__deflate *piece_deflate;
    atomic_bool queue_held; /* the outqueue waits for it to be over */
    ws_type piece_type;
    bool piece_begun; /* its first frame was sent */

    /* By the holder of turn: what compresses with what went before. */
    struct ws__deflate *deflate_kept;

    struct ws__addresses *_Atomic addresses; /* set once (conn/about) */
    ws_cert *_Atomic cert;                   /* the same */
    struct ws__words *_Atomic words;         /* the same (conn/error) */
};

/* What servers and clients usually have: [client]. */
extern const struct ws__extras ws__usual[2]
    __attribute__((visibility("hidden")));

/* The connection's extras: the usual ones, which nobody may change, or its
 * own. */
static inline const struct ws__extras *ws__extras(const ws_conn *c)
{
    return atomic_load_explicit(&c->extras, memory_order_acquire);
}

static inline int64_t ws__read_deadline(const ws_conn *c)
{
    return atomic_load_explicit(&ws__extras(c)->read_deadline,
                                memory_order_relaxed);
}

static inline int64_t ws__write_deadline(const ws_conn *c)
{
    return atomic_load_explicit(&ws__extras(c)->write_deadline,
                                memory_order_relaxed);
}

/* For a new connection. */
static inline void ws__extras_begin(ws_conn *c)
{
    atomic_init(&c->extras, &ws__usual[c->client]);
}

/* The connection's own; NULL when it has none. */
struct ws__extras *ws__extras_if_own(ws_conn *c);

/* The same, which are made if it has none; NULL when there is no memory. */
struct ws__extras *ws__extras_own(ws_conn *c);
void ws__extras_free(ws_conn *c);

#endif
