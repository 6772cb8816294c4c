/* SPDX-License-Identifier: MIT */

#ifndef WS_CLIENT_EXCHANGE_H
#define WS_CLIENT_EXCHANGE_H

#include <silverback/dial.h>

#include "base/buf.h"
#include "io/stream.h"

/* A request and its answer over a stream, as a client.  Whoever makes one sets
 * the first five, and frees in by ws__buf_release. */
struct ws__exchange {
    struct ws__stream *stream;
    int64_t deadline;
    ws_event *cancel; /* NULL: none */
    bool tunnel;      /* the request is CONNECT: a 2xx has no body */
    int max_fields;   /* of an answer, as in ws_dialer */

    struct ws__buf in; /* read and not used: what follows the answer */
};

/* Send n bytes.  Returns 0, WS_ERR_TIMEOUT, WS_ERR_CANCELED or a negated
 * errno. */
int ws__exchange_send(struct ws__exchange *x, const void *p, size_t n);

/* Read what is there, at least one byte, into x->in.  Returns 0, a code as above,
 * WS_ERR_EOF or -ENOMEM. */
int ws__exchange_fill(struct ws__exchange *x);

/*
 * Read the answer: its head and, unless it is a 101, the beginning of its body.
 * Other 1xx are passed over.
 *
 * Returns 0, and *resp, with its HTTP/1.minor, is for ws_response_free; a code
 * as above or -ENOMEM; WS_ERR_EOF when the stream ended before the head did; or
 * WS_ERR_HTTP, and *err says what is wrong with it and how it begins.
 */
int ws__exchange_answer(struct ws__exchange *x, ws_response **resp, int *minor,
                        ws_error *err);

#endif
