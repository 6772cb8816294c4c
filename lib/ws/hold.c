/* SPDX-License-Identifier: MIT */

/*
 * Holding small answers back: a burst of requests gets its answers in one
 * packet.  The rule stands at ws_flush in conn.h.
 */

#include "fiber/stopwatch.h"
#include "ws/write.h"

enum {
    LATE_US = 100,
    LATE_MAX = 3,
};

static bool is_late(const ws_conn *c)
{
    return ws__ticks() - c->w.held_since > ws__ticks_of_us(LATE_US);
}

bool ws__hold_wanted(ws_conn *c)
{
    if (!atomic_load_explicit(&c->w.coalesce, memory_order_relaxed) ||
        atomic_load_explicit(&c->reading_fiber, memory_order_relaxed) !=
            ws__parker_self() ||
        ws__buf_used(&c->w.out) > c->w.buffer_size ||
        !ws__reader_has_next(&c->r.reader, &c->r.in))
        return false;
    return !c->w.held || !is_late(c);
}

/* Run by the reading fiber before it waits. */
static void send_held(struct ws__before *b)
{
    ws_conn *c = (ws_conn *)((char *)b - offsetof(ws_conn, w.before));

    c->w.queued = false;
    ws__write_held(c);
    ws_unref(c);
}

void ws__hold(ws_conn *c)
{
    if (!c->w.held)
        c->w.held_since = ws__ticks();
    c->w.held = true;
    if (c->w.queued)
        return;
    c->w.queued = true;
    c->w.before.fn = send_held;
    ws_ref(c);
    ws__before_park(&c->w.before);
}

void ws__hold_over(ws_conn *c)
{
    if (!c->w.held)
        return;
    c->w.held = false;
    c->w.late = is_late(c) ? c->w.late + 1 : 0;
    if (c->w.late >= LATE_MAX)
        atomic_store(&c->w.coalesce, false);
}

void ws_set_coalescing(ws_conn *c, bool enable)
{
    if (c)
        atomic_store(&c->w.coalesce, enable);
}
