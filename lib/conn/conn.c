/* SPDX-License-Identifier: MIT */

/* Making and freeing. */

#include "conn/conn.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "conn/compressor.h"
#include "conn/control_queue.h"
#include "conn/extras.h"
#include "conn/inbox.h"
#include "conn/outqueue.h"
#include "conn/pools.h"
#include "conn/sendbuf.h"
#include "conn/setup.h"
#include "conn/share.h"
#include "conn/stats.h"
#include "conn/trace.h"

int ws__conn_watch(struct ws__stream *s)
{
    return ws__stream_watch(s, sizeof(ws_conn));
}

/* Zeros, behind the watch if there is one. */
static ws_conn *conn_place(const struct ws__stream *s)
{
    ws_conn *c = ws__watch_room(s->watch);

    return c ? memset(c, 0, sizeof(*c)) : ws__zalloc(sizeof(*c));
}

ws_conn *ws__conn_new(const struct ws__stream *s, const struct ws__setup *setup,
                      ws_error *err)
{
    struct ws__stream stream = *s;
    int r = ws__conn_watch(&stream);
    ws_conn *c = r == 0 ? conn_place(&stream) : NULL;

    if (!c) {
        r = r == 0 ? -ENOMEM : r;
        ws__fail(err, r, "%s", ws_strerror(r));
        ws__stream_fini(&stream);
        ws__share_leave(setup->share);
        return NULL;
    }
    c->stream = stream;
    c->client = setup->client;
    c->deflates = setup->deflate.on;
    ws__extras_begin(c);
    atomic_init(&c->refs, 1);
    c->r.heard = true;
    atomic_init(&c->w.switches, WS__COMPRESSES | WS__COALESCES |
                                    (ws__trace_all() ? WS__TRACED : 0));
    atomic_init(&c->w.level, 1);
    r = ws__setup_apply(c, setup);
    if (r != 0) {
        ws__fail(err, r, "%s", ws_strerror(r));
        ws_unref(c);
        return NULL;
    }
    return c;
}

ws_conn *ws_ref(ws_conn *c)
{
    if (c)
        atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
    return c;
}

static void free_extras(ws_conn *c)
{
    struct ws__extras *x = ws__extras_if_own(c);

    if (!x)
        return;
    ws__buf_release(&x->piece, &ws__pools_here()->large);
    if (x->piece_deflate && x->piece_deflate != x->deflate_kept)
        ws__compressor_put(c, x->piece_deflate);
    ws__deflate_destroy(x->deflate_kept);
    ws__extras_free(c);
}

static void conn_free(ws_conn *c)
{
    ws__sendbuf_give_back(c);
    ws__control_queue_free(c);
    ws__outqueue_free(c);
    ws__inbox_give_back(c);
    free_extras(c);
    if (c->entry.stats)
        c->entry.stats->ops->freed(&c->entry);

    struct ws__stream stream = c->stream;
    if (c != ws__watch_room(stream.watch))
        ws_free(c);
    ws__stream_fini(&stream);
}

static void free_posted(struct ws__post *p)
{
    conn_free(((struct ws__outqueue *)p)->conn);
}

/* What the loop of its worker calls has to be there as long as it may do so.  The
 * post is nobody's any more. */
static bool is_left_to_loop(const ws_conn *c)
{
    struct ws__outqueue *q = atomic_load(&c->w.outqueue);
    struct ws__worker *w = ws__conn_worker(c);

    if (!q || !w || w == ws__worker_here())
        return false;
    q->post.fn = free_posted;
    return ws__worker_post(w, &q->post);
}

void ws_unref(ws_conn *c)
{
    if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (!is_left_to_loop(c))
        conn_free(c);
}
