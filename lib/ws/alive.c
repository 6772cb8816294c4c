/* SPDX-License-Identifier: MIT */

#include "ws/alive.h"

#include <stdio.h>

#include "ws/write.h"

/* A ping as it is sent, with what TLS puts around it. */
enum { PING_MAX = 128 };

int64_t ws__alive_begin(ws_conn *c)
{
    c->r.heard = c->r.pinged = false;
    return c->r.idle_since = ws_now();
}

int64_t ws__alive_at(const ws_conn *c)
{
    int ms = ws__extras(c)->ping_interval_ms;

    return ms < 0 ? 0 : c->r.idle_since + ms;
}

/*
 * Has the peer taken more than our ping since that went?  It may have to take
 * much before it comes to the ping, and its answer.
 *
 * What lies unread in a local socket says nothing as long as more is put there:
 * but whoever waits to do that has a limit of its own.
 */
static bool has_taken(ws_conn *c)
{
    int64_t acked = ws__stream_acked(&c->stream);
    int32_t more = (int32_t)((uint32_t)acked - c->acked);

    c->acked = (uint32_t)acked;
    return more > PING_MAX || (acked < 0 && atomic_load(&c->w.waiting));
}

static int give_up(ws_conn *c)
{
    char why[80];

    snprintf(why, sizeof(why), "no answer to a ping within %d ms",
             ws__extras(c)->ping_interval_ms);
    ws__answer_close(c, WS_CLOSE_INTERNAL, why);
    return ws__conn_fail(c, WS_ERR_DEAD, "%s: %s", ws_strerror(WS_ERR_DEAD),
                         why);
}

/* The time for an answer begins now, however late this is. */
static void ping(ws_conn *c, int64_t now)
{
    c->r.pinged = true;
    c->r.idle_since = now;
    c->acked = (uint32_t)ws__stream_acked(&c->stream);
    ws__answer_ping(c);
}

int ws__alive_check(ws_conn *c, int64_t now)
{
    const struct ws__extras *x = ws__extras(c);

    if (x->ping_interval_ms < 0 || now < ws__alive_at(c))
        return 0;
    if (!c->r.pinged || !x->gives_up)
        ping(c, now);
    else if (has_taken(c))
        c->r.idle_since = now;
    else
        return give_up(c);
    return 0;
}
