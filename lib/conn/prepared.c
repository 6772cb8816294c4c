/* SPDX-License-Identifier: MIT */

#include "conn/prepared.h"

#include <string.h>

#include "base/alloc.h"
#include "conn/compressor.h"
#include "conn/pools.h"
#include "conn/write_message.h"
#include "proto/frame.h"

/* ---- Forms -------------------------------------------------------------- */

static struct ws__form *form_new(const struct ws__frame *f, const void *payload)
{
    uint8_t header[WS__FRAME_HEADER_MAX];
    size_t n = ws__frame_encode(f, header), len = (size_t)f->len;
    struct ws__form *made = NULL;

    if (len < SIZE_MAX / 2)
        made = ws__alloc(sizeof(*made) + n + len);
    if (!made)
        return NULL;
    *made = (struct ws__form){ .rsv1 = f->rsv1, .header = n, .len = len };
    memcpy(made->bytes, header, n);
    if (len > 0)
        memcpy(made->bytes + n, payload, len);
    return made;
}

/* The compressor is one of the connection's pool, but at this level, whatever
 * becomes of the connection's meanwhile. */
static struct ws__form *form_compress(ws_conn *c, const ws_prepared *p,
                                      int level)
{
    struct ws__pool *pool = &ws__pools_here()->large;
    struct ws__deflate *d = ws__compressor_get(c);
    struct ws__buf out = { 0 };
    struct ws__form *made = NULL;

    if (d && ws__buf_lend(&out, pool) == 0) {
        ws__deflate_begin(d, level, false);
        if (ws__compressor_run(
                (struct ws__compression){ .d = d,
                                          .data = ws__form_payload(p->plain),
                                          .len = p->plain->len,
                                          .flush = WS__LAST,
                                          .alone = true,
                                          .at_once = true,
                                          .out = &out }) == 0)
            made = form_new(&(struct ws__frame){ .opcode = (uint8_t)p->type,
                                                 .fin = true,
                                                 .rsv1 = true,
                                                 .len = ws__buf_used(&out) },
                            out.pos);
    }
    ws__buf_release(&out, pool);
    ws__compressor_put(c, d);
    return made;
}

static struct ws__form *form_find(ws_prepared *p, int level, int bits)
{
    struct ws__form *f =
        atomic_load_explicit(&p->compressed, memory_order_acquire);

    while (f && (f->level != level || f->bits != bits))
        f = f->next;
    return f;
}

static struct ws__form *form_add(ws_prepared *p, ws_conn *c, int level,
                                 int bits)
{
    struct ws__form *f = form_compress(c, p, level);

    if (!f)
        return NULL;
    f->level = level;
    f->bits = bits;
    f->next = atomic_load(&p->compressed);
    atomic_store_explicit(&p->compressed, f, memory_order_release);
    return f;
}

const struct ws__form *ws__prepared_compressed(ws_prepared *p, ws_conn *c,
                                               int level)
{
    int bits = ws__compressor_bits(c);
    struct ws__form *f = form_find(p, level, bits);

    if (f)
        return f;
    pthread_mutex_lock(&p->growing);
    f = form_find(p, level, bits);
    if (!f)
        f = form_add(p, c, level, bits);
    pthread_mutex_unlock(&p->growing);
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
    p->plain = form_new(
        &(struct ws__frame){ .opcode = (uint8_t)type, .fin = true, .len = len },
        data);
    if (!p->plain) {
        ws_free(p);
        return NULL;
    }
    pthread_mutex_init(&p->growing, NULL);
    return p;
}

void ws_prepared_free(ws_prepared *p)
{
    if (!p || atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (struct ws__form *f = atomic_load(&p->compressed), *next; f; f = next) {
        next = f->next;
        ws_free(f);
    }
    pthread_mutex_destroy(&p->growing);
    ws_free(p->plain);
    ws_free(p);
}
