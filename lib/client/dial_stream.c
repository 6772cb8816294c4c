/* SPDX-License-Identifier: MIT */

#include "client/dial_stream.h"

#include <errno.h>
#include <unistd.h>

#include "base/error.h"
#include "client/tunnel.h"
#include "conn/conn.h"
#include "fiber/sync.h"
#include "io/connect.h"
#include "io/sock.h"
#include "io/tls.h"

static int connect_fail(const struct ws__dialing *d, const struct ws__url *hop,
                        int r)
{
    return ws__fail(
        d->err, r, "connect to %s%s: %s", d->proxy ? "the proxy " : "",
        hop->path ? hop->path : hop->host_port,
        r == WS_ERR_TIMEOUT ? "no answer within the handshake timeout"
                            : ws__connect_error(hop->host, r));
}

static int connect_by_hook(const struct ws__dialing *d,
                           const struct ws__url *hop)
{
    const ws_dialer *dialer = d->dialer;
    int fd = dialer->connect(hop->path ? hop->path : hop->host, hop->port,
                             d->deadline, dialer->arg);

    if (fd < 0)
        return fd;
    int r = ws__nonblocking(fd);
    if (r != 0) {
        close(fd);
        return r;
    }
    return fd;
}

/* Returns a descriptor or a negative code. */
static int connect_to(const struct ws__dialing *d, const struct ws__url *hop)
{
    ws_event *cancel = d->dialer->cancel;
    int fd = WS_ERR_CANCELED;

    if (cancel && ws_event_is_set(cancel))
        return connect_fail(d, hop, fd);
    if (d->dialer->connect)
        fd = connect_by_hook(d, hop);
    else if (hop->path)
        fd = ws__connect_path(hop->path, d->deadline, cancel);
    else
        fd =
            ws__connect_host(hop->host, hop->port, d->deadline, cancel, d->err);
    return fd < 0 ? connect_fail(d, hop, fd) : fd;
}

/* A server_name and a pinned_key are the server's, not the proxy's. */
static int secure_hop(const struct ws__dialing *d, const struct ws__url *hop,
                      struct ws__stream *s)
{
    const struct ws__tls_host host = { hop->name, hop->host_port };
    const ws_tls *tls = d->dialer->tls;
    ws_tls of_proxy;

    if (tls && hop == d->proxy) {
        of_proxy = *tls;
        of_proxy.server_name = NULL;
        of_proxy.pinned_key = NULL;
        tls = &of_proxy;
    }
    int r =
        ws__tls_connect(s, tls, &host, d->deadline, d->dialer->cancel, d->err);
    if (r == 0)
        r = ws__tls_handshake(s, d->deadline, d->dialer->cancel, d->err);
    return r;
}

/* One layer on the other: TLS to the proxy, its tunnel, TLS to the server. */
static int build_stream(const struct ws__dialing *d, struct ws__stream *s,
                        ws_response **resp)
{
    int r = 0;

    if (d->proxy && d->proxy->tls)
        r = secure_hop(d, d->proxy, s);
    if (r == 0 && d->proxy)
        r = ws__tunnel(d, s, resp);
    if (r == 0 && d->url->tls)
        r = secure_hop(d, d->url, s);
    return r;
}

int ws__dial_stream(const struct ws__dialing *d, struct ws__stream *s,
                    ws_response **resp)
{
    const struct ws__url *hop = d->proxy ? d->proxy : d->url;
    int fd = connect_to(d, hop);

    if (fd < 0)
        return fd;
    ws__stream_socket(s, fd);

    int r = ws__conn_watch(s);
    r = r == 0 ? build_stream(d, s, resp) : connect_fail(d, hop, r);
    if (r != 0)
        ws__stream_fini(s);
    return r;
}
