/* SPDX-License-Identifier: MIT */

/*
 * Holding small answers back: a burst of requests gets its answers in one
 * packet.  The rule stands at ws_flush in conn.h.
 */

#include "conn/out.h"
#include "conn/write.h"
#include "fiber/stopwatch.h"

/* To ask for the time costs a good part of what an answer does. */
static bool is_looked_at(const struct ws__outgoing *o)
{
    return o->held == 1 || (o->held > 0 && o->held % 8 == 0);
}

static bool reads_on(ws_conn *c)
{
    const struct ws__reading *g = c->r.now;

    return g && ws__reader_has_next(&g->reader, &g->in);
}

bool ws__hold_wanted(ws_conn *c)
{
    const struct ws__outgoing *o = c->w.out;

    if (!atomic_load_explicit(&c->w.coalesce, memory_order_relaxed) ||
        atomic_load_explicit(&c->reading_fiber, memory_order_relaxed) !=
            ws__parker_self() ||
        ws__buf_used(&o->buf) > ws__extras(c)->write_buffer_size ||
        !reads_on(c))
        return false;
    return !is_looked_at(o) || !ws__out_is_late(o);
}

static struct ws__reading *reading_of(struct ws__before *b)
{
    return (struct ws__reading *)((char *)b -
                                  offsetof(struct ws__reading, before));
}

/* Run by the reading fiber before it waits. */
static void send_held(struct ws__before *b)
{
    struct ws__reading *g = reading_of(b);
    ws_conn *c = g->conn;

    g->queued = false;
    ws__outbox_flush_held(c);
    ws_unref(c);
}

/* The same where it holds another connection's lock meanwhile. */
static bool try_held(struct ws__before *b)
{
    struct ws__reading *g = reading_of(b);
    ws_conn *c = g->conn;

    ws__outbox_send(c);
    if (ws__outbox_has_rest(c))
        return false;
    g->queued = false;
    ws_unref(c);
    return true;
}

void ws__hold(ws_conn *c)
{
    struct ws__reading *g = c->r.now;

    if (c->w.out->held++ == 0)
        c->w.out->held_since = ws__ticks();
    if (g->queued)
        return;
    g->queued = true;
    g->before.fn = send_held;
    g->before.attempt = try_held;
    ws_ref(c);
    ws__before_park(&g->before);
}

void ws_set_coalescing(ws_conn *c, bool enable)
{
    if (c)
        atomic_store(&c->w.coalesce, enable);
}
