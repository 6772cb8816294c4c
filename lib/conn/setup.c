/* SPDX-License-Identifier: MIT */

#include "conn/setup.h"

#include <errno.h>

#include "base/alloc.h"
#include "conn/extras.h"
#include "conn/inbox.h"
#include "conn/pools.h"
#include "conn/share.h"

/* Smaller buffers could not hold a control frame. */
enum { BUFFER_MIN = 256 };

static int or_default(int value, int standard)
{
    return value == 0 ? standard : value;
}

static size_t buffer_size(size_t wanted, size_t standard)
{
    if (wanted == 0)
        return standard;
    return wanted < BUFFER_MIN ? BUFFER_MIN : wanted;
}

/* Does it need extras of its own? */
static bool setup_is_unusual(const struct ws__setup *s)
{
    return s->read_limit != 0 || s->read_buffer_size != 0 ||
           s->write_buffer_size != 0 || s->write_buffer_pool ||
           s->write_timeout_ms != 0 || s->ping_interval_ms != 0 ||
           s->min_read_rate != 0 || s->deflate.on || s->subprotocol ||
           s->remote || s->share;
}

static int take_words(struct ws__extras *x, const struct ws__setup *s)
{
    x->subprotocol = s->subprotocol ? ws__strdup(s->subprotocol) : NULL;
    x->remote = s->remote ? ws__strdup(s->remote) : NULL;
    return (s->subprotocol && !x->subprotocol) || (s->remote && !x->remote)
               ? -ENOMEM
               : 0;
}

static int take_settings(ws_conn *c, const struct ws__setup *s)
{
    if (!setup_is_unusual(s))
        return 0;
    struct ws__extras *x = ws__extras_own(c);
    if (!x) {
        ws__share_leave(s->share);
        return -ENOMEM;
    }
    x->share = s->share;
    x->read_limit = s->read_limit == 0 ? x->read_limit : s->read_limit;
    x->min_read_rate =
        s->min_read_rate == 0 ? x->min_read_rate : s->min_read_rate;
    x->read_buffer_size = buffer_size(s->read_buffer_size, 0);
    x->write_buffer_size = buffer_size(s->write_buffer_size, WS__WRITE_BUFFER);
    x->write_buffer_pool = s->write_buffer_pool;
    x->write_timeout_ms = or_default(s->write_timeout_ms, x->write_timeout_ms);
    x->ping_interval_ms = or_default(s->ping_interval_ms, x->ping_interval_ms);
    x->gives_up = x->gives_up || s->ping_interval_ms > 0;
    x->deflate = s->deflate;
    x->lookback.on = s->deflate.client_unasked;
    return take_words(x, s);
}

static int take_early(ws_conn *c, const struct ws__setup *s)
{
    if (s->early_len == 0)
        return 0;
    int error = ws__inbox_borrow(c);
    if (error == 0)
        error = ws__buf_resize(&c->r.inbox->in, s->early_len + 1,
                               c->r.inbox->reader.buffers);
    if (error == 0)
        ws__buf_append(&c->r.inbox->in, s->early, s->early_len);
    return error;
}

int ws__setup_apply(ws_conn *c, const struct ws__setup *s)
{
    int error = take_settings(c, s);

    return error == 0 ? take_early(c, s) : error;
}
