/* SPDX-License-Identifier: MIT */

#include "conn/end.h"

#include "fiber/lot.h"

/* Rule 5 of conn/outbox. */
bool ws__conn_end(ws_conn *c, enum ws__end end)
{
    unsigned char was = atomic_load(&c->end);

    while (was < end && !atomic_compare_exchange_weak(&c->end, &was, end))
        continue;
    bool whole = was == WS__OPEN && !atomic_load(&c->r.waiting) &&
                 !atomic_load(&c->w.waiting);
    if (!whole || end == WS__SHUT)
        ws__stream_break(&c->stream);
    ws__lot_wake(&c->end, NULL, true);
    return whole;
}

void ws_shutdown(ws_conn *c)
{
    if (c)
        ws__conn_end(c, WS__SHUT);
}
