/* SPDX-License-Identifier: MIT */

#include "conn/inbox.h"

#include <errno.h>

#include "base/poison.h"
#include "conn/extras.h"
#include "conn/pools.h"
#include "conn/unfinished.h"
#include "fiber/budget.h"

enum { SHED = WS__AT_ONCE };

/* One of the pool may have its buffer already, but not if it is the wrong one. */
static struct ws__inbox *inbox_get(struct ws__pools *p, size_t own_buffer)
{
    struct ws__inbox *g = ws__pool_get(&p->inbox);

    if (!g || !g->in.begin)
        return g;
    ws__unpoison(g->in.begin, ws__buf_size(&g->in));
    if (own_buffer != 0)
        ws__buf_release(&g->in, &p->large);
    return g;
}

__attribute__((noinline)) static int inbox_begin(ws_conn *c,
                                                 struct ws__pools *p)
{
    const struct ws__extras *x = ws__extras(c);
    struct ws__inbox *g = inbox_get(p, x->read_buffer_size);

    if (!g)
        return -ENOMEM;
    c->r.inbox = g;
    g->conn = c;
    g->reader.client = c->client;
    g->reader.compression = c->deflates;
    g->reader.takeover =
        c->client ? x->deflate.server_takeover : x->deflate.client_takeover;
    g->reader.lookback = x->lookback.on ? &ws__extras_own(c)->lookback : NULL;
    g->reader.limit = x->read_limit;
    g->reader.in_max =
        x->read_buffer_size ? x->read_buffer_size : WS__READ_BUFFER;
    return 0;
}

int ws__inbox_borrow(ws_conn *c)
{
    struct ws__pools *p = ws__pools_here();

    if (!c->r.inbox && inbox_begin(c, p) != 0)
        return -ENOMEM;
    c->r.inbox->reader.buffers = &p->large;
    c->r.inbox->reader.inflaters = &p->inflate;
    return 0;
}

/* Between messages, with nothing that another connection could not go on
 * with. */
static bool inbox_is_done(const struct ws__inbox *g)
{
    return ws__buf_used(&g->in) == 0 && (g->in.lent || !g->in.begin) &&
           !g->reader.whole.begin && ws__reader_is_clean(&g->reader) &&
           !g->by_pieces && !g->in_term && !ws__inbox_has_promised(g->conn);
}

/* It was made for bytes that a pause found here; the next ones are received into
 * a borrowed one. */
static void drop_small(const ws_conn *c, struct ws__buf *in)
{
    if (!in->lent && ws__buf_used(in) == 0 &&
        ws__extras(c)->read_buffer_size == 0)
        ws__buf_release(in, NULL);
}

bool ws__inbox_trim(ws_conn *c, bool all)
{
    struct ws__inbox *g = c->r.inbox;
    struct ws__buf *in = &g->in;

    ws__reader_idle(&g->reader, all);
    drop_small(c, in);
    if (inbox_is_done(g)) {
        in->pos = in->last = in->begin;
        if (in->begin)
            ws__poison(in->begin, ws__buf_size(in));
        g->trim_at = 0;
        ws__pool_put(&ws__pools_here()->inbox, g);
        c->r.inbox = NULL;
        return true;
    }
    if (ws__buf_used(in) == 0 && in->lent)
        ws__buf_release(in, g->reader.buffers);
    else if (all && in->lent)
        (void)ws__buf_resize(in, 1, g->reader.buffers);
    return !in->begin && !g->reader.whole.begin;
}

/* The kernel takes a microsecond for each page.  What has moved was copied: not
 * every allocator leaves in place what shrinks, and one that does not is asked
 * for the half of it, lest it copy nearly all each time. */
void ws__inbox_shed(ws_conn *c)
{
    struct ws__reader *r = &c->r.inbox->reader;
    struct ws__buf *b = &r->whole;
    const uint8_t *at = b->begin;
    size_t n = SHED;

    while (r->type == 0 && ws__buf_shrink(b, n)) {
        ws__spend_bytes(n);
        ws__take_turns();
        if (b->begin != at && ws__buf_size(b) / 2 > SHED)
            n = ws__buf_size(b) / 2;
        at = b->begin;
    }
}

void ws__inbox_drop(ws_conn *c)
{
    struct ws__inbox *g = c->r.inbox;

    if (!g || ws__inbox_borrow(c) != 0)
        return;
    g->reader.type = 0;
    ws__inbox_shed(c);
    ws__buf_release(&g->in, g->reader.buffers);
    ws__reader_fini(&g->reader);
    ws__unfinished_drop(g);
}

void ws__inbox_give_back(ws_conn *c)
{
    struct ws__inbox *g = c->r.inbox;

    ws__inbox_drop(c);
    if (!g)
        return;
    *g = (struct ws__inbox){ 0 };
    ws__pool_put(&ws__pools_here()->inbox, g);
    c->r.inbox = NULL;
}
