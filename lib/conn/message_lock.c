/* SPDX-License-Identifier: MIT */

#include "conn/message_lock.h"

#include <errno.h>

#include "conn/extras.h"
#include "conn/outbox.h"
#include "conn/outqueue.h"
#include "conn/turn.h"
#include "conn/write_error.h"

bool ws__message_is_mine(const ws_conn *c)
{
    const struct ws__extras *x = ws__extras(c);

    return atomic_load_explicit(&x->author, memory_order_relaxed) ==
           ws__parker_self();
}

int ws__message_lock(ws_conn *c, int64_t deadline)
{
    struct ws__extras *x = ws__extras_own(c);
    int error = x ? ws__write_check(c) : -ENOMEM;

    if (error == 0 && ws__message_is_mine(c))
        error = WS_ERR_BUSY;
    if (error == 0)
        error = ws__turn_take(c, deadline);
    if (error != 0)
        return error;
    error = ws__write_check(c); /* it may have ended meanwhile */
    if (error != 0)
        ws__message_unlock(c);
    return error;
}

void ws__message_unlock(ws_conn *c)
{
    struct ws__extras *x = ws__extras_own(c);

    ws__turn_give(c);
    if (atomic_load(&x->queue_held) && atomic_exchange(&x->queue_held, false)) {
        ws__outqueue_resume(c);
        ws__outbox_send(c);
    }
}

void ws__message_abandon(ws_conn *c)
{
    if (!ws__message_is_mine(c))
        return;
    atomic_store(&ws__extras_own(c)->author, NULL);
    ws__message_unlock(c);
}
