/* SPDX-License-Identifier: MIT */

#include "status.h"

#include <errno.h>

enum status status_of_dial(const ws_error *err)
{
    switch (err->code) {
    case WS_ERR_URL:
    case WS_ERR_INVALID:
    case -ENOMEM:
        return STATUS_USAGE;
    case WS_ERR_TLS:
        return STATUS_TLS;
    case WS_ERR_TIMEOUT:
        return STATUS_TIMEOUT;
    case WS_ERR_CANCELED:
        return STATUS_INTERRUPTED;
    case WS_ERR_HTTP:
        return STATUS_PROTOCOL;
    case WS_ERR_HANDSHAKE:
        return err->http_status == 0 || err->http_status == 101
                   ? STATUS_PROTOCOL
                   : STATUS_REFUSED;
    default:
        return STATUS_NO_CONNECTION;
    }
}

enum status status_of_end(ws_conn *c, int code, int said)
{
    switch (code) {
    case WS_ERR_PROTOCOL:
    case WS_ERR_UTF8:
    case WS_ERR_DEFLATE:
    case WS_ERR_TOO_BIG:
    case WS_ERR_FULL:
        return STATUS_PROTOCOL;
    case WS_ERR_TIMEOUT:
    case WS_ERR_DEAD:
    case WS_ERR_SLOW:
    case -ETIMEDOUT:
        return STATUS_TIMEOUT;
    default:
        break;
    }
    if (ws_closed_with(c, WS_CLOSE_NORMAL, WS_CLOSE_GOING_AWAY,
                       WS_CLOSE_NO_STATUS))
        return STATUS_CLOSED;
    return said != 0 && ws_close_code(c) == said ? STATUS_CLOSED
                                                 : STATUS_CLOSE_CODE;
}
