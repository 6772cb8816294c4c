/* SPDX-License-Identifier: MIT */

#ifndef WS_IO_TLS_H
#define WS_IO_TLS_H

#include <stdint.h>

#include <silverback/fiber.h>
#include <silverback/tls.h>

#include "io/stream.h"
#include "io/tls_context.h"

/*
 * TLS over a stream: accept or connect puts it there, the handshake follows,
 * and from then on the stream is read and written as any other.  Beneath may be
 * TLS again, to a proxy.
 */

/* Put TLS over s, as a server.  Looks whether the files have changed, at most
 * once a second.  Returns 0, or -ENOMEM and s is as it was. */
int ws__tls_accept(struct ws__stream *s, struct ws__tls_context *x);

/* Where a client has connected to; its strings have to stay until the handshake
 * is over. */
struct ws__tls_host {
    const char *name; /* a name or an address, which a ws_tls may replace */
    const char *host_port; /* "host:port" */
};

/* The same as a client of host.  tls NULL: verify with the system's roots; it has
 * to stay until the handshake is over.  The files are read by the deadline (0:
 * never), unless cancel, which may be NULL, is set.  Returns 0, or a negative code
 * and *err says why. */
int ws__tls_connect(struct ws__stream *s, const ws_tls *tls,
                    const struct ws__tls_host *host, int64_t deadline,
                    ws_event *cancel, ws_error *err);

/*
 * Shake hands by the deadline (0: never), unless cancel, which may be NULL, is
 * set.  Returns 0; WS_ERR_TLS; WS_ERR_HTTP for a client that speaks plain HTTP;
 * WS_ERR_TIMEOUT, WS_ERR_CANCELED, WS_ERR_EOF or a negated errno; and *err says
 * why, in words.
 */
int ws__tls_handshake(struct ws__stream *s, int64_t deadline, ws_event *cancel,
                      ws_error *err);

/* Take TLS off again, without a word to the peer: for what has to be said when
 * a handshake failed. */
void ws__tls_unwrap(struct ws__stream *s);

#endif
