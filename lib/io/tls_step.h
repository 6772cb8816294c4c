/* SPDX-License-Identifier: MIT */

#ifndef WS_IO_TLS_STEP_H
#define WS_IO_TLS_STEP_H

#include "io/tls_state.h"

/* One call of OpenSSL: it needs a deep stack, and never waits. */
struct ws__tls_call {
    void (*step)(struct ws__tls_call *c);
    struct ws__tls *t;
    void *p; /* to read into */
    size_t n;
    const struct iovec *v; /* to be written, without the first skip bytes */
    int count;
    size_t skip;
    bool follows;   /* and that takes another record */
    ssize_t result; /* bytes, 0, -EAGAIN or another code */
    short events;   /* what to wait for, if it is -EAGAIN */
    bool more;      /* after a read or a handshake: bytes are left */
    bool wake;      /* and a write may go on */
    size_t taken;   /* after a write: see struct ws__stream */
};

/* Have it notice messages of TLS's own: too many in a row are WS_ERR_TLS. */
void ws__tls_notice(struct ws__tls *t);

/* Runs c->step, with the lock held. */
void ws__tls_attempt(void *call);

/* The steps: shake hands, read, write, and tell the peer of the end. */
void ws__tls_shake(struct ws__tls_call *c);
void ws__tls_receive(struct ws__tls_call *c);
void ws__tls_transmit(struct ws__tls_call *c);
void ws__tls_notify(struct ws__tls_call *c);

#endif
