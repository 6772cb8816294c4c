/* SPDX-License-Identifier: MIT */

#include <silverback/dial.h>

#include "base/base64.h"
#include "base/error.h"
#include "client/dial_stream.h"
#include "client/response.h"
#include "conn/conn.h"
#include "conn/count.h"
#include "conn/setup.h"
#include "io/proxy.h"
#include "io/random.h"
#include "proto/accept_key.h"
#include "proto/handshake_client.h"
#include "proto/url.h"

#define HANDSHAKE_TIMEOUT_MS 45000

static int64_t deadline_of(const ws_dialer *d)
{
    if (d->handshake_timeout_ms < 0)
        return 0;
    return ws_after(d->handshake_timeout_ms ? d->handshake_timeout_ms
                                            : HANDSHAKE_TIMEOUT_MS);
}

/* ---- The handshake ------------------------------------------------------ */

static int verify_response(const struct ws__dialing *d,
                           const struct ws__asked *asked,
                           const ws_response *resp, int minor,
                           struct ws__setup *setup)
{
    if (resp->status != 101 || minor > 0)
        return ws__handshake_verify(asked, resp->status, resp->headers,
                                    &setup->subprotocol, &setup->deflate,
                                    d->err);
    /* HTTP/1.0 knows no upgrade (RFC 6455, section 4.1). */
    ws__fail(d->err, WS_ERR_HANDSHAKE,
             "bad handshake: expected HTTP/1.1, got HTTP/1.0");
    d->err->http_status = resp->status;
    return WS_ERR_HANDSHAKE;
}

/* What is to be sent, and what was asked for in it. */
struct dial_request {
    struct ws__asked asked;
    struct ws__http_out out;
};

/* Send the request and read the answer, which *resp then is. */
static int ask_for_upgrade(const struct ws__dialing *d,
                           const struct dial_request *request,
                           struct ws__exchange *x, struct ws__setup *setup,
                           ws_response **resp)
{
    int minor;
    int r = ws__exchange_send(x, request->out.p, request->out.len);

    if (r == 0)
        r = ws__response_read(x, resp, &minor, d->err);
    if (r != 0)
        return ws__dialing_unanswered(d, d->url, x->stream, r);
    return verify_response(d, &request->asked, *resp, minor, setup);
}

/* Takes the stream. */
static ws_conn *converse(const struct ws__dialing *d, struct ws__stream *s,
                         const struct dial_request *request, ws_response **resp)
{
    const ws_dialer *dialer = d->dialer;
    struct ws__exchange x = {
        .stream = s,
        .deadline = d->deadline,
        .cancel = dialer->cancel,
        .max_fields = dialer->max_response_fields,
    };
    struct ws__setup setup = {
        .client = true,
        .read_buffer_size = dialer->read_buffer_size,
        .write_buffer_size = dialer->write_buffer_size,
        .write_buffer_pool = dialer->write_buffer_pool,
        .read_limit = dialer->read_limit,
        .write_timeout_ms = dialer->write_timeout_ms,
        .ping_interval_ms = dialer->ping_interval_ms,
        .min_read_rate = dialer->min_read_rate,
    };
    ws_conn *c = NULL;

    if (ask_for_upgrade(d, request, &x, &setup, resp) == 0) {
        setup.early = x.in.pos;
        setup.early_len = ws__buf_used(&x.in);
        c = ws__conn_new(s, &setup, d->err);
        if (c)
            ws__count_once(c, WS_COUNT_OPENED);
    } else {
        ws__stream_fini(s);
    }
    ws__buf_release(&x.in, NULL);
    return c;
}

/* ---- The dial ----------------------------------------------------------- */

static int make_websocket_key(char key[static WS__KEY_LEN + 1], ws_error *err)
{
    uint8_t nonce[16];
    int r = ws__random(nonce, sizeof(nonce));

    if (r != 0)
        return ws__fail(err, r, "random bytes for the key: %s", ws_strerror(r));
    ws__base64_encode(key, nonce, sizeof(nonce));
    return 0;
}

static ws_conn *dial_hop(const struct ws__dialing *d,
                         const struct dial_request *request, ws_response **resp)
{
    struct ws__stream s;

    if (ws__dial_stream(d, &s, resp) != 0)
        return NULL;
    return converse(d, &s, request, resp);
}

/* By the proxy that is to be used, if any. */
static ws_conn *dial_by_proxy(struct ws__dialing *d,
                              const struct dial_request *request,
                              ws_response **resp)
{
    struct ws__url proxy;
    int found = d->url->path
                    ? 0
                    : ws__proxy_find(&proxy, d->dialer->proxy, d->url, d->err);

    if (found < 0)
        return NULL;
    if (!found)
        return dial_hop(d, request, resp);
    d->proxy = &proxy;
    ws_conn *c = dial_hop(d, request, resp);
    d->proxy = NULL;
    ws__url_fini(&proxy);
    return c;
}

/* The request is written before anything is connected, since what the caller
 * wants in it may be refused. */
static ws_conn *dial_url(struct ws__dialing *d, const ws_header *headers,
                         ws_response **resp)
{
    const ws_dialer *dialer = d->dialer;
    char key[WS__KEY_LEN + 1];
    struct dial_request request = {
        .asked = {
            .host_port = d->url->host_port,
            .target = d->url->target,
            .tls = d->url->tls,
            .key = key,
            .credentials = d->url->credentials,
            .subprotocols = dialer->subprotocols,
            .compression = dialer->enable_compression,
            .context_takeover_bits = dialer->context_takeover_bits,
            .headers = headers,
        },
    };
    ws_conn *c = NULL;

    ws__http_out_init(&request.out);
    if (make_websocket_key(key, d->err) == 0 &&
        ws__handshake_request(&request.out, &request.asked, d->err) == 0)
        c = dial_by_proxy(d, &request, resp);
    ws__http_out_fini(&request.out);
    return c;
}

ws_conn *ws_dial(const ws_dialer *dialer, const char *url,
                 const ws_header *headers, ws_response **resp, ws_error *err)
{
    static const ws_dialer defaults;
    ws_response *answer = NULL;
    ws_error unseen;
    struct ws__url u;
    ws_conn *c = NULL;

    if (!dialer)
        dialer = &defaults;
    if (!err)
        err = &unseen;
    *err = (ws_error){ 0 };

    if (ws__url_parse(&u, url, err) == 0) {
        struct ws__dialing d = {
            .dialer = dialer,
            .url = &u,
            .deadline = deadline_of(dialer),
            .err = err,
        };
        c = dial_url(&d, headers, &answer);
        ws__url_fini(&u);
    }
    if (resp)
        *resp = answer;
    else
        ws_response_free(answer);
    return c;
}
