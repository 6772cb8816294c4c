/* SPDX-License-Identifier: MIT */

#ifndef WS_CLIENT_DIAL_STREAM_H
#define WS_CLIENT_DIAL_STREAM_H

#include <silverback/dial.h>

#include "io/stream.h"
#include "proto/url.h"

/* A dial under way. */
struct ws__dial {
    const ws_dialer *dialer;
    const struct ws__url *url;
    const struct ws__url *proxy; /* NULL: none */
    int64_t deadline;            /* over all of it */
    ws_error *err;
};

/* Connect, through the proxy if there is one.  Returns 0, or a negative code
 * and *d->err says why; *resp is then the proxy's answer, if it has refused in
 * HTTP. */
int ws__dial_stream(const struct ws__dial *d, struct ws__stream *s,
                    ws_response **resp);

/* Have the proxy at the other end of s connect to the server; the same. */
int ws__dial_tunnel(const struct ws__dial *d, struct ws__stream *s,
                    ws_response **resp);

/* Say why there was no answer on s from hop, the server or the proxy, unless it
 * was said.  Returns code; or WS_ERR_PROXY when the proxy has hung up. */
int ws__dial_unanswered(const struct ws__dial *d, const struct ws__url *hop,
                        const struct ws__stream *s, int code);

#endif
