/* SPDX-License-Identifier: MIT */

#include "http/secure.h"

#include "fiber/sched.h"
#include "http/access.h"
#include "io/tls.h"

/* The client said its request in the clear, so the answer is, too. */
static void answer_plain(struct ws__stream *stream)
{
    static const char answer[] = "HTTP/1.1 400 Bad Request\r\n"
                                 "Connection: close\r\n"
                                 "Content-Type: text/plain; charset=utf-8\r\n"
                                 "Content-Length: 43\r\n\r\n"
                                 "This port speaks TLS: use https:// or wss:\n";

    (void)ws__stream_write(stream, answer, sizeof(answer) - 1, ws_now());
}

/* A shutdown cuts a handshake as it does a connection that has sent no
 * request. */
static int secure_stream(struct ws__session *s, ws_error *err)
{
    int64_t until = ws__entry_idle(&s->entry, true)
                        ? s->first_by
                        : ws__earlier(s->first_by, s->fresh_until);
    int error = ws__tls_accept(&s->stream, s->host->tls);
    if (error != 0)
        return error;
    error = ws__tls_handshake(&s->stream, until, NULL, err);
    if (error != 0)
        ws__tls_unwrap(&s->stream);
    ws__entry_idle(&s->entry, false);
    return error;
}

bool ws__secure(struct ws__session *s, bool *answered)
{
    ws_error err = { 0 };
    int error = s->host->tls ? secure_stream(s, &err) : 0;

    *answered = error == WS_ERR_TLS || error == WS_ERR_HTTP;
    if (error == WS_ERR_TLS || error == WS_ERR_HTTP)
        ws__access_tls_failed(s);
    if (error == WS_ERR_TLS)
        ws__tls_context_complain(s->host->tls, s->remote, &err);
    else if (error == WS_ERR_HTTP)
        answer_plain(&s->stream);
    return error == 0;
}
