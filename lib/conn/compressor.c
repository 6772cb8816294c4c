/* SPDX-License-Identifier: MIT */

#include "conn/compressor.h"

#include "base/buf.h"
#include "conn/extras.h"
#include "conn/pools.h"
#include "fiber/budget.h"
#include "fiber/sched.h"

enum { AT_ONCE = 32 * 1024 }; /* to be compressed */

bool ws__compressor_keeps(const ws_conn *c)
{
    const struct ws__deflate_params *p = &ws__extras(c)->deflate;

    return c->client ? p->client_takeover : p->server_takeover;
}

int ws__compressor_bits(const ws_conn *c)
{
    const struct ws__deflate_params *p = &ws__extras(c)->deflate;

    return c->client ? p->client_bits : p->server_bits;
}

static struct ws__pool *compressors(const ws_conn *c)
{
    return ws__deflate_pool(ws__pools_here(), ws__compressor_bits(c));
}

struct ws__deflate *ws__compressor_get(ws_conn *c)
{
    struct ws__extras *x = ws__extras_own(c); /* it agreed, so it has them */
    struct ws__deflate *d = x->deflate_kept;
    bool kept = d; /* one of the pool has seen others' messages */

    if (!d)
        d = ws__pool_get(compressors(c));
    if (ws__compressor_keeps(c))
        x->deflate_kept = d;
    if (d)
        ws__deflate_begin(d, atomic_load(&c->w.level), kept);
    return d;
}

void ws__compressor_put(ws_conn *c, struct ws__deflate *d)
{
    if (d && d != ws__extras(c)->deflate_kept)
        ws__pool_put(compressors(c), d);
}

bool ws__compressor_wanted(const ws_conn *c)
{
    return c->deflates && ws__is_on(c, WS__COMPRESSES);
}

static void run_compression(void *compression)
{
    struct ws__compression *k = compression;
    struct ws__pool *pool = &ws__pools_here()->large;

    k->error = k->alone ? ws__deflate_alone(k->d, k->data, k->len, k->out, pool)
                        : ws__deflate_run(k->d, k->data, k->len, k->flush,
                                          k->out, pool);
}

static int compress_part(struct ws__compression k)
{
    ws__on_loop_stack(run_compression, &k);
    return k.error;
}

/* A block that is empty, and ends where a byte does (RFC 1951, section 3.2.4):
 * one that stands alone leaves it out (RFC 7692, section 7.2.1). */
static int append_tail(struct ws__buf *out)
{
    static const uint8_t tail[] = { 0x00, 0x00, 0xff, 0xff };
    int error = ws__buf_reserve(out, sizeof(tail), SIZE_MAX / 2,
                                &ws__pools_here()->large);

    if (error == 0)
        ws__buf_append(out, tail, sizeof(tail));
    return error;
}

/* What is large takes a while, and a peer may be why it is sent: so others have
 * their turns.  Parts that stand alone, one behind the other, do so together. */
int ws__compressor_run(struct ws__compression k)
{
    enum ws__flush flush = k.flush;
    size_t left = k.len;
    int error = 0;

    for (; error == 0 && left > AT_ONCE; left -= AT_ONCE) {
        k.len = AT_ONCE;
        k.flush = k.alone ? WS__LAST : WS__MORE;
        error = compress_part(k);
        if (error == 0 && k.alone)
            error = append_tail(k.out);
        if (k.alone)
            ws__deflate_reset(k.d);
        k.data = (const uint8_t *)k.data + AT_ONCE;
        ws__spend(WS__BUDGET + 1);
        if (!k.at_once)
            ws__take_turns();
    }
    k.len = left;
    k.flush = flush;
    return error == 0 ? compress_part(k) : error;
}
