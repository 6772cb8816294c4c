/* SPDX-License-Identifier: MIT */

#ifndef WS_CONN_SENDBUF_H
#define WS_CONN_SENDBUF_H

#include "base/buf.h"
#include "conn/conn.h"
#include "proto/frame.h"

/*
 * The buffer that all frames pass through, so that what waits to be sent
 * (control frames, small messages, the rest of a frame) goes ahead of what comes,
 * in one send.  It is borrowed while there is something to be sent, and the
 * holder of the outbox's lock has it alone.
 */
struct ws__sendbuf {
    struct ws__buf buf;       /* frames */
    uint64_t coalesced_since; /* in ticks: when the first of them came */
    unsigned coalesced;       /* messages that wait in it on purpose */
    bool grown; /* its memory is neither the pools' nor the user's */
};

/* How many bytes wait in it. */
static inline size_t ws__sendbuf_pending(const ws_conn *c)
{
    return c->w.sendbuf ? ws__buf_used(&c->w.sendbuf->buf) : 0;
}

/* Have one.  Returns 0 or -ENOMEM. */
int ws__sendbuf_borrow(ws_conn *c);

/* Have an empty one hold n bytes.  Returns 0 or -ENOMEM. */
int ws__sendbuf_grow(ws_conn *c, size_t n);

/* Drop what is in it, and give it back. */
void ws__sendbuf_give_back(ws_conn *c);

/* Append a frame to it that there is room for: make_header completes f by the
 * key that a client needs, and returns 0 or a negated errno. */
int ws__sendbuf_make_header(ws_conn *c, struct ws__frame *f);
void ws__sendbuf_header(struct ws__buf *out, const struct ws__frame *f);
void ws__sendbuf_payload(struct ws__buf *out, const struct ws__frame *f,
                         const void *data);
void ws__sendbuf_frame(struct ws__buf *out, const struct ws__frame *f,
                       const void *data);

/* Do those that wait on purpose wait for too long? */
bool ws__sendbuf_is_late(const struct ws__sendbuf *o);

#endif
