/* SPDX-License-Identifier: MIT */

#include "io/tls.h"

#include <errno.h>
#include <poll.h>

#include <openssl/err.h>

#include "base/alloc.h"
#include "base/error.h"
#include "fiber/budget.h"
#include "fiber/sched.h"
#include "io/tls_bio.h"
#include "io/tls_cert.h"
#include "io/tls_pin.h"
#include "io/tls_read.h"
#include "io/tls_reason.h"
#include "io/tls_sessions.h"
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

static struct ws__tls *tls_of(const struct ws__stream *s)
{
    return (struct ws__tls *)s->transport;
}

static void tls_read_by(struct ws__stream *s, short events)
{
    s->read_events = (unsigned)events & (POLLIN | POLLOUT);
}

static void tls_write_by(struct ws__stream *s, short events)
{
    if (s->write_events != events)
        s->write_events = (uint8_t)events;
}

static ssize_t tls_read(struct ws__stream *s, void *p, size_t n)
{
    struct ws__tls_call c = {
        .step = ws__tls_receive, .t = tls_of(s), .p = p, .n = n
    };

    tls_call(&c);
    s->more = c.more;
    tls_read_by(s, c.result == -EAGAIN ? c.events : c.t->beneath.read_events);
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
                              .t = tls_of(s),
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
    s->taken = c.taken & 0x7fff; /* at most a record */
    tls_write_by(s, c.result == -EAGAIN ? c.events : c.t->beneath.write_events);
    return done > 0 ? (ssize_t)done : c.result;
}

static int tls_half_close(struct ws__stream *s)
{
    struct ws__tls_call c = { .step = ws__tls_notify, .t = tls_of(s) };

    tls_call(&c);
    tls_write_by(s, c.t->beneath.write_events);
    if (c.result == -EAGAIN)
        return -EAGAIN;
    return ws__stream_half_close(&c.t->beneath);
}

static const char *tls_reason(const struct ws__stream *s, int code)
{
    const struct ws__tls *t = tls_of(s);

    if (code == WS_ERR_TLS && t->fault != 0)
        return ws__tls_reason(t->fault);
    return ws__stream_error(&t->beneath, code);
}

static ws_cert *tls_cert(const struct ws__stream *s)
{
    struct ws__tls *t = tls_of(s);

    ws_mutex_lock(&t->lock);
    ws_cert *cert = ws__tls_cert_new(t->ssl);
    ws_mutex_unlock(&t->lock);
    return cert;
}

static ws_event *tls_again(const struct ws__stream *s)
{
    return &tls_of(s)->again;
}

/* Its words, its names and its certificates are of no use any more. */
static void tls_end_handshake(struct ws__tls *t)
{
    if (t->shaking)
        ws__tls_server_let_go(t->shaking->server);
    ws_free(t->shaking);
    t->shaking = NULL;
}

static void tls_free(struct ws__tls *t)
{
    SSL_free(t->ssl);
    tls_end_handshake(t);
    ws_free(t->sessions);
    ws_free(t);
}

static void tls_fini(struct ws__stream *s)
{
    struct ws__tls *t = tls_of(s);

    ws__stream_unwatch(s);
    ws__stream_fini(&t->beneath);
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
    .cert = tls_cert,
    .holds = true,
};

/* ---- On and off --------------------------------------------------------- */

/* The descriptor is left alone: another thread may be about to break it. */
static void tls_become(struct ws__stream *s, const struct ws__stream *as)
{
    s->transport = as->transport;
    s->read_events = as->read_events;
    tls_write_by(s, as->write_events);
    s->readable = as->readable;
    s->more = as->more;
    s->taken = as->taken;
}

static struct ws__tls *tls_new(const struct ws__stream *beneath, SSL_CTX *ctx)
{
    struct ws__tls *t = ws__zalloc(sizeof(*t));
    BIO *bio = NULL;

    if (!t)
        return NULL;
    t->transport.ops = &tls_ops;
    t->beneath = *beneath;
    t->beneath.watch = NULL; /* is the upper one's */
    t->shaking = ws__zalloc(sizeof(*t->shaking));
    t->ssl = t->shaking ? SSL_new(ctx) : NULL;
    bio = t->ssl ? ws__tls_bio(t) : NULL;
    if (!bio) {
        tls_free(t);
        return NULL;
    }
    SSL_set_bio(t->ssl, bio, bio);
    ws__tls_notice(t);
    return t;
}

static void tls_put_over(struct ws__stream *s, struct ws__tls *t)
{
    struct ws__stream with = *s;

    with.transport = &t->transport;
    tls_become(s, &with);
}

int ws__tls_accept(struct ws__stream *s, struct ws__tls_context *x)
{
    struct ws__tls_server *server = ws__tls_current(x);
    struct ws__tls *t = tls_new(s, server->ctx);

    if (!t) {
        ws__tls_server_let_go(server);
        return -ENOMEM;
    }
    t->shaking->server = server;
    SSL_set_accept_state(t->ssl);
    ws__tls_verify_client(t);
    tls_put_over(s, t);
    return 0;
}

/* Without memory for the key there is no session, and no harm. */
static struct ws__tls_key *tls_key_new(const struct ws__tls_shaking *shaking,
                                       const struct ws__tls_client *client,
                                       const char *host_port)
{
    struct ws__tls_key *key = ws__alloc(sizeof(*key));

    if (key && ws__tls_key_make(key, shaking->tls, &client->files,
                                shaking->peer, host_port))
        return key;
    ws_free(key);
    return NULL;
}

static void tls_resume(struct ws__tls *t, const struct ws__tls_client *client,
                       const char *host_port)
{
    SSL_SESSION *session = NULL;

    if (t->shaking->tls->no_resumption)
        return;
    t->sessions = tls_key_new(t->shaking, client, host_port);
    if (t->sessions)
        session = ws__tls_sessions_take(t->sessions);
    if (session)
        t->shaking->resumes = SSL_set_session(t->ssl, session) == 1;
    SSL_SESSION_free(session);
    ERR_clear_error();
}

/* Returns NULL when there is no memory. */
static struct ws__tls *tls_new_client(const struct ws__stream *s,
                                      const ws_tls *tls,
                                      struct ws__tls_client *client)
{
    struct ws__tls *t = tls_new(s, client->ctx);

    SSL_CTX_free(client->ctx);
    if (t) {
        t->shaking->tls = tls;
        SSL_set_connect_state(t->ssl);
    }
    return t;
}

int ws__tls_connect(struct ws__stream *s, const ws_tls *tls,
                    const struct ws__tls_host *host, int64_t deadline,
                    ws_event *cancel, ws_error *err)
{
    static const ws_tls standard;
    struct ws__tls_client client;
    ws_error unseen = { 0 };
    int error = 0;

    err = err ? err : &unseen;
    tls = tls ? tls : &standard;
    if (tls->pinned_key)
        error = ws__tls_pins_check(tls->pinned_key, err);
    if (error == 0)
        error = ws__tls_read_client(tls, deadline, cancel, &client, err);
    if (error != 0)
        return error;
    struct ws__tls *t = tls_new_client(s, tls, &client);
    if (!t)
        return ws__fail(err, -ENOMEM, "TLS with %s: out of memory", host->name);
    t->shaking->peer = tls->server_name ? tls->server_name : host->name;
    error = ws__tls_verify_server(t, err);
    if (error != 0) {
        tls_free(t);
        return error;
    }
    tls_resume(t, &client, host->host_port);
    tls_put_over(s, t);
    return 0;
}

void ws__tls_unwrap(struct ws__stream *s)
{
    struct ws__tls *t = tls_of(s);

    tls_become(s, &t->beneath);
    tls_free(t);
}

/* ---- The handshake ------------------------------------------------------ */

static const char *tls_why(const struct ws__stream *s, int code)
{
    const struct ws__tls *t = tls_of(s);

    switch (code) {
    case WS_ERR_TIMEOUT:
        return "the handshake took too long";
    case WS_ERR_EOF:
        return "the peer closed the connection during the handshake";
    case WS_ERR_TLS:
        return t->shaking->words[0] ? t->shaking->words : tls_reason(s, code);
    default:
        return tls_reason(s, code);
    }
}

/* A certificate that was refused was shown instead of resuming. */
static bool tls_resumed_in_vain(const struct ws__tls_shaking *shaking)
{
    return shaking->resumes && shaking->words[0] == '\0';
}

static int tls_fail(const struct ws__stream *s, int code, ws_error *err)
{
    const struct ws__tls *t = tls_of(s);
    const char *peer = t->shaking->peer;

    if (code == WS_ERR_TLS && tls_resumed_in_vain(t->shaking))
        ws__tls_sessions_spoil(t->sessions);
    if (code == WS_ERR_TLS && ERR_GET_LIB(t->fault) == ERR_LIB_SSL &&
        ERR_GET_REASON(t->fault) == SSL_R_HTTP_REQUEST)
        code = WS_ERR_HTTP;
    if (code == WS_ERR_HTTP)
        return ws__fail(err, code, "TLS: the client speaks plain HTTP");
    return ws__fail(err, code, "TLS%s%s: %s", peer ? " with " : "",
                    peer ? peer : "", tls_why(s, code));
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
    struct ws__tls_call c = { .step = ws__tls_shake, .t = tls_of(s) };
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
    tls_end_handshake(c.t);
    return 0;
}
