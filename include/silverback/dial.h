/* SPDX-License-Identifier: MIT */

#ifndef SILVERBACK_DIAL_H
#define SILVERBACK_DIAL_H

#include "conn.h"
#include "fiber.h"
#include "http.h"

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
    int context_takeover_bits;
    int64_t read_limit;
    int write_timeout_ms;
    int ping_interval_ms; /* 0: none, as in a browser */

    const ws_tls *tls; /* for wss; NULL: verify with the system's roots */

    /* Connect in another way; returns a connected
     * stream socket, which is taken, or a code.  May wait as any call here. */
    int (*connect)(const char *host, const char *port, int64_t deadline,
                   void *arg);

    void *arg; /* handed to connect */

    ws_event *cancel; /* setting it ends every dial of this dialer with
                       * WS_ERR_CANCELED: use a dialer of its own */
} ws_dialer;

/* The server's answer, whether or not it was the one hoped for. */
typedef struct ws_response {
    int status;
    const ws_header *headers;
    const char *body; /* of a refusal, at most 1024 bytes */
    size_t body_len;
} ws_response;
WS_API void ws_response_free(ws_response *resp);

/*
 * Connect to a ws:// or wss:// URL.
 *
 * Returns a connection that the caller must ws_close; or NULL, and *err tells
 * why.  *resp, if asked for, is the caller's to free in both cases; it is NULL
 * when no answer came.  d, headers, resp and err may be NULL.  headers (Origin,
 * Cookie, Authorization; Host replaces ours) must not name what the handshake
 * itself writes: WS_ERR_INVALID.  Redirects are not followed.
 */
WS_API WS_CHECKED ws_conn *ws_dial(const ws_dialer *d, const char *url,
                                   const ws_header *headers, ws_response **resp,
                                   ws_error *err);

WS_END_DECLS

#endif
