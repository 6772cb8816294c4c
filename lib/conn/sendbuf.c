/* SPDX-License-Identifier: MIT */

#include "conn/sendbuf.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/poison.h"
#include "conn/extras.h"
#include "conn/pools.h"
#include "conn/trace.h"
#include "fiber/stopwatch.h"
#include "io/random.h"
#include "proto/mask.h"

enum { LATE_US = 100 };

/* ---- Borrowing --------------------------------------------------------- */

/* Has the connection a pool or a size of its own? */
static bool sendbuf_is_unusual(const struct ws__extras *x)
{
    return x->write_buffer_pool || x->write_buffer_size != WS__WRITE_BUFFER;
}

static int own_buffer(const struct ws__extras *x, struct ws__buf *b)
{
    const ws_buffer_pool *pool = x->write_buffer_pool;
    size_t size = x->write_buffer_size + WS__WRITE_RESERVE;

    if (size < WS__WRITE_RESERVE) /* more than there can be */
        return -ENOMEM;
    b->begin = pool ? pool->get(size, pool->arg) : ws__alloc(size);
    if (!b->begin)
        return -ENOMEM;
    b->pos = b->last = b->begin;
    b->end = b->begin + size;
    return 0;
}

static void give_back_own(const struct ws__extras *x, struct ws__sendbuf *o)
{
    const ws_buffer_pool *pool = o->grown ? NULL : x->write_buffer_pool;
    struct ws__buf *b = &o->buf;

    if (pool && b->begin)
        pool->put(b->begin, ws__buf_size(b), pool->arg);
    else
        ws_free(b->begin);
    *b = (struct ws__buf){ 0 };
    o->grown = false;
}

/* One of the pool may have its buffer already, but not if it is the wrong
 * one. */
static int borrow_out(ws_conn *c)
{
    const struct ws__extras *x = ws__extras(c);
    struct ws__pools *p = ws__pools_here();
    struct ws__sendbuf *o = ws__pool_get(&p->sendbuf);
    int error = 0;

    if (!o)
        return -ENOMEM;
    if (o->buf.begin)
        ws__unpoison(o->buf.begin, ws__buf_size(&o->buf));
    if (sendbuf_is_unusual(x)) {
        ws__buf_release(&o->buf, &p->small);
        error = own_buffer(x, &o->buf);
    } else if (!o->buf.begin) {
        error = ws__buf_lend(&o->buf, &p->small);
    }
    if (error == 0)
        c->w.sendbuf = o;
    else
        ws__pool_put(&p->sendbuf, o);
    return error;
}

int ws__sendbuf_borrow(ws_conn *c)
{
    return c->w.sendbuf ? 0 : borrow_out(c);
}

int ws__sendbuf_grow(ws_conn *c, size_t n)
{
    struct ws__sendbuf *o = c->w.sendbuf;
    uint8_t *p = n < SIZE_MAX / 2 ? ws__alloc(n) : NULL;

    if (!p)
        return -ENOMEM;
    if (o->buf.lent)
        ws__buf_release(&o->buf, &ws__pools_here()->small);
    else
        give_back_own(ws__extras(c), o);
    o->buf = (struct ws__buf){ .begin = p, .pos = p, .last = p, .end = p + n };
    o->grown = true;
    return 0;
}

void ws__sendbuf_give_back(ws_conn *c)
{
    struct ws__sendbuf *o = c->w.sendbuf;

    if (!o)
        return;
    if (o->buf.lent) {
        o->buf.pos = o->buf.last = o->buf.begin;
        ws__poison(o->buf.begin, ws__buf_size(&o->buf));
    } else {
        give_back_own(ws__extras(c), o);
    }
    o->coalesced = 0;
    ws__pool_put(&ws__pools_here()->sendbuf, o);
    c->w.sendbuf = NULL;
}

/* ---- Frames ------------------------------------------------------------- */

int ws__sendbuf_make_header(ws_conn *c, struct ws__frame *f)
{
    f->masked = c->client;
    if (ws__is_traced(c))
        ws__trace_out(c, f);
    return f->masked ? ws__random(f->key, sizeof(f->key)) : 0;
}

void ws__sendbuf_header(struct ws__buf *out, const struct ws__frame *f)
{
    out->last += ws__frame_encode(f, out->last);
}

void ws__sendbuf_payload(struct ws__buf *out, const struct ws__frame *f,
                         const void *data)
{
    size_t n = (size_t)f->len;

    if (!f->masked || n == 0) {
        ws__buf_append(out, data, n);
        return;
    }
    ws__mask_copy(out->last, data, n, f->key, 0);
    out->last += n;
}

void ws__sendbuf_frame(struct ws__buf *out, const struct ws__frame *f,
                       const void *data)
{
    ws__sendbuf_header(out, f);
    ws__sendbuf_payload(out, f, data);
}

bool ws__sendbuf_is_late(const struct ws__sendbuf *o)
{
    return ws__ticks() - o->coalesced_since > LATE_US * ws__ticks_per_us();
}
