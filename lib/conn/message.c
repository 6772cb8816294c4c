/* SPDX-License-Identifier: MIT */

/* Whole messages and control frames out. */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "conn/write.h"
#include "fiber/budget.h"
#include "fiber/sched.h"
#include "fiber/sync.h"

enum { AT_ONCE = 32 * 1024 }; /* to be compressed */

static int64_t write_deadline(ws_conn *c)
{
    return atomic_load_explicit(&c->w.deadline, memory_order_relaxed);
}

bool ws__has_author(const ws_conn *c)
{
    const struct ws__extras *x = ws__extras(c);

    return atomic_load(&x->author) != NULL;
}

bool ws__is_author(const ws_conn *c)
{
    const struct ws__extras *x = ws__extras(c);

    return atomic_load_explicit(&x->author, memory_order_relaxed) ==
           ws__parker_self();
}

int ws__message_lock(ws_conn *c, int64_t deadline)
{
    struct ws__extras *x = ws__extras_own(c);
    int error = x ? ws__write_check(c) : -ENOMEM;

    if (error == 0 && ws__is_author(c))
        error = WS_ERR_BUSY;
    if (error == 0)
        error = ws__turn_take(c, deadline);
    if (error != 0)
        return error;
    error = ws__write_check(c); /* it may have ended meanwhile */
    if (error != 0)
        ws__message_unlock(c);
    return error;
}

void ws__message_unlock(ws_conn *c)
{
    ws__turn_give(c);
}

void ws__message_abandon(ws_conn *c)
{
    if (!ws__is_author(c))
        return;
    atomic_store(&ws__extras_own(c)->author, NULL);
    ws__message_unlock(c);
}

static bool is_data(ws_type type)
{
    return type == WS_TEXT || type == WS_BINARY;
}

/* ---- Compression -------------------------------------------------------- */

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

bool ws__compresses(const ws_conn *c)
{
    return c->deflates &&
           atomic_load_explicit(&c->w.compress, memory_order_relaxed);
}

static void run_compression(void *compression)
{
    struct ws__compression *k = compression;
    struct ws__pool *pool = &ws__pools_here()->read;

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
                                &ws__pools_here()->read);

    if (error == 0)
        ws__buf_append(out, tail, sizeof(tail));
    return error;
}

/* What is large takes a while, and a peer may be why it is sent: so others have
 * their turns.  Parts that stand alone, one behind the other, do so together. */
int ws__compress(struct ws__compression k)
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

static int send_compressed(ws_conn *c, struct ws__sending *s)
{
    struct ws__pool *pool = &ws__pools_here()->read;
    struct ws__deflate *d = ws__compressor_get(c);
    struct ws__buf out = { 0 };
    int error = d ? ws__buf_lend(&out, pool) : -ENOMEM;

    if (error == 0)
        error = ws__compress(
            (struct ws__compression){ .d = d,
                                      .data = s->data,
                                      .len = s->len,
                                      .flush = WS__LAST,
                                      .alone = !ws__compressor_keeps(c),
                                      .out = &out });
    ws__compressor_put(c, d); /* others need it while this one waits */
    if (error == 0) {
        s->rsv1 = true;
        s->data = out.pos;
        s->len = ws__buf_used(&out);
        error = ws__write_frame(c, s);
    }
    /* What the peer has not seen must not be looked back at. */
    struct ws__deflate *kept = ws__extras(c)->deflate_kept;
    if (error != 0 && kept)
        ws__deflate_reset(kept);
    ws__buf_release(&out, pool);
    return error;
}

/* ---- Messages ----------------------------------------------------------- */

/* With the message lock: behind a message in pieces, or compressed with what
 * went before. */
static int write_in_turn(ws_conn *c, struct ws__sending *s, bool compressed)
{
    int error = ws__message_lock(c, s->deadline);

    if (error != 0)
        return error;
    error = compressed ? send_compressed(c, s) : ws__write_frame(c, s);
    ws__message_unlock(c);
    return error;
}

int ws__write_whole(ws_conn *c, struct ws__sending *s)
{
    s->whole = true;
    int error = ws__write_frame(c, s);
    s->whole = false;
    return error == WS_ERR_BUSY ? write_in_turn(c, s, false) : error;
}

int ws_write_message(ws_conn *c, ws_type type, const void *data, size_t len)
{
    if (!c || (!data && len > 0))
        return WS_ERR_INVALID;

    int64_t deadline = write_deadline(c);
    if (!is_data(type))
        return ws_write_control(c, type, data, len, deadline);

    struct ws__sending s = { .opcode = (uint8_t)type,
                             .fin = true,
                             .may_hold = true,
                             .data = data,
                             .len = len,
                             .deadline = deadline };
    return ws__compresses(c) ? write_in_turn(c, &s, true)
                             : ws__write_whole(c, &s);
}

int ws_write_text(ws_conn *c, const char *text)
{
    if (!text)
        return WS_ERR_INVALID;
    return ws_write_message(c, WS_TEXT, text, strlen(text));
}

int ws_writef(ws_conn *c, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    int error = ws_vwritef(c, fmt, ap);
    va_end(ap);
    return error;
}

int ws_vwritef(ws_conn *c, const char *fmt, va_list ap)
{
    char small[512];
    va_list again;

    if (!c || !fmt)
        return WS_ERR_INVALID;
    va_copy(again, ap);
    int n = vsnprintf(small, sizeof(small), fmt, again);
    va_end(again);
    if (n < 0)
        return WS_ERR_INVALID;
    if ((size_t)n < sizeof(small))
        return ws_write_message(c, WS_TEXT, small, (size_t)n);

    char *large = ws__alloc((size_t)n + 1);
    if (!large)
        return -ENOMEM;
    vsnprintf(large, (size_t)n + 1, fmt, ap);
    int error = ws_write_message(c, WS_TEXT, large, (size_t)n);
    ws_free(large);
    return error;
}

int ws_flush(ws_conn *c)
{
    if (!c)
        return WS_ERR_INVALID;
    int error = ws__piece_flush(c);
    return error == 0 ? ws__outbox_flush(c, write_deadline(c)) : error;
}

/* ---- Control frames ----------------------------------------------------- */

static bool control_valid(ws_type type, const void *data, size_t len)
{
    int code;

    if (len > WS__CONTROL_MAX || (!data && len > 0))
        return false;
    if (type == WS_CLOSE)
        return !ws__close_decode(data, len, &code);
    return type == WS_PING || type == WS_PONG;
}

int ws_write_control(ws_conn *c, ws_type type, const void *data, size_t len,
                     int64_t deadline)
{
    if (!c || !control_valid(type, data, len))
        return WS_ERR_INVALID;
    return ws__write_frame(c, &(struct ws__sending){ .opcode = (uint8_t)type,
                                                     .fin = true,
                                                     .data = data,
                                                     .len = len,
                                                     .deadline = deadline });
}

/* A message of others is let through first; one of the caller's own is broken
 * off. */
int ws__write_close_by(ws_conn *c, int code, const char *reason,
                       int64_t deadline)
{
    uint8_t payload[WS__CONTROL_MAX];

    if (!ws__close_sendable(code))
        return WS_ERR_INVALID;
    size_t n = ws__close_encode(payload, code, reason);
    int locked = ws__message_lock(c, deadline);
    if (locked != 0 && locked != WS_ERR_BUSY)
        return locked;
    int error = ws_write_control(c, WS_CLOSE, payload, n, deadline);
    if (locked == 0)
        ws__message_unlock(c);
    return error;
}

int ws_write_close(ws_conn *c, int code, const char *reason)
{
    return c ? ws__write_close_by(c, code, reason, write_deadline(c))
             : WS_ERR_INVALID;
}
