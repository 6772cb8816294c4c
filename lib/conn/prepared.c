/* SPDX-License-Identifier: MIT */

/*
 * One message for many connections.  A frame is made once, with the header that
 * a server puts before it, and never changed: so whoever holds the message may
 * send from it without a lock.
 */

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "base/alloc.h"
#include "conn/compressor.h"
#include "conn/pools.h"
#include "conn/write_message.h"
#include "proto/frame.h"

/* A frame as servers send it. */
struct frame {
    struct frame *next;
    int level; /* what it was compressed with */
    int bits;
    bool rsv1;
    size_t header;
    size_t len; /* of the payload behind it */
    uint8_t bytes[];
};

struct ws_prepared {
    atomic_uint refs;
    ws_type type;
    struct frame *plain;
    _Atomic(struct frame *) compressed; /* a list that only grows, */
    ws_mutex growing;                   /* by one at a time */
};

/* ---- Frames ------------------------------------------------------------- */

static struct frame *frame_new(const struct ws__frame *f, const void *payload)
{
    uint8_t header[WS__FRAME_HEADER_MAX];
    size_t n = ws__frame_encode(f, header), len = (size_t)f->len;
    struct frame *made = NULL;

    if (len < SIZE_MAX / 2)
        made = ws__alloc(sizeof(*made) + n + len);
    if (!made)
        return NULL;
    *made = (struct frame){ .rsv1 = f->rsv1, .header = n, .len = len };
    memcpy(made->bytes, header, n);
    if (len > 0)
        memcpy(made->bytes + n, payload, len);
    return made;
}

static const uint8_t *payload_of(const struct frame *f)
{
    return f->bytes + f->header;
}

/* The compressor is one of the connection's pool, but at this level, whatever
 * becomes of the connection's meanwhile. */
static struct frame *frame_compress(ws_conn *c, const ws_prepared *p, int level)
{
    struct ws__pool *pool = &ws__pools_here()->large;
    struct ws__deflate *d = ws__compressor_get(c);
    struct ws__buf out = { 0 };
    struct frame *made = NULL;

    if (d && ws__buf_lend(&out, pool) == 0) {
        ws__deflate_begin(d, level, false);
        if (ws__compressor_run(
                (struct ws__compression){ .d = d,
                                          .data = payload_of(p->plain),
                                          .len = p->plain->len,
                                          .flush = WS__LAST,
                                          .alone = true,
                                          .at_once = true,
                                          .out = &out }) == 0)
            made = frame_new(&(struct ws__frame){ .opcode = (uint8_t)p->type,
                                                  .fin = true,
                                                  .rsv1 = true,
                                                  .len = ws__buf_used(&out) },
                             out.pos);
    }
    ws__buf_release(&out, pool);
    ws__compressor_put(c, d);
    return made;
}

static struct frame *frame_find(ws_prepared *p, int level, int bits)
{
    struct frame *f =
        atomic_load_explicit(&p->compressed, memory_order_acquire);

    while (f && (f->level != level || f->bits != bits))
        f = f->next;
    return f;
}

static struct frame *frame_add(ws_prepared *p, ws_conn *c, int level, int bits)
{
    struct frame *f = frame_compress(c, p, level);

    if (!f)
        return NULL;
    f->level = level;
    f->bits = bits;
    f->next = atomic_load(&p->compressed);
    atomic_store_explicit(&p->compressed, f, memory_order_release);
    return f;
}

/* The frame for a connection that compresses, without takeover; NULL when there
 * is no memory, which the next one may have. */
static const struct frame *compressed_for(ws_prepared *p, ws_conn *c)
{
    int level = atomic_load(&c->w.level), bits = ws__compressor_bits(c);
    struct frame *f = frame_find(p, level, bits);

    if (f)
        return f;
    ws_mutex_lock(&p->growing);
    f = frame_find(p, level, bits);
    if (!f)
        f = frame_add(p, c, level, bits);
    ws_mutex_unlock(&p->growing);
    return f;
}

/* ---- Messages ----------------------------------------------------------- */

static bool can_be_prepared(ws_type type, const void *data, size_t len)
{
    if (!data && len > 0)
        return false;
    if (ws__is_data(type))
        return true;
    return len <= WS__CONTROL_MAX &&
           (type == WS_PING || type == WS_PONG || type == WS_CLOSE);
}

ws_prepared *ws_prepare(ws_type type, const void *data, size_t len)
{
    ws_prepared *p = NULL;

    if (can_be_prepared(type, data, len))
        p = ws__zalloc(sizeof(*p));
    if (!p)
        return NULL;
    atomic_init(&p->refs, 1);
    p->type = type;
    p->plain = frame_new(
        &(struct ws__frame){ .opcode = (uint8_t)type, .fin = true, .len = len },
        data);
    if (p->plain)
        return p;
    ws_free(p);
    return NULL;
}

void ws_prepared_free(ws_prepared *p)
{
    if (!p || atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (struct frame *f = atomic_load(&p->compressed), *next; f; f = next) {
        next = f->next;
        ws_free(f);
    }
    ws_free(p->plain);
    ws_free(p);
}

static int send_prepared(ws_conn *c, const struct frame *f, ws_type type,
                         size_t plain)
{
    if (!f)
        return -ENOMEM;
    return ws__write_whole(
        c, &(struct ws__sending){ .opcode = (uint8_t)type,
                                  .fin = true,
                                  .rsv1 = f->rsv1,
                                  .may_coalesce = true,
                                  .data = payload_of(f),
                                  .framed = f->header,
                                  .len = f->len,
                                  .compressed = f->rsv1,
                                  .plain = plain,
                                  .deadline = atomic_load(&c->w.deadline) });
}

/* A window that lives on has to see the message itself, and a close frame's
 * code has to be judged. */
static int write_prepared(ws_conn *c, ws_prepared *p)
{
    const struct frame *f = p->plain;
    bool compressed = ws__compressor_wanted(c);

    if (!ws__is_data(p->type) || (compressed && ws__compressor_keeps(c)))
        return ws_write_message(c, p->type, payload_of(f), f->len);
    return send_prepared(c, compressed ? compressed_for(p, c) : f, p->type,
                         f->len);
}

int ws_write_prepared(ws_conn *c, ws_prepared *p)
{
    if (!c || !p)
        return WS_ERR_INVALID;
    atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
    int error = write_prepared(c, p);
    ws_prepared_free(p);
    return error;
}
