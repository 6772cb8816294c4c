/* SPDX-License-Identifier: MIT */

#ifndef WS_CLIENT_EXCHANGE_H
#define WS_CLIENT_EXCHANGE_H

#include <silverback/fiber.h>

#include "base/buf.h"
#include "io/stream.h"

/* No head of an answer is larger, whoever sends it. */
enum { WS__EXCHANGE_HEAD_MAX = 64 * 1024 };

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

#endif
