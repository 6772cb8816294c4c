/* SPDX-License-Identifier: MIT */

#include "conn/end.h"

#include "conn/outqueue.h"
#include "fiber/lot.h"

/* Those who wait for their turn. */
static void end_wake(ws_conn *c)
{
    ws__lot_wake(&c->end, NULL, true);
}

/* Rule 5 of conn/outbox. */
bool ws__conn_end(ws_conn *c, enum ws__end end)
{
    unsigned char was = atomic_load(&c->end);

    while (was < end && !atomic_compare_exchange_weak(&c->end, &was, end))
        continue;
    bool whole = was < WS__SHUT && !atomic_load(&c->r.waiting) &&
                 !atomic_load(&c->r.inside) && !atomic_load(&c->w.waiting);
    if (!whole || end == WS__SHUT)
        ws__stream_break(&c->stream);
    end_wake(c);
    ws__outqueue_end(c);
    return whole;
}

bool ws__conn_cut(ws_conn *c)
{
    unsigned char open = WS__OPEN;
    bool was_open = atomic_compare_exchange_strong(&c->end, &open, WS__CUT);

    if (was_open)
        end_wake(c);
    return was_open;
}

void ws_shutdown(ws_conn *c)
{
    if (c)
        ws__conn_end(c, WS__SHUT);
}
