/* SPDX-License-Identifier: MIT */

#include "base/alloc.h"
#include "ws/conn.h"
#include "ws/write.h"

enum {
    WRITE_TIMEOUT_MS = 60 * 1000,
    PING_INTERVAL_MS = 30 * 1000,
};

static const struct ws__extras usual_of_server = {
    .read_limit = WS__READ_LIMIT,
    .write_buffer_size = WS__WRITE_BUFFER,
    .write_timeout_ms = WRITE_TIMEOUT_MS,
    .ping_interval_ms = PING_INTERVAL_MS,
};

static const struct ws__extras usual_of_client = {
    .read_limit = WS__READ_LIMIT,
    .write_buffer_size = WS__WRITE_BUFFER,
    .write_timeout_ms = WRITE_TIMEOUT_MS,
    .ping_interval_ms = -1,
};

const struct ws__extras *ws__extras(const ws_conn *c)
{
    const struct ws__extras *x =
        atomic_load_explicit(&c->extras, memory_order_acquire);

    if (x)
        return x;
    return c->client ? &usual_of_client : &usual_of_server;
}

/* Whoever comes second takes the first's. */
struct ws__extras *ws__extras_own(ws_conn *c)
{
    struct ws__extras *there = atomic_load(&c->extras);

    if (there)
        return there;
    struct ws__extras *x = ws__alloc(sizeof(*x));
    if (!x)
        return NULL;
    *x = c->client ? usual_of_client : usual_of_server;
    if (atomic_compare_exchange_strong(&c->extras, &there, x))
        return x;
    ws_free(x);
    return there;
}

void ws__extras_free(ws_conn *c)
{
    struct ws__extras *x = atomic_load(&c->extras);

    if (!x)
        return;
    ws_free(x->subprotocol);
    ws_free(atomic_load(&x->names));
    ws_free(x);
}
