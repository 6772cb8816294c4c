/* SPDX-License-Identifier: MIT */

#ifndef WS_CONN_SETUP_H
#define WS_CONN_SETUP_H

#include <silverback/conn.h>

#include "proto/extension.h"

struct ws__share;

/* What a handshake has decided about a connection.  Zero is default, as in
 * ws_upgrader and ws_dialer. */
struct ws__setup {
    bool client;
    struct ws__deflate_params deflate;
    const char *subprotocol; /* copied; NULL: none */
    const char *remote;      /* copied; NULL: as the socket says */
    struct ws__share *share; /* taken, with the connection in it; or NULL */
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

/* Have c, which is new, do as it says.  Returns 0 or -ENOMEM. */
int ws__setup_apply(ws_conn *c, const struct ws__setup *s);

#endif
