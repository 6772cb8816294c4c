/* SPDX-License-Identifier: MIT */

#ifndef WS_CLIENT_DIALING_H
#define WS_CLIENT_DIALING_H

#include <silverback/dial.h>

#include "io/stream.h"
#include "proto/url.h"

/* A dial under way. */
struct ws__dialing {
    const ws_dialer *dialer;
    const struct ws__url *url;
    const struct ws__url *proxy; /* NULL: none */
    int64_t deadline;            /* over all of it */
    ws_error *err;
};

/* Say why there was no answer on s from hop, the server or the proxy, unless it
 * was said.  Returns code; or WS_ERR_PROXY when the proxy has hung up. */
int ws__dialing_unanswered(const struct ws__dialing *d,
                           const struct ws__url *hop,
                           const struct ws__stream *s, int code);

#endif
