/* SPDX-License-Identifier: MIT */

#include <silverback/dial.h>

#include <unistd.h>

#include "base/base64.h"
#include "base/error.h"
#include "fiber/sync.h"
#include "io/eyeballs.h"
#include "io/random.h"
#include "io/resolve.h"
#include "io/sock.h"
#include "io/tls.h"
#include "proto/handshake.h"
#include "proto/url.h"
#include "ws/exchange.h"
#include "ws/setup.h"

#define HANDSHAKE_TIMEOUT_MS 45000

/* A dial under way. */
struct dial {
    const ws_dialer *dialer;
    const struct ws__url *url;
    struct ws__asked asked;
    int64_t deadline; /* over all of it */
    ws_error *err;
};

static int64_t deadline_of(const ws_dialer *d)
{
    if (d->handshake_timeout_ms < 0)
        return 0;
    return ws_after(d->handshake_timeout_ms ? d->handshake_timeout_ms
                                            : HANDSHAKE_TIMEOUT_MS);
}

/* ---- To a connected stream ---------------------------------------------- */

static int fail_connect(const struct dial *d, int r)
{
    return ws__fail(d->err, r, "connect to %s: %s", d->url->host_port,
                    r == WS_ERR_TIMEOUT
                        ? "no answer within the handshake timeout"
                        : ws_strerror(r));
}

static int connect_by_name(const struct dial *d)
{
    const char *host = d->url->host, *port = d->url->port;
    struct addrinfo *list;

    int r =
        ws__resolve(host, port, d->deadline, d->dialer->cancel, &list, d->err);
    if (r != 0)
        return r;
    r = ws__connect_any(list, d->deadline, d->dialer->cancel);
    ws__resolve_free(list);
    return r;
}

static int connect_by_hook(const struct dial *d)
{
    const ws_dialer *dialer = d->dialer;
    int fd =
        dialer->connect(d->url->host, d->url->port, d->deadline, dialer->arg);

    if (fd < 0)
        return fd;
    int r = ws__nonblocking(fd);
    if (r != 0) {
        close(fd);
        return r;
    }
    return fd;
}

static int open_stream(const struct dial *d, struct ws__stream *s)
{
    int fd = WS_ERR_CANCELED;

    if (!d->dialer->cancel || !ws__event_is_set(d->dialer->cancel))
        fd = d->dialer->connect ? connect_by_hook(d) : connect_by_name(d);
    if (fd < 0)
        return fail_connect(d, fd);
    ws__stream_socket(s, fd);
    int r = ws__stream_watch(s);
    if (r != 0) {
        s->ops->fini(s);
        return fail_connect(d, r);
    }
    return 0;
}

static int secure(const struct dial *d, struct ws__stream *s)
{
    int r = ws__tls_connect(s, d->dialer->tls, d->url->host, d->err);

    if (r == 0)
        r = ws__tls_handshake(s, d->deadline, d->dialer->cancel, d->err);
    if (r != 0)
        s->ops->fini(s);
    return r;
}

/* ---- The handshake ------------------------------------------------------ */

static int fail_exchange(const struct dial *d, const struct ws__stream *s,
                         int r)
{
    const char *peer = d->url->host_port;

    switch (r) {
    case WS_ERR_TIMEOUT:
        return ws__fail(d->err, r,
                        "no answer from %s within the handshake timeout", peer);
    case WS_ERR_EOF:
        return ws__fail(
            d->err, r, "%s closed the connection before it had answered", peer);
    default:
        return ws__fail(d->err, r, "handshake with %s: %s", peer,
                        ws__stream_error(s, r));
    }
}

static int verify(const struct dial *d, const ws_response *resp, int minor,
                  struct ws__setup *setup)
{
    if (resp->status != 101 || minor > 0)
        return ws__handshake_verify(&d->asked, resp->status, resp->headers,
                                    &setup->subprotocol, &setup->deflate,
                                    d->err);
    /* HTTP/1.0 knows no upgrade (RFC 6455, section 4.1). */
    ws__fail(d->err, WS_ERR_HANDSHAKE,
             "bad handshake: expected HTTP/1.1, got HTTP/1.0");
    d->err->http_status = resp->status;
    return WS_ERR_HANDSHAKE;
}

/* Send the request and read the answer, which *resp then is. */
static int shake_hands(const struct dial *d, struct ws__exchange *x,
                       const struct ws__http_out *request,
                       struct ws__setup *setup, ws_response **resp)
{
    int minor;
    int r = ws__exchange_send(x, request->p, request->len);

    if (r == 0)
        r = ws__exchange_answer(x, resp, &minor, d->err);
    if (r != 0)
        return fail_exchange(d, x->stream, r);
    return verify(d, *resp, minor, setup);
}

/* Takes the stream. */
static ws_conn *converse(const struct dial *d, struct ws__stream *s,
                         const struct ws__http_out *request, ws_response **resp)
{
    const ws_dialer *dialer = d->dialer;
    struct ws__exchange x = {
        .stream = s,
        .deadline = d->deadline,
        .cancel = dialer->cancel,
    };
    struct ws__setup setup = {
        .client = true,
        .read_buffer_size = dialer->read_buffer_size,
        .write_buffer_size = dialer->write_buffer_size,
        .write_buffer_pool = dialer->write_buffer_pool,
        .read_limit = dialer->read_limit,
        .write_timeout_ms = dialer->write_timeout_ms,
        .ping_interval_ms = dialer->ping_interval_ms,
    };
    ws_conn *c = NULL;

    if (shake_hands(d, &x, request, &setup, resp) == 0) {
        setup.early = x.in.pos;
        setup.early_len = ws__buf_used(&x.in);
        c = ws__conn_new(s, &setup, d->err);
    } else {
        s->ops->fini(s);
    }
    ws__buf_release(&x.in, NULL);
    return c;
}

/* ---- The dial ----------------------------------------------------------- */

static int make_key(char key[static WS__KEY_LEN + 1])
{
    uint8_t nonce[16];
    int r = ws__random(nonce, sizeof(nonce));

    if (r == 0)
        ws__base64_encode(key, nonce, sizeof(nonce));
    return r;
}

/* The request is written before anything is connected, since what the caller
 * wants in it may be refused. */
static ws_conn *dial(struct dial *d, ws_response **resp)
{
    char key[WS__KEY_LEN + 1];
    struct ws__http_out request;
    struct ws__stream s;
    ws_conn *c = NULL;

    int r = make_key(key);
    if (r != 0) {
        ws__fail(d->err, r, "random bytes for the key: %s", ws_strerror(r));
        return NULL;
    }
    d->asked.key = key;

    ws__http_out_init(&request);
    if (ws__handshake_request(&request, &d->asked, d->err) == 0 &&
        open_stream(d, &s) == 0 && (!d->url->tls || secure(d, &s) == 0))
        c = converse(d, &s, &request, resp);
    ws__http_out_fini(&request);
    return c;
}

static ws_conn *dial_url(const ws_dialer *dialer, const struct ws__url *u,
                         const ws_header *headers, ws_response **resp,
                         ws_error *err)
{
    struct dial d = {
        .dialer = dialer,
        .url = u,
        .asked = {
            .host_port = u->host_port,
            .target = u->target,
            .credentials = u->credentials,
            .subprotocols = dialer->subprotocols,
            .compression = dialer->enable_compression,
            .context_takeover_bits = dialer->context_takeover_bits,
            .headers = headers,
        },
        .deadline = deadline_of(dialer),
        .err = err,
    };

    return dial(&d, resp);
}

ws_conn *ws_dial(const ws_dialer *d, const char *url, const ws_header *headers,
                 ws_response **resp, ws_error *err)
{
    static const ws_dialer defaults;
    ws_response *answer = NULL;
    ws_error unseen;
    struct ws__url u;
    ws_conn *c = NULL;

    if (!err)
        err = &unseen;
    *err = (ws_error){ 0 };

    if (ws__url_parse(&u, url, err) == 0) {
        c = dial_url(d ? d : &defaults, &u, headers, &answer, err);
        ws__url_fini(&u);
    }
    if (resp)
        *resp = answer;
    else
        ws_response_free(answer);
    return c;
}
