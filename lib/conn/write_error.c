/* SPDX-License-Identifier: MIT */

#include "conn/write_error.h"

#include "conn/error.h"
#include "conn/sendbuf.h"

void ws__write_tell(ws_conn *c)
{
    int code = atomic_load(&c->w.error);

    if (code == WS_ERR_DEAD)
        ws__conn_fail(c, code,
                      "the peer took nothing in time, in the middle "
                      "of a message");
    else if (code != 0)
        ws__conn_transport_error(c, code);
}

int ws__write_settle(ws_conn *c, int error)
{
    if (error == 0 || error == WS_ERR_TIMEOUT)
        return error;
    if (error != WS_ERR_DEAD && ws__conn_ended(c))
        error = ws__conn_end_code(c);
    atomic_store(&c->w.error, error);
    ws__sendbuf_give_back(c);
    return error;
}

/* Without a reader nobody waits, and the next writer is told. */
static void write_tell_reader(ws_conn *c)
{
    atomic_store(&c->w.untold, true);
    if (!ws__conn_ended(c))
        ws__stream_end_reading(&c->stream);
}

int ws__write_settle_untold(ws_conn *c, int error)
{
    error = ws__write_settle(c, error);
    if (error != 0 && error != WS_ERR_TIMEOUT)
        write_tell_reader(c);
    return error;
}

void ws__write_fail_untold(ws_conn *c, int error)
{
    int none = 0;

    if (atomic_compare_exchange_strong(&c->w.error, &none, error))
        write_tell_reader(c);
}
