/* SPDX-License-Identifier: MIT */

/* What reading borrows, from the first byte of a message on. */

#include <errno.h>

#include "base/alloc.h"
#include "base/poison.h"
#include "conn/held.h"
#include "fiber/budget.h"

enum { SHED = WS__AT_ONCE };

/* One of the pool may have its buffer already, but not if it is the wrong one. */
static struct ws__reading *borrow(struct ws__pools *p, size_t own_buffer)
{
    struct ws__reading *g = ws__pool_get(&p->reading);

    if (!g || !g->in.begin)
        return g;
    ws__unpoison(g->in.begin, ws__buf_size(&g->in));
    if (own_buffer != 0)
        ws__buf_release(&g->in, &p->read);
    return g;
}

static int begin_reading(ws_conn *c, struct ws__pools *p)
{
    const struct ws__extras *x = ws__extras(c);
    struct ws__reading *g = borrow(p, x->read_buffer_size);

    if (!g)
        return -ENOMEM;
    c->r.now = g;
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

int ws__reading_begin(ws_conn *c)
{
    struct ws__pools *p = ws__pools_here();

    if (!c->r.now && begin_reading(c, p) != 0)
        return -ENOMEM;
    c->r.now->reader.buffers = &p->read;
    c->r.now->reader.inflaters = &p->inflate;
    return 0;
}

/* Between messages, with nothing that another connection could not go on
 * with. */
static bool is_done(const struct ws__reading *g)
{
    return ws__buf_used(&g->in) == 0 && (g->in.lent || !g->in.begin) &&
           !g->reader.whole.begin && ws__reader_is_clean(&g->reader) &&
           !g->by_pieces && !g->in_term && !g->queued;
}

/* It was made for bytes that a pause found here; the next ones are received into
 * a borrowed one. */
static void drop_small(const ws_conn *c, struct ws__buf *in)
{
    if (!in->lent && ws__buf_used(in) == 0 &&
        ws__extras(c)->read_buffer_size == 0)
        ws__buf_release(in, NULL);
}

bool ws__reading_rest(ws_conn *c, bool all)
{
    struct ws__reading *g = c->r.now;
    struct ws__buf *in = &g->in;

    ws__reader_idle(&g->reader, all);
    drop_small(c, in);
    if (is_done(g)) {
        in->pos = in->last = in->begin;
        if (in->begin)
            ws__poison(in->begin, ws__buf_size(in));
        g->rest_at = 0;
        ws__pool_put(&ws__pools_here()->reading, g);
        c->r.now = NULL;
        return true;
    }
    if (ws__buf_used(in) == 0 && in->lent)
        ws__buf_release(in, g->reader.buffers);
    else if (all && in->lent)
        (void)ws__buf_resize(in, 1, g->reader.buffers);
    return !in->begin && !g->reader.whole.begin;
}

/* The kernel takes a microsecond for each page. */
void ws__reading_shed(ws_conn *c)
{
    struct ws__reader *r = &c->r.now->reader;

    while (r->type == 0 && ws__buf_shrink(&r->whole, SHED)) {
        ws__spend_bytes(SHED);
        ws__take_turns();
    }
}

void ws__reading_drop(ws_conn *c)
{
    struct ws__reading *g = c->r.now;

    if (!g || ws__reading_begin(c) != 0)
        return;
    g->reader.type = 0;
    ws__reading_shed(c);
    ws__buf_release(&g->in, g->reader.buffers);
    ws__reader_fini(&g->reader);
    ws__held_drop(g);
}

void ws__read_fini(ws_conn *c)
{
    struct ws__reading *g = c->r.now;

    ws__reading_drop(c);
    if (!g)
        return;
    *g = (struct ws__reading){ 0 };
    ws__pool_put(&ws__pools_here()->reading, g);
    c->r.now = NULL;
}
