/* SPDX-License-Identifier: MIT */

#ifndef WS_CONN_PREPARED_H
#define WS_CONN_PREPARED_H

#include <pthread.h>

#include "conn/conn.h"

/*
 * One message for many connections.  A form of it is made once, with the header
 * that a server puts before it, and never changed: so whoever holds the message
 * may send from it without a lock.
 */
struct ws__form {
    struct ws__form *next;
    int level; /* what it was compressed with */
    int bits;
    bool rsv1;
    size_t header;
    size_t len; /* of the payload behind it */
    uint8_t bytes[];
};

struct ws_prepared {
    atomic_uint refs;
    ws_type type;
    struct ws__form *plain;
    _Atomic(struct ws__form *) compressed; /* a list that only grows, */
    pthread_mutex_t growing;               /* by one at a time */
};

static inline void ws__prepared_ref(ws_prepared *p)
{
    atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
}

static inline size_t ws__form_size(const struct ws__form *f)
{
    return f->header + f->len;
}

static inline const uint8_t *ws__form_payload(const struct ws__form *f)
{
    return f->bytes + f->header;
}

/* The form for a connection that compresses, without takeover, at this level,
 * which is the connection's or was; NULL when there is no memory, which the next
 * one may have.  Parks no fiber. */
const struct ws__form *ws__prepared_compressed(ws_prepared *p, ws_conn *c,
                                               int level);

#endif
