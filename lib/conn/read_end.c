/* SPDX-License-Identifier: MIT */

#include "conn/read_end.h"

#include "conn/error.h"
#include "conn/inbox.h"
#include "conn/outqueue.h"

int ws__read_end(ws_conn *c, int error)
{
    uint16_t open = 0;

    atomic_compare_exchange_strong(&c->close_code, &open, WS_CLOSE_ABNORMAL);
    ws__inbox_drop(c);
    c->r.error = error;
    ws__outqueue_end(c);
    return error;
}

int ws__read_transport_failed(ws_conn *c, ssize_t code)
{
    int error = code == 0 ? WS_ERR_EOF : (int)code;

    if (error == WS_ERR_EOF && atomic_load(&c->w.untold))
        error = atomic_load(&c->w.error);
    return ws__read_end(c, ws__conn_transport_error(c, error));
}
