/* SPDX-License-Identifier: MIT */

#ifndef WS_IO_TLS_STATE_H
#define WS_IO_TLS_STATE_H

#include <openssl/ssl.h>

#include "io/tls.h"

/* What a record holds (RFC 8446, section 5.1). */
#define WS__TLS_RECORD ((size_t)16 * 1024)

/* The words for what is wrong with a certificate. */
#define WS__TLS_WORDS 128

/* What is behind a stream with TLS.  An SSL object must not be used by two
 * threads at once, so lock is held around each call, none of which waits. */
struct ws__tls {
    ws_mutex lock;
    struct ws__stream beneath;
    SSL *ssl;

    bool drained;        /* in this call: to read more would find nothing */
    int read_error;      /* of beneath, sticky: WS_ERR_EOF or another code */
    int write_error;     /* the same */
    int error;           /* WS_ERR_TLS, when all is lost */
    unsigned long fault; /* why: OpenSSL's code */

    int useless; /* messages of TLS's own since the last byte of the peer's */

    bool notified;  /* the peer, that no more will be written */
    bool stuck;     /* a write waits for a message of TLS's own to be read, */
    ws_event again; /* set when it was */

    /* Until the handshake is over. */
    const char *peer; /* whom a client expects; NULL: this is a server */
    char *words; /* of WS__TLS_WORDS, "" unless a certificate was refused */
};

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

/* The steps. */
void ws__tls_shake(struct ws__tls_call *c);
void ws__tls_receive(struct ws__tls_call *c);
void ws__tls_transmit(struct ws__tls_call *c);
void ws__tls_notify(struct ws__tls_call *c);

/* A BIO over t->beneath, or NULL.  Its data is t: the SSL has none of its own,
 * which would cost each connection 96 bytes. */
BIO *ws__tls_bio(struct ws__tls *t);

/* A context for a server's or a client's files, read now, for the caller to
 * free.  NULL: *err says why. */
SSL_CTX *ws__tls_server_ctx(const ws_tls *tls, ws_error *err);
SSL_CTX *ws__tls_client_ctx(const ws_tls *tls, ws_error *err);

/* Has a client nothing of its own?  What such clients share, with a reference
 * for the caller: NULL until it is made. */
bool ws__tls_is_standard(const ws_tls *tls);
SSL_CTX *ws__tls_standard_ctx(void);

/* ws__tls_client_ctx by a helper thread, which is left to itself at the
 * deadline (0: never), or when cancel, which may be NULL, is set.  Returns 0, or
 * a negative code and *err says why. */
int ws__tls_read_client(const ws_tls *tls, int64_t deadline, ws_event *cancel,
                        SSL_CTX **ctx, ws_error *err);

/* A reference to what was made of a server's files as they are now, or were a
 * second ago; the caller's to free. */
SSL_CTX *ws__tls_current(struct ws__tls_context *x);

/* Let a client verify that its peer is t->peer, and name it to servers with
 * many names.  Returns 0 or a negative code. */
int ws__tls_verify(struct ws__tls *t, bool skip, ws_error *err);

/* Let a server say what it has against a client's certificate. */
void ws__tls_verify_client(struct ws__tls *t);

/* OpenSSL's words for an error of its queue. */
const char *ws__tls_reason(unsigned long fault);

#endif
