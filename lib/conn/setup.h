/* SPDX-License-Identifier: MIT */

#ifndef WS_CONN_SETUP_H
#define WS_CONN_SETUP_H

#include <silverback/conn.h>

#include "io/stream.h"
#include "proto/extension.h"

/* What a handshake has decided about a connection.  Zero is default, as in
 * ws_upgrader and ws_dialer. */
struct ws__setup {
    bool client;
    struct ws__deflate_params deflate;
    const char *subprotocol; /* copied; NULL: none */
    const void *early;       /* came behind the handshake; copied */
    size_t early_len;
    size_t read_buffer_size;
    size_t write_buffer_size;
    const ws_buffer_pool *write_buffer_pool;
    int64_t read_limit;
    int write_timeout_ms;
    int ping_interval_ms;
    int64_t min_read_rate;
};

/* A connection over s, which is taken, also when it fails: then NULL, and *err
 * says why. */
ws_conn *ws__conn_new(const struct ws__stream *s, const struct ws__setup *setup,
                      ws_error *err);

/* Send a close frame if that needs no waiting, else as soon as the one who is
 * writing is done: for a server that shuts down.  From any thread. */
void ws__conn_goodbye(ws_conn *c, int code);

/* Send what small answers the calling fiber still holds back (see ws_flush),
 * for whoever ends a handler: this is ws__before_park_run of fiber/park. */

#endif
