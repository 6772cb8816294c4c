/* SPDX-License-Identifier: MIT */

/* A connection that something else has shaken hands for. */

#include <silverback/upgrade.h>

#include "base/error.h"
#include "conn/count.h"
#include "conn/setup.h"
#include "io/sock.h"

ws_conn *ws_adopt(int fd, const ws_adoption *a, ws_error *err)
{
    static const ws_adoption standard;
    struct ws__stream stream;

    a = a ? a : &standard;
    if (err)
        *err = (ws_error){ 0 };
    ws__stream_socket(&stream, fd);
    int error = ws__nonblocking(fd);
    if (error != 0) {
        ws__stream_fini(&stream);
        ws__fail(err, error, "adopt: descriptor %d: %s", fd,
                 ws_strerror(error));
        return NULL;
    }
    const struct ws__setup setup = {
        .client = a->client,
        .deflate = { .on = a->compression,
                     .server_bits = 15,
                     .client_bits = 15 },
        .subprotocol = a->subprotocol,
        .early = a->early,
        .early_len = a->early_len,
        .read_limit = a->read_limit,
        .write_timeout_ms = a->write_timeout_ms,
        .ping_interval_ms = a->ping_interval_ms,
        .min_read_rate = a->min_read_rate,
    };
    ws_conn *c = ws__conn_new(&stream, &setup, err);
    if (c)
        ws__count_once(c, WS_COUNT_OPENED);
    return c;
}
