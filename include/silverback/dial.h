/* SPDX-License-Identifier: MIT */

#ifndef SILVERBACK_DIAL_H
#define SILVERBACK_DIAL_H

#include "conn.h"
#include "fiber.h"
#include "http.h"
#include "tls.h"

WS_BEGIN_DECLS

/* How to reach a server.  Zero is default, as in ws_upgrader unless said; only
 * read, and not kept, so all fibers may share it. */
typedef struct ws_dialer {
    int handshake_timeout_ms; /* over all of it, DNS to 101; 0: 45 000 */
    size_t read_buffer_size;
    size_t write_buffer_size;
    const ws_buffer_pool *write_buffer_pool;
    const char *const *subprotocols;
    bool enable_compression;
    int context_takeover_bits; /* is offered; what a server of its own accord
                                * keeps or bounds otherwise is read as well */
    int64_t read_limit;
    int write_timeout_ms;

    /* As in ws_upgrader; but 0: a ping after each 25 000 of silence, for the
     * proxies in between, and no server is given up for want of an answer: one
     * that only writes gives none. */
    int ping_interval_ms;

    /* "http://user:pass@host:port", "https://...", "socks5://...", "" for none;
     * NULL: HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY decide, in either
     * case; an environment proxy is not used for this machine itself. */
    const char *proxy;

    /* For wss, and for an https proxy, whose name is then the proxy's host;
     * NULL: verify with the system's roots. */
    const ws_tls *tls;

    /* Connect in another way, to the proxy if there is one (to a local socket:
     * host is its path, port ""); returns a connected
     * stream socket, which is taken, or a code.  May wait as any call here, and
     * has to end by the deadline itself (0: never). */
    int (*connect)(const char *host, const char *port, int64_t deadline,
                   void *arg);

    void *arg; /* handed to connect */

    ws_event *cancel; /* setting it ends every dial of this dialer with
                       * WS_ERR_CANCELED: use a dialer of its own */

    int max_response_fields; /* header fields of an answer; 0: 100, -1: as many
                              * as 64 KiB hold, which no head may exceed */
    int64_t min_read_rate;
} ws_dialer;

/* The server's answer, whether or not it was the one hoped for; or, with
 * WS_ERR_PROXY (whatever a proxy does wrong), the proxy's refusal. */
typedef struct ws_response {
    int status;
    const ws_header *headers;
    const char *body; /* of a refusal, at most 1024 bytes */
    size_t body_len;
} ws_response;
WS_API void ws_response_free(ws_response *resp);

/*
 * Connect to a ws:// or wss:// URL; or to a local socket, by
 * "ws+unix:/run/chat.sock:/target?query" or wss+unix, as ws of npm has it: the
 * first colon ends the path, in which a colon of its own is "%3A", and without a
 * target it is "/".  The Host is "localhost", and there is no proxy.
 *
 * In its path and query, whatever RFC 3986 has not there is percent-encoded, as
 * browsers do, bytes beyond ASCII among it; a "%" that begins no escape, a
 * fragment and control bytes are refused.  Before the path nothing is mended: a
 * host that is not ASCII is to come in punycode.  A link-local address has its
 * zone behind it, "[fe80::1%25eth0]" (RFC 6874), which no server is told.
 *
 * Returns a connection that the caller must ws_close; or NULL, and *err tells
 * why.  *resp, if asked for, is the caller's to free in both cases; it is NULL
 * when no answer came.  d, headers, resp and err may be NULL.  headers (Origin,
 * Cookie, Authorization; Host replaces ours) must not name what the handshake
 * itself writes, nor hold CR, LF or another control byte: WS_ERR_INVALID, before
 * anything is connected.  "user:password@" in the URL is sent as Basic
 * Authorization, unless headers has one.  A name is resolved by the proxy if
 * there is one.  Redirects are not followed.
 */
WS_API WS_CHECKED ws_conn *ws_dial(const ws_dialer *d, const char *url,
                                   const ws_header *headers, ws_response **resp,
                                   ws_error *err);

WS_END_DECLS

#endif
