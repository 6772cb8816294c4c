/* SPDX-License-Identifier: MIT */

#include "conn/extras.h"

#include "base/alloc.h"
#include "conn/pools.h"
#include "conn/share.h"

enum {
    WRITE_TIMEOUT_MS = 60 * 1000,
    PING_INTERVAL_MS = 25 * 1000, /* many proxies allow 30 s of silence */
    MIN_READ_RATE = 1024,
    RATE_WINDOW_MS = 60 * 1000,
};

const struct ws__extras ws__usual[2] = {
    {
        .read_limit = WS__READ_LIMIT,
        .write_buffer_size = WS__WRITE_BUFFER,
        .write_timeout_ms = WRITE_TIMEOUT_MS,
        .ping_interval_ms = PING_INTERVAL_MS,
        .min_read_rate = MIN_READ_RATE,
        .rate_window_ms = RATE_WINDOW_MS,
        .gives_up = true,
    },
    {
        .read_limit = WS__READ_LIMIT,
        .write_buffer_size = WS__WRITE_BUFFER,
        .write_timeout_ms = WRITE_TIMEOUT_MS,
        .ping_interval_ms = PING_INTERVAL_MS,
        .min_read_rate = MIN_READ_RATE,
        .rate_window_ms = RATE_WINDOW_MS,
    },
};

struct ws__extras *ws__extras_if_own(ws_conn *c)
{
    const struct ws__extras *x = ws__extras(c);

    return x == &ws__usual[c->client] ? NULL : (struct ws__extras *)x;
}

/* Of two at once the second one takes the first's, and frees its own. */
struct ws__extras *ws__extras_own(ws_conn *c)
{
    const struct ws__extras *usual = &ws__usual[c->client];
    struct ws__extras *x = ws__extras_if_own(c);

    if (x)
        return x;
    x = ws__alloc(sizeof(*x));
    if (!x)
        return NULL;
    *x = *usual;
    if (atomic_compare_exchange_strong(&c->extras, &usual, x))
        return x;
    ws_free(x);
    return ws__extras_if_own(c);
}

void ws__extras_free(ws_conn *c)
{
    struct ws__extras *x = ws__extras_if_own(c);

    if (!x)
        return;
    ws__share_leave(x->share);
    ws_free(x->remote);
    ws__lookback_fini(&x->lookback);
    ws_free(x->subprotocol);
    ws_free(atomic_load(&x->addresses));
    ws_free(atomic_load(&x->cert));
    ws_free(atomic_load(&x->words));
    ws_free(x);
}
