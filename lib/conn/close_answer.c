/* SPDX-License-Identifier: MIT */

#include "conn/close_answer.h"

#include "conn/extras.h"
#include "conn/outbox.h"

bool ws__close_answer_hold(ws_conn *c)
{
    int ms = ws__extras(c)->close_delay_ms;
    unsigned char open = WS__NOT_CLOSING;

    if (ms == 0)
        return false;
    ws__extras_own(c)->answer_until = ms < 0 ? 0 : ws_after(ms);
    return atomic_compare_exchange_strong(&c->w.closing, &open, WS__CLOSE_HELD);
}

void ws__close_answer_give(ws_conn *c)
{
    if (atomic_load(&c->w.closing) == WS__CLOSE_HELD)
        ws__outbox_close(c, ws_close_code(c), NULL);
}

int ws__close_answer_check(ws_conn *c)
{
    if (ws__close_was_sent(c))
        return WS_ERR_CLOSE_SENT;
    int64_t until = ws__extras(c)->answer_until;
    if (until == 0 || ws_now() < until)
        return 0;
    ws__close_answer_give(c);
    return WS_ERR_CLOSE_SENT;
}
