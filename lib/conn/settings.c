/* SPDX-License-Identifier: MIT */

/* What a program may set of a connection that there is. */

#include <errno.h>

#include "conn/error.h"
#include "conn/extras.h"
#include "conn/inbox.h"

/* A connection that there is no memory to set up is none to go on with. */
static struct ws__extras *to_set(ws_conn *c)
{
    struct ws__extras *x = c ? ws__extras_own(c) : NULL;

    if (c && !x) {
        ws__conn_fail(c, -ENOMEM, "out of memory for a setting");
        ws_shutdown(c);
    }
    return x;
}

/* To have none takes no memory. */
static struct ws__extras *to_set_deadline(ws_conn *c, int64_t deadline)
{
    return c && (deadline != 0 || ws__extras_if_own(c)) ? to_set(c) : NULL;
}

void ws_set_read_limit(ws_conn *c, int64_t bytes)
{
    struct ws__extras *x = to_set(c);

    if (!x)
        return;
    x->read_limit = bytes == 0 ? WS__READ_LIMIT : bytes;
    if (c->r.inbox)
        c->r.inbox->reader.limit = x->read_limit;
}

void ws_set_read_deadline(ws_conn *c, int64_t deadline)
{
    struct ws__extras *x = to_set_deadline(c, deadline);

    if (x)
        atomic_store_explicit(&x->read_deadline, deadline,
                              memory_order_relaxed);
}

void ws_set_write_deadline(ws_conn *c, int64_t deadline)
{
    struct ws__extras *x = to_set_deadline(c, deadline);

    if (x)
        atomic_store_explicit(&x->write_deadline, deadline,
                              memory_order_relaxed);
}

void ws_enable_write_compression(ws_conn *c, bool enable)
{
    if (c)
        ws__switch_on(c, WS__COMPRESSES, enable);
}

int ws_set_compression_level(ws_conn *c, int level)
{
    if (!c || !ws__deflate_level_valid(level))
        return WS_ERR_INVALID;
    atomic_store_explicit(&c->w.level, (signed char)level,
                          memory_order_relaxed);
    return 0;
}

void ws_set_ping_handler(ws_conn *c, ws_control_fn fn, void *arg)
{
    struct ws__extras *x = to_set(c);

    if (!x)
        return;
    x->on_ping = fn;
    x->on_ping_arg = arg;
}

void ws_set_pong_handler(ws_conn *c, ws_control_fn fn, void *arg)
{
    struct ws__extras *x = to_set(c);

    if (!x)
        return;
    x->on_pong = fn;
    x->on_pong_arg = arg;
}

void ws_set_close_delay(ws_conn *c, int ms)
{
    struct ws__extras *x = to_set(c);

    if (x)
        x->close_delay_ms = ms;
}

void ws_set_close_handler(ws_conn *c, ws_close_fn fn, void *arg)
{
    struct ws__extras *x = to_set(c);

    if (!x)
        return;
    x->on_close = fn;
    x->on_close_arg = arg;
}
