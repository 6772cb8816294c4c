/* SPDX-License-Identifier: MIT */

#include "io/tls.h"

#include <errno.h>

#include <openssl/err.h>

#include "base/alloc.h"
#include "base/error.h"
#include "fiber/budget.h"
#include "fiber/sched.h"
#include "io/tls_bio.h"
#include "io/tls_read.h"
#include "io/tls_reason.h"
#include "io/tls_step.h"
#include "io/tls_verify.h"
#include "io/wait.h"

/* What is encrypted or decrypted costs, beside what goes over the wire. */
static void tls_call(struct ws__tls_call *c)
{
    ws_mutex_lock(&c->t->lock);
    ws__on_loop_stack(ws__tls_attempt, c);
    ws_mutex_unlock(&c->t->lock);
    ws__spend(1);
    if (c->result > 0)
        ws__spend_bytes((size_t)c->result);
}

/* ---- The stream --------------------------------------------------------- */

static void tls_wait_for(_Atomic short *events, short wanted)
{
    if (*events != wanted)
        *events = wanted;
}

static ssize_t tls_read(struct ws__stream *s, void *p, size_t n)
{
    struct ws__tls_call c = {
        .step = ws__tls_receive, .t = s->state, .p = p, .n = n
    };

    tls_call(&c);
    s->more = c.more;
    tls_wait_for(&s->read_events,
                 c.result == -EAGAIN ? c.events : c.t->beneath.read_events);
    if (c.wake)
        ws_event_set(&c.t->again);
    return c.result;
}

static size_t tls_length(const struct iovec *v, int count)
{
    size_t n = 0;

    for (int i = 0; i < count; i++)
        n += v[i].iov_len;
    return n;
}

static ssize_t tls_writev(struct ws__stream *s, const struct iovec *v,
                          int count)
{
    size_t all = tls_length(v, count), done = 0;
    struct ws__tls_call c = { .step = ws__tls_transmit,
                              .t = s->state,
                              .taken = s->taken };

    while (done < all && done < WS__AT_ONCE) {
        c.v = v;
        c.count = count;
        c.skip = done;
        c.follows = all - done > WS__TLS_RECORD;
        tls_call(&c);
        if (c.result <= 0)
            break;
        done += (size_t)c.result;
    }
    s->taken = (uint16_t)c.taken; /* at most a record */
    tls_wait_for(&s->write_events,
                 c.result == -EAGAIN ? c.events : c.t->beneath.write_events);
    return done > 0 ? (ssize_t)done : c.result;
}

static int tls_half_close(struct ws__stream *s)
{
    struct ws__tls_call c = { .step = ws__tls_notify, .t = s->state };

    tls_call(&c);
    tls_wait_for(&s->write_events, c.t->beneath.write_events);
    if (c.result == -EAGAIN)
        return -EAGAIN;
    return c.t->beneath.ops->half_close(&c.t->beneath);
}

static const char *tls_reason(const struct ws__stream *s, int code)
{
    const struct ws__tls *t = s->state;

    if (code == WS_ERR_TLS && t->fault != 0)
        return ws__tls_reason(t->fault);
    return ws__stream_error(&t->beneath, code);
}

static ws_event *tls_again(const struct ws__stream *s)
{
    return &((struct ws__tls *)s->state)->again;
}

static void tls_free(struct ws__tls *t)
{
    SSL_free(t->ssl);
    ws_free(t->words);
    ws_free(t);
}

static void tls_fini(struct ws__stream *s)
{
    struct ws__tls *t = s->state;

    ws__stream_unwatch(s);
    t->beneath.ops->fini(&t->beneath);
    tls_free(t);
    s->fd = -1;
}

static const struct ws__stream_ops tls_ops = {
    .read = tls_read,
    .writev = tls_writev,
    .half_close = tls_half_close,
    .fini = tls_fini,
    .reason = tls_reason,
    .again = tls_again,
    .holds = true,
};

/* ---- On and off --------------------------------------------------------- */

/* The descriptor is left alone: another thread may be about to break it. */
static void tls_become(struct ws__stream *s, const struct ws__stream *as)
{
    s->ops = as->ops;
    tls_wait_for(&s->read_events, as->read_events);
    tls_wait_for(&s->write_events, as->write_events);
    s->readable = as->readable;
    s->more = as->more;
    s->taken = as->taken;
    s->state = as->state;
}

/* Takes the reference to ctx. */
static struct ws__tls *tls_new(const struct ws__stream *beneath, SSL_CTX *ctx)
{
    struct ws__tls *t = ws__zalloc(sizeof(*t));
    BIO *bio = NULL;

    if (t) {
        t->beneath = *beneath;
        t->beneath.watch = NULL; /* is the upper one's */
        t->words = ws__zalloc(WS__TLS_WORDS);
        t->ssl = t->words ? SSL_new(ctx) : NULL;
        bio = t->ssl ? ws__tls_bio(t) : NULL;
    }
    SSL_CTX_free(ctx);
    if (t && !bio) {
        tls_free(t);
        return NULL;
    }
    if (!t)
        return NULL;
    SSL_set_bio(t->ssl, bio, bio);
    ws__tls_notice(t);
    return t;
}

static void tls_put_over(struct ws__stream *s, struct ws__tls *t)
{
    struct ws__stream with = *s;

    with.ops = &tls_ops;
    with.state = t;
    tls_become(s, &with);
}

int ws__tls_accept(struct ws__stream *s, struct ws__tls_context *x)
{
    struct ws__tls *t = tls_new(s, ws__tls_current(x));

    if (!t)
        return -ENOMEM;
    SSL_set_accept_state(t->ssl);
    ws__tls_verify_client(t);
    tls_put_over(s, t);
    return 0;
}

int ws__tls_connect(struct ws__stream *s, const ws_tls *tls, const char *host,
                    int64_t deadline, ws_event *cancel, ws_error *err)
{
    static const ws_tls standard;
    ws_error unseen = { 0 };
    SSL_CTX *ctx;

    err = err ? err : &unseen;
    tls = tls ? tls : &standard;
    int error = ws__tls_read_client(tls, deadline, cancel, &ctx, err);
    if (error != 0)
        return error;
    struct ws__tls *t = tls_new(s, ctx);
    if (!t)
        return ws__fail(err, -ENOMEM, "TLS with %s: out of memory", host);
    t->peer = tls->server_name ? tls->server_name : host;
    SSL_set_connect_state(t->ssl);
    error = ws__tls_verify(t, tls->insecure_skip_verify, err);
    if (error == 0)
        tls_put_over(s, t);
    else
        tls_free(t);
    return error;
}

void ws__tls_unwrap(struct ws__stream *s)
{
    struct ws__tls *t = s->state;

    tls_become(s, &t->beneath);
    tls_free(t);
}

/* ---- The handshake ------------------------------------------------------ */

static const char *tls_why(const struct ws__stream *s, int code)
{
    const struct ws__tls *t = s->state;

    switch (code) {
    case WS_ERR_TIMEOUT:
        return "the handshake took too long";
    case WS_ERR_EOF:
        return "the peer closed the connection during the handshake";
    case WS_ERR_TLS:
        return t->words[0] ? t->words : tls_reason(s, code);
    default:
        return tls_reason(s, code);
    }
}

static int tls_fail(const struct ws__stream *s, int code, ws_error *err)
{
    const struct ws__tls *t = s->state;

    if (code == WS_ERR_TLS && ERR_GET_LIB(t->fault) == ERR_LIB_SSL &&
        ERR_GET_REASON(t->fault) == SSL_R_HTTP_REQUEST)
        code = WS_ERR_HTTP;
    if (code == WS_ERR_HTTP)
        return ws__fail(err, code, "TLS: the client speaks plain HTTP");
    return ws__fail(err, code, "TLS%s%s: %s", t->peer ? " with " : "",
                    t->peer ? t->peer : "", tls_why(s, code));
}

/* The deadline is looked at before the bytes: a peer that always has one more
 * must not put it off. */
static int tls_await(const struct ws__stream *s, short events, int64_t deadline,
                     ws_event *cancel)
{
    if (deadline != 0 && ws_now() >= deadline)
        return WS_ERR_TIMEOUT;
    int r = ws__wait_watched(s->fd, s->watch, events, deadline, cancel);
    return r < 0 ? r : 0;
}

int ws__tls_handshake(struct ws__stream *s, int64_t deadline, ws_event *cancel,
                      ws_error *err)
{
    struct ws__tls_call c = { .step = ws__tls_shake, .t = s->state };
    int error, waited = 0;

    do {
        ws__take_place();
        tls_call(&c);
        error = (int)c.result;
        if (error == -EAGAIN)
            waited = tls_await(s, c.events, deadline, cancel);
    } while (error == -EAGAIN && waited == 0);
    if (waited != 0)
        error = waited;
    if (error != 0)
        return tls_fail(s, error, err);
    s->readable = c.more;
    ws_free(c.t->words);
    c.t->words = NULL;
    c.t->peer = NULL;
    return 0;
}
