/* SPDX-License-Identifier: MIT */

/* The calls of OpenSSL, none of which waits: what has to, says for what. */

#include "io/tls_step.h"

#include <errno.h>
#include <string.h>

#include <openssl/err.h>

#include "fiber/budget.h"

/* In a row; servers may begin with some tickets. */
enum { USELESS_MAX = 32 };

/* Why a call failed.  own and other are the errors of beneath, in the call's
 * direction and in the other one, which it may have needed. */
static int outcome(struct ws__tls_call *c, int own, int other)
{
    struct ws__tls *t = c->t;
    int why = SSL_get_error(t->ssl, 0);

    if (own != 0)
        return own;
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
        c->events = why == SSL_ERROR_WANT_READ ? t->beneath.read_events
                                               : t->beneath.write_events;
        return -EAGAIN;
    }
    if (why == SSL_ERROR_ZERO_RETURN)
        return 0;
    if (why != SSL_ERROR_SSL && other != 0)
        return other;
    t->fault = ERR_peek_error();
    t->error = WS_ERR_TLS;
    return t->error;
}

/* Of a call that needs an answer, which a peer that has ended will not give. */
static int failure(struct ws__tls_call *c, int own, int other)
{
    int code = outcome(c, own, other);

    if (code == 0)
        code = c->t->write_error = WS_ERR_EOF;
    return code;
}

/*
 * A peer may ask for new keys as often as it likes (RFC 8446, section 4.6.3),
 * one of 27 bytes after the other, and each takes longer than a message; OpenSSL
 * goes on until it finds something else.  Once it is told that the peer has
 * finished it takes no more.
 */
static void message_came(int sent, int version, int type, const void *p,
                         size_t n, SSL *ssl, void *tls)
{
    struct ws__tls *t = tls;
    bool in_handshake = t->shaking;

    (void)version;
    (void)p;
    (void)n;
    if (sent || type != SSL3_RT_HANDSHAKE || in_handshake)
        return;
    ws__spend(WS__COST_KEY);
    if (++t->useless > USELESS_MAX)
        SSL_set_shutdown(ssl, SSL_get_shutdown(ssl) | SSL_RECEIVED_SHUTDOWN);
}

void ws__tls_notice(struct ws__tls *t)
{
    SSL_set_msg_callback(t->ssl, message_came);
    SSL_set_msg_callback_arg(t->ssl, t);
}

void ws__tls_shake(struct ws__tls_call *c)
{
    struct ws__tls *t = c->t;

    if (SSL_do_handshake(t->ssl) != 1)
        c->result = failure(c, t->read_error, t->write_error);
    c->more = SSL_has_pending(t->ssl) || t->beneath.readable;
}

void ws__tls_receive(struct ws__tls_call *c)
{
    struct ws__tls *t = c->t;
    size_t n;

    if (SSL_read_ex(t->ssl, c->p, c->n, &n))
        c->result = (ssize_t)n;
    else
        c->result = outcome(c, t->read_error, t->write_error);
    if (c->result > 0) {
        t->useless = 0;
    } else if (t->useless > USELESS_MAX) {
        t->fault = ERR_PACK(ERR_LIB_SSL, 0, SSL_R_TOO_MANY_KEY_UPDATES);
        c->result = t->error = WS_ERR_TLS;
    }
    c->more = SSL_has_pending(t->ssl) || t->beneath.readable;
    if (t->stuck && !SSL_in_init(t->ssl)) {
        t->stuck = false;
        c->wake = true;
    }
}

/*
 * A message of TLS's own that has come in part stands in the way: then a write
 * reads, and no more than the rest of it, since what it read further would lie
 * where no one looks.  What another record will follow may wait for that one,
 * to go in the same packet.
 */
static void transmit(struct ws__tls_call *c, const void *p, size_t n)
{
    struct ws__tls *t = c->t;
    bool in_the_way = SSL_in_init(t->ssl);
    size_t done;

    if (in_the_way)
        SSL_set_read_ahead(t->ssl, 0);
    t->beneath.follows = c->follows;
    if (SSL_write_ex(t->ssl, p, n, &done)) {
        c->result = (ssize_t)done;
        c->taken = 0;
    } else {
        c->result = failure(c, t->write_error, t->read_error);
        if (!in_the_way)
            c->taken = n < WS__TLS_RECORD ? n : WS__TLS_RECORD;
    }
    t->beneath.follows = false;
    if (in_the_way)
        SSL_set_read_ahead(t->ssl, 1);
    t->stuck = c->result == -EAGAIN && (c->events & t->beneath.read_events);
    if (t->stuck)
        ws_event_clear(&t->again);
}

/* What is small goes into one record, thus into one packet. */
__attribute__((noinline)) static void transmit_together(struct ws__tls_call *c)
{
    uint8_t record[WS__TLS_RECORD];
    size_t n = 0, skip = c->skip;

    for (int i = 0; i < c->count; i++) {
        const uint8_t *p = c->v[i].iov_base;
        size_t len = c->v[i].iov_len;
        size_t over = skip < len ? skip : len;
        size_t rest = len - over, room = sizeof(record) - n;

        skip -= over;
        if (rest > room)
            rest = room;
        if (rest > 0)
            memcpy(record + n, p + over, rest);
        n += rest;
    }
    if (n > 0)
        transmit(c, record, n);
}

void ws__tls_transmit(struct ws__tls_call *c)
{
    const struct iovec *v = c->v;
    int i = 0;

    while (i < c->count - 1 && c->skip >= v[i].iov_len)
        c->skip -= v[i++].iov_len;
    size_t n = v[i].iov_len - c->skip;
    c->v += i;
    c->count -= i;
    if (n >= WS__TLS_RECORD || (c->count == 1 && n > 0))
        transmit(c, (const char *)v[i].iov_base + c->skip, n);
    else
        transmit_together(c);
}

/* Once it is said, to say it again would read.  What TLS itself has begun to
 * write goes first, by the next read.  OpenSSL wants to write, too, where the
 * transport has failed; but then there is no room to wait for. */
void ws__tls_notify(struct ws__tls_call *c)
{
    struct ws__tls *t = c->t;

    if (!t->notified && SSL_is_init_finished(t->ssl))
        SSL_shutdown(t->ssl);
    t->notified = t->notified || t->write_error != 0 || !SSL_want_write(t->ssl);
    c->result = t->notified ? 0 : -EAGAIN;
}

/* An error that somebody has left in the queue would be taken for ours. */
void ws__tls_attempt(void *call)
{
    struct ws__tls_call *c = call;
    struct ws__tls *t = c->t;

    t->drained = false;
    if (ERR_peek_error() != 0)
        ERR_clear_error();
    c->result = t->error;
    if (c->result == 0)
        c->step(c);
    if (c->result < 0 && ERR_peek_error() != 0)
        ERR_clear_error();
}
