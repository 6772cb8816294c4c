/* SPDX-License-Identifier: MIT */

#include "client/dialing.h"

#include "base/error.h"

int ws__dialing_unanswered(const struct ws__dialing *d,
                           const struct ws__url *hop,
                           const struct ws__stream *s, int code)
{
    const char *whom = hop == d->proxy ? "the proxy " : "";
    const char *at = hop->host_port;

    switch (code) {
    case WS_ERR_TIMEOUT:
        return ws__fail(d->err, code,
                        "no answer from %s%s within the handshake timeout",
                        whom, at);
    case WS_ERR_EOF:
        return ws__fail(d->err, hop == d->proxy ? WS_ERR_PROXY : code,
                        "%s%s closed the connection before it had answered",
                        whom, at);
    default:
        return ws__fail(d->err, code, "handshake with %s%s: %s", whom, at,
                        ws__stream_error(s, code));
    }
}
