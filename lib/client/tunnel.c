/* SPDX-License-Identifier: MIT */

#include "client/tunnel.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/line.h"
#include "client/response.h"
#include "proto/handshake_client.h"
#include "proto/http_write.h"
#include "proto/socks5.h"

/* What the proxy has said, if it was heard, stands in why.  Its faults are no
 * server's. */
static int proxy_unanswered(const struct ws__dialing *d,
                            const struct ws__exchange *x, const ws_error *why,
                            int code)
{
    if (why->code != 0)
        return ws__fail(d->err, WS_ERR_PROXY, "the proxy %s: %s",
                        d->proxy->host_port, why->text);
    return ws__dialing_unanswered(d, d->proxy, x->stream, code);
}

/* The server speaks second, so this is not its: a proxy that sends it does not
 * know where its answer ends. */
static int check_nothing_left(const struct ws__dialing *d,
                              const struct ws__exchange *x)
{
    size_t n = ws__buf_used(&x->in);

    if (n == 0)
        return 0;
    return ws__fail(d->err, WS_ERR_PROXY,
                    "the proxy %s: unexpected bytes behind its answer (%zu)",
                    d->proxy->host_port, n);
}

/* ---- HTTP (RFC 9110, section 9.3.6) -------------------------------------- */

static int write_connect(const struct ws__dialing *d, struct ws__http_out *o)
{
    ws__http_request_line(o, "CONNECT", d->url->authority);
    ws__http_field(o, "Host", d->url->authority);
    if (d->proxy->credentials)
        ws__http_basic(o, "Proxy-Authorization", d->proxy->credentials);
    return ws__http_end(o);
}

static const char *proxy_hint(int status)
{
    static const struct {
        int status;
        const char *text;
    } rows[] = {
        { 400, "; is it a proxy?" },
        { 401, "; it wants other credentials" },
        { 403, "; it may not allow this host or port" },
        { 404, "; is it a proxy?" },
        { 405, "; it does not allow CONNECT" },
        { 407, "; it wants credentials (http://user:password@...)" },
        { 502, "; it cannot reach the server" },
        { 503, "; it cannot reach the server" },
        { 504, "; it cannot reach the server in time" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        if (rows[i].status == status)
            return rows[i].text;
    return "";
}

static int proxy_refused(const struct ws__dialing *d, const ws_response *answer)
{
    const char *to = ws__redirect(answer->status, answer->headers);
    char quote[WS__QUOTED];

    ws__fail(d->err, WS_ERR_PROXY,
             "the proxy %.50s answered %d to CONNECT %.50s%s%s",
             d->proxy->host_port, answer->status, d->url->authority,
             to ? "; it redirects to " : proxy_hint(answer->status),
             to ? ws__quote(quote, ws__str(to)) : "");
    d->err->http_status = answer->status;
    return WS_ERR_PROXY;
}

/* Returns 0 and the answer, which is no refusal yet. */
static int ask_http(const struct ws__dialing *d, struct ws__exchange *x,
                    ws_response **resp)
{
    struct ws__http_out o;
    ws_error why = { 0 };
    int minor;

    ws__http_out_init(&o);
    int r = write_connect(d, &o);
    if (r == 0)
        r = ws__exchange_send(x, o.p, o.len);
    if (r == 0)
        r = ws__response_read(x, resp, &minor, &why);
    ws__http_out_fini(&o);
    return r == 0 ? 0 : proxy_unanswered(d, x, &why, r);
}

static int tunnel_http(const struct ws__dialing *d, struct ws__exchange *x,
                       ws_response **resp)
{
    ws_response *answer = NULL;
    int r = ask_http(d, x, &answer);

    if (!answer)
        return r;
    if (answer->status < 200 || answer->status > 299) {
        *resp = answer;
        return proxy_refused(d, answer);
    }
    ws_response_free(answer);
    return check_nothing_left(d, x);
}

/* ---- SOCKS5 ------------------------------------------------------------- */

/* Say what is to be said, and hear what the proxy says to it. */
static int take_turn(struct ws__socks5 *s, struct ws__exchange *x,
                     ws_error *why)
{
    int r = ws__exchange_send(x, s->out, s->out_len);
    int n = 0;

    while (r == 0 && n == 0) {
        r = ws__exchange_fill(x);
        if (r == 0)
            n = ws__socks5_take(s, x->in.pos, ws__buf_used(&x->in), why);
    }
    if (r != 0 || n < 0)
        return r != 0 ? r : n;
    x->in.pos += n;
    return 0;
}

static int tunnel_socks(const struct ws__dialing *d, struct ws__exchange *x)
{
    const struct ws__url *proxy = d->proxy;
    unsigned port = (unsigned)strtoul(d->url->port, NULL, 10);
    struct ws__socks5 s;
    ws_error why = { 0 };
    int r = ws__socks5_begin(&s, d->url->name, port, proxy->credentials,
                             proxy->user_len, &why);

    while (r == 0 && s.out_len > 0) {
        r = take_turn(&s, x, &why);
        if (r == 0)
            r = check_nothing_left(d, x);
    }
    explicit_bzero(&s, sizeof(s)); /* what it said held the password */
    return r == 0 ? 0 : proxy_unanswered(d, x, &why, r);
}

int ws__tunnel(const struct ws__dialing *d, struct ws__stream *s,
               ws_response **resp)
{
    struct ws__exchange x = {
        .stream = s,
        .deadline = d->deadline,
        .cancel = d->dialer->cancel,
        .tunnel = true,
        .max_fields = d->dialer->max_response_fields,
    };
    int r = d->proxy->socks ? tunnel_socks(d, &x) : tunnel_http(d, &x, resp);

    ws__buf_release(&x.in, NULL);
    return r;
}
