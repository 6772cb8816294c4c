/* SPDX-License-Identifier: MIT */

#include "conn/coalesce.h"

#include "conn/extras.h"
#include "conn/inbox.h"
#include "conn/outbox.h"
#include "conn/sendbuf.h"
#include "fiber/stopwatch.h"

/* To ask for the time costs a good part of what an answer does, so it is done
 * for the first that waits, and then for every eighth. */
static bool is_looked_at(const struct ws__sendbuf *o)
{
    return o->coalesced == 1 || (o->coalesced > 0 && o->coalesced % 8 == 0);
}

static bool reads_on(ws_conn *c)
{
    const struct ws__inbox *g = c->r.inbox;

    return g && ws__reader_has_next(&g->reader, &g->in);
}

bool ws__coalesce_wanted(ws_conn *c)
{
    const struct ws__sendbuf *o = c->w.sendbuf;

    if (!ws__is_on(c, WS__COALESCES) ||
        atomic_load_explicit(&c->reading_fiber, memory_order_relaxed) !=
            ws__parker_self() ||
        ws__buf_used(&o->buf) > ws__extras(c)->write_buffer_size ||
        !reads_on(c))
        return false;
    return !is_looked_at(o) || !ws__sendbuf_is_late(o);
}

static struct ws__inbox *inbox_of(struct ws__before *b)
{
    return (struct ws__inbox *)((char *)b - offsetof(struct ws__inbox, before));
}

/* Run by the reading fiber before it waits. */
static void send_coalesced(struct ws__before *b)
{
    ws_conn *c = inbox_of(b)->conn;

    ws__outbox_flush_coalesced(c);
    ws__inbox_promise(c, false);
    ws_unref(c);
}

/* Run instead of that where it is to wait with locks of others held (see the end
 * of conn/outbox.h): so this does not wait. */
static bool try_coalesced(struct ws__before *b)
{
    ws_conn *c = inbox_of(b)->conn;

    ws__outbox_send(c);
    if (ws__outbox_has_unsent(c))
        return false;
    ws__inbox_promise(c, false);
    ws_unref(c);
    return true;
}

void ws__coalesce(ws_conn *c)
{
    struct ws__inbox *g = c->r.inbox;

    if (c->w.sendbuf->coalesced++ == 0)
        c->w.sendbuf->coalesced_since = ws__ticks();
    if (ws__inbox_has_promised(c))
        return;
    ws__inbox_promise(c, true);
    g->before.fn = send_coalesced;
    g->before.attempt = try_coalesced;
    ws_ref(c);
    ws__before_park(&g->before);
}

void ws_set_coalescing(ws_conn *c, bool enable)
{
    if (c)
        ws__switch_on(c, WS__COALESCES, enable);
}
