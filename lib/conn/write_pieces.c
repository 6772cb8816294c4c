/* SPDX-License-Identifier: MIT */

/* Messages out in pieces.  Each piece becomes a frame when the buffer is
 * full. */

#include "conn/write_pieces.h"

#include <errno.h>

#include "conn/compressor.h"
#include "conn/count.h"
#include "conn/error.h"
#include "conn/extras.h"
#include "conn/message_lock.h"
#include "conn/pools.h"
#include "conn/write_error.h"
#include "conn/write_message.h"

static struct ws__pool *piece_buffers(void)
{
    return &ws__pools_here()->large;
}

int ws_next_writer(ws_conn *c, ws_type type)
{
    if (!c || !ws__is_data(type))
        return WS_ERR_INVALID;

    int64_t deadline = ws__write_deadline(c);
    int error = ws__message_lock(c, deadline);
    if (error != 0)
        return error;
    struct ws__extras *x = ws__extras_own(c);
    error = ws__buf_lend(&x->piece, piece_buffers());
    if (error == 0 && ws__compressor_wanted(c)) {
        x->piece_deflate = ws__compressor_get(c);
        error = x->piece_deflate ? 0 : -ENOMEM;
    }
    if (error != 0) {
        ws__buf_release(&x->piece, piece_buffers());
        ws__message_unlock(c);
        return error;
    }
    x->piece_type = type;
    x->piece_begun = false;
    atomic_store(&x->author, ws__parker_self());
    return 0;
}

static int send_piece(ws_conn *c, bool fin, const void *data, size_t len)
{
    struct ws__extras *x = ws__extras_own(c);
    struct ws__sending s = {
        .opcode = x->piece_begun ? 0 : (uint8_t)x->piece_type,
        .fin = fin,
        .rsv1 = !x->piece_begun && x->piece_deflate,
        .data = data,
        .len = len,
        .deadline = ws__write_deadline(c),
        .compressed = x->piece_deflate != NULL,
    };
    int error = ws__write_frame(c, &s);

    if (error == 0)
        x->piece_begun = true;
    return error;
}

static int send_buffer(ws_conn *c, bool fin)
{
    struct ws__extras *x = ws__extras_own(c);
    struct ws__buf *b = &x->piece;
    int error = send_piece(c, fin, b->pos, ws__buf_used(b));

    if (error == 0)
        b->pos = b->last = b->begin;
    return error;
}

static int add_compressed(ws_conn *c, const void *data, size_t len,
                          enum ws__flush flush)
{
    struct ws__extras *x = ws__extras_own(c);

    return ws__compressor_run((struct ws__compression){ .d = x->piece_deflate,
                                                        .data = data,
                                                        .len = len,
                                                        .flush = flush,
                                                        .out = &x->piece });
}

static int make_way(ws_conn *c)
{
    const struct ws__extras *x = ws__extras(c);

    if (ws__buf_used(&x->piece) <= x->write_buffer_size)
        return 0;
    return send_buffer(c, false);
}

/* What was compressed is taken, so only what must go before it may time out. */
static int squeeze_in(ws_conn *c, const void *data, size_t len)
{
    int error = make_way(c);

    if (error == 0)
        error = add_compressed(c, data, len, WS__MORE);
    if (error != 0)
        return error;
    error = make_way(c);
    return error == WS_ERR_TIMEOUT ? 0 : error;
}

/* What fills the buffer goes out as a frame; what is larger than it, too.  A
 * lent one may be smaller than the connection's is to be: then it grows. */
static int add_plain(ws_conn *c, const void *data, size_t len)
{
    struct ws__extras *x = ws__extras_own(c);
    struct ws__buf *b = &x->piece;
    size_t size = x->write_buffer_size;
    int error = 0;

    if (ws__buf_used(b) + len > size && ws__buf_used(b) > 0)
        error = send_buffer(c, false);
    if (error != 0)
        return error;
    if (len > size)
        return send_piece(c, false, data, len);
    error = ws__buf_reserve(b, len, size, piece_buffers());
    if (error == 0)
        ws__buf_append(b, data, len);
    return error;
}

/* There is no message of the caller's: what it was is forgotten with a close. */
static int pieces_refuse(const ws_conn *c)
{
    return ws__conn_ended(c) ? ws__conn_end_code(c) : WS_ERR_INVALID;
}

int ws_write(ws_conn *c, const void *data, size_t len)
{
    if (!c || (!data && len > 0))
        return WS_ERR_INVALID;
    if (!ws__message_is_mine(c))
        return pieces_refuse(c);

    struct ws__extras *x = ws__extras_own(c);
    int error = ws__write_check(c);
    if (error != 0)
        return error;
    if (!x->piece_deflate)
        return add_plain(c, data, len);
    error = squeeze_in(c, data, len);
    if (error == 0)
        ws__count(c, WS_COUNT_BYTES_OUT, len);
    return error;
}

int ws__write_pieces_flush(ws_conn *c)
{
    int error = 0;

    if (!ws__message_is_mine(c))
        return 0;
    struct ws__extras *x = ws__extras_own(c);
    if (x->piece_deflate)
        error = add_compressed(c, NULL, 0, WS__FLUSH);
    if (error == 0 && ws__buf_used(&x->piece) > 0)
        error = send_buffer(c, false);
    return error;
}

/* The peer waits for the rest of it, so nothing else may follow. */
static int break_off(ws_conn *c, int error)
{
    if (ws__write_check(c) != 0)
        return error;
    if (error == WS_ERR_TIMEOUT)
        error = WS_ERR_DEAD;
    ws__conn_fail(c, error, "a message could not be ended: %s",
                  ws_strerror(error));
    atomic_store(&c->w.error, error);
    return error;
}

int ws_end_message(ws_conn *c)
{
    int error = 0;

    if (!c)
        return WS_ERR_INVALID;
    if (!ws__message_is_mine(c))
        return pieces_refuse(c);
    struct ws__extras *x = ws__extras_own(c);
    if (x->piece_deflate)
        error = add_compressed(c, NULL, 0, WS__LAST);
    if (error == 0)
        error = send_buffer(c, true);
    if (error != 0 && x->piece_deflate)
        ws__deflate_reset(x->piece_deflate);
    if (error != 0 && x->piece_begun)
        error = break_off(c, error);
    ws__compressor_put(c, x->piece_deflate);
    x->piece_deflate = NULL;
    ws__buf_release(&x->piece, piece_buffers());
    atomic_store(&x->author, NULL);
    ws__message_unlock(c);
    return error;
}
