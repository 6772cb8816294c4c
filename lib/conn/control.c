/* SPDX-License-Identifier: MIT */

/* Control frames that have come (RFC 6455, section 5.5). */

#include "conn/control.h"

#include <string.h>

#include "conn/close_answer.h"
#include "conn/count.h"
#include "conn/error.h"
#include "conn/extras.h"
#include "conn/inbox.h"
#include "conn/outbox.h"

static int ping_came(ws_conn *c, const char *data, size_t len)
{
    const struct ws__extras *x = ws__extras(c);

    if (x->on_ping)
        return x->on_ping(c, data, len, x->on_ping_arg);
    ws__outbox_pong(c, data, len);
    return 0;
}

static int pong_came(ws_conn *c, const char *data, size_t len)
{
    const struct ws__extras *x = ws__extras(c);

    return x->on_pong ? x->on_pong(c, data, len, x->on_pong_arg) : 0;
}

static int close_came(ws_conn *c, const char *data, size_t len)
{
    const struct ws__extras *x;
    int code, error = 0;
    const char *fault = ws__close_decode((const uint8_t *)data, len, &code);

    if (fault) {
        ws__outbox_close(c, WS_CLOSE_PROTOCOL_ERROR, fault);
        return ws__conn_fail(c, WS_ERR_PROTOCOL, "%s: %s",
                             ws_strerror(WS_ERR_PROTOCOL), fault);
    }
    const char *reason =
        len > 2 ? ws__conn_keep_reason(c, data + 2, len - 2) : "";
    atomic_store_explicit(&c->close_code, (uint16_t)code, memory_order_release);
    ws__conn_closed(c); /* whatever becomes of the answer */
    c->r.parted = ws__buf_used(&c->r.inbox->in) == 0;
    x = ws__extras(c);
    if (x->on_close)
        error = x->on_close(c, code, reason, x->on_close_arg);
    else if (!ws__close_answer_hold(c))
        ws__close_answer_at_once(c, code);
    return error < 0 ? error : WS_ERR_CLOSED;
}

int ws__control_came(ws_conn *c)
{
    struct ws__reader *r = &c->r.inbox->reader;
    int error;

    if (r->control.type != WS_CLOSE)
        ws__count(c,
                  r->control.type == WS_PING ? WS_COUNT_PINGS_IN
                                             : WS_COUNT_PONGS_IN,
                  1);
    if (r->control.type == WS_PING)
        error = ping_came(c, r->control.data, r->control.len);
    else if (r->control.type == WS_PONG)
        error = pong_came(c, r->control.data, r->control.len);
    else
        error = close_came(c, r->control.data, r->control.len);
    if (error >= 0)
        return 0;
    return ws__conn_fail(c, error, "a control frame's handler says: %s",
                         ws_strerror(error));
}
