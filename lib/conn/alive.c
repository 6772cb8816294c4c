/* SPDX-License-Identifier: MIT */

#include "conn/alive.h"

#include <stdio.h>

#include "conn/count.h"
#include "conn/error.h"
#include "conn/extras.h"
#include "conn/inbox.h"
#include "conn/outbox.h"
#include "conn/unfinished.h"
#include "fiber/sched.h"

/* A ping as it is sent, with what TLS puts around it. */
enum { PING_MAX = 128 };

/* ---- Silence ------------------------------------------------------------ */

int64_t ws__alive_begin(ws_conn *c)
{
    c->r.heard = c->r.pinged = false;
    return c->r.idle_since = ws_now();
}

static int64_t ping_at(const ws_conn *c)
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
    uint32_t more = (uint32_t)acked - c->acked;

    c->acked = (uint32_t)acked;
    if (acked >= 0)
        return more > PING_MAX; /* a count, which only grows */
    return (int32_t)more > PING_MAX || atomic_load(&c->w.waiting);
}

/* The peer is told, if there is room for it, and may come to read it. */
static int give_up(ws_conn *c, int error, int close_code, const char *why)
{
    ws__outbox_close(c, close_code, why);
    return ws__conn_fail(c, error, "%s: %s", ws_strerror(error), why);
}

static int alive_dead(ws_conn *c)
{
    char why[80];

    snprintf(why, sizeof(why), "no answer to a ping within %d ms",
             ws__extras(c)->ping_interval_ms);
    ws__count(c, WS_COUNT_CUT_DEAD, 1);
    return give_up(c, WS_ERR_DEAD, WS_CLOSE_INTERNAL, why);
}

/* The time for an answer begins now, however late this is. */
static void send_ping(ws_conn *c, int64_t now)
{
    c->r.pinged = true;
    c->r.idle_since = now;
    c->acked = (uint32_t)ws__stream_acked(&c->stream);
    ws__outbox_ping(c);
}

static int check_silence(ws_conn *c, int64_t now)
{
    int64_t at = ping_at(c);

    if (at == 0 || now < at)
        return 0;
    if (!c->r.pinged || !ws__extras(c)->gives_up)
        send_ping(c, now);
    else if (has_taken(c))
        c->r.idle_since = now;
    else
        return alive_dead(c);
    return 0;
}

/* ---- The rate of a message ---------------------------------------------- */

/* One that is read in pieces holds nothing, however long it takes. */
static bool is_timed(const ws_conn *c)
{
    const struct ws__inbox *g = c->r.inbox;

    return g && g->reader.type != 0 && !g->by_pieces &&
           ws__extras(c)->min_read_rate >= 0;
}

void ws__alive_wait(ws_conn *c)
{
    struct ws__inbox *g = c->r.inbox;

    if (!is_timed(c) || g->waits_since != 0)
        return;
    if (g->reader.waited_ms == 0)
        g->window_from = ws__reader_came(&g->reader);
    g->waits_since = ws_now();
}

void ws__alive_go_on(ws_conn *c)
{
    struct ws__inbox *g = c->r.inbox;

    if (!g || g->waits_since == 0)
        return;
    g->reader.waited_ms += (int)(ws_now() - g->waits_since);
    g->waits_since = 0;
}

/* When the time is up in which some of the message must have come. */
static int64_t rate_at(const ws_conn *c)
{
    const struct ws__inbox *g = c->r.inbox;

    if (!g || g->waits_since == 0)
        return 0;
    return g->waits_since + ws__extras(c)->rate_window_ms - g->reader.waited_ms;
}

static int alive_slow(ws_conn *c, uint64_t came, uint64_t wanted)
{
    char why[100];

    snprintf(why, sizeof(why),
             "%llu bytes of a message in %d ms, expected at least %llu",
             (unsigned long long)came, ws__extras(c)->rate_window_ms,
             (unsigned long long)wanted);
    ws__unfinished_refused(true);
    ws__count(c, WS_COUNT_CUT_SLOW, 1);
    return give_up(c, WS_ERR_SLOW, WS_CLOSE_POLICY, why);
}

static int check_rate(ws_conn *c, int64_t now)
{
    const struct ws__extras *x = ws__extras(c);
    struct ws__inbox *g = c->r.inbox;
    int64_t at = rate_at(c);

    if (at == 0 || now < at)
        return 0;
    uint64_t came = ws__reader_came(&g->reader) - g->window_from;
    uint64_t wanted =
        (uint64_t)x->min_read_rate * (uint64_t)x->rate_window_ms / 1000;
    if (came < wanted)
        return alive_slow(c, came, wanted);
    g->window_from += came;
    g->reader.waited_ms = 0;
    g->waits_since = now;
    return 0;
}

/* ---- Both --------------------------------------------------------------- */

int64_t ws__alive_at(const ws_conn *c)
{
    return ws__earlier(ping_at(c), rate_at(c));
}

int ws__alive_check(ws_conn *c, int64_t now)
{
    int error = check_rate(c, now);

    return error == 0 ? check_silence(c, now) : error;
}
