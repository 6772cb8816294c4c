/* SPDX-License-Identifier: MIT */

/* Messages out in pieces.  Each piece becomes a frame when the buffer is
 * full. */

#include <errno.h>

#include "ws/write.h"

static bool is_author(ws_conn *c)
{
    return c && atomic_load_explicit(&c->w.author, memory_order_relaxed) ==
                    ws__parker_self();
}

static struct ws__pool *buffers(void)
{
    return &ws__pools_here()->read;
}

int ws_next_writer(ws_conn *c, ws_type type)
{
    if (!c || (type != WS_TEXT && type != WS_BINARY))
        return WS_ERR_INVALID;

    int64_t deadline = atomic_load(&c->w.deadline);
    int error = ws__message_lock(c, deadline);
    if (error != 0)
        return error;
    error = ws__buf_lend(&c->w.piece, buffers());
    if (error == 0 && ws__compresses(c)) {
        c->w.piece_deflate = ws__compressor_get(c);
        error = c->w.piece_deflate ? 0 : -ENOMEM;
    }
    if (error != 0) {
        ws__buf_release(&c->w.piece, buffers());
        ws_mutex_unlock(&c->w.message);
        return error;
    }
    c->w.piece_type = type;
    c->w.piece_begun = false;
    atomic_store(&c->w.author, ws__parker_self());
    return 0;
}

static int send_piece(ws_conn *c, bool fin, const void *data, size_t len)
{
    struct ws__sending s = {
        .opcode = c->w.piece_begun ? 0 : (uint8_t)c->w.piece_type,
        .fin = fin,
        .rsv1 = !c->w.piece_begun && c->w.piece_deflate,
        .data = data,
        .len = len,
        .deadline = atomic_load(&c->w.deadline),
    };
    int error = ws__write_frame(c, &s);

    if (error == 0)
        c->w.piece_begun = true;
    return error;
}

static int send_buffer(ws_conn *c, bool fin)
{
    struct ws__buf *b = &c->w.piece;
    int error = send_piece(c, fin, b->pos, ws__buf_used(b));

    if (error == 0)
        b->pos = b->last = b->begin;
    return error;
}

static int add_compressed(ws_conn *c, const void *data, size_t len,
                          enum ws__flush flush)
{
    return ws__deflate_run(c->w.piece_deflate, data, len, flush, &c->w.piece,
                           buffers());
}

/* What fills the buffer goes out as a frame; what is larger than it, too. */
static int add(ws_conn *c, const void *data, size_t len)
{
    struct ws__buf *b = &c->w.piece;
    size_t size = c->w.buffer_size;
    int error = 0;

    if (ws__buf_used(b) + len > size && ws__buf_used(b) > 0)
        error = send_buffer(c, false);
    if (error != 0)
        return error;
    if (len > size)
        return send_piece(c, false, data, len);
    ws__buf_append(b, data, len);
    return 0;
}

int ws_write(ws_conn *c, const void *data, size_t len)
{
    if (!is_author(c) || (!data && len > 0))
        return WS_ERR_INVALID;

    int error = ws__write_check(c);
    if (error != 0 || !c->w.piece_deflate)
        return error != 0 ? error : add(c, data, len);
    error = add_compressed(c, data, len, WS__MORE);
    if (error == 0 && ws__buf_used(&c->w.piece) > c->w.buffer_size)
        error = send_buffer(c, false);
    return error;
}

int ws__piece_flush(ws_conn *c)
{
    int error = 0;

    if (!is_author(c))
        return 0;
    if (c->w.piece_deflate)
        error = add_compressed(c, NULL, 0, WS__FLUSH);
    if (error == 0 && ws__buf_used(&c->w.piece) > 0)
        error = send_buffer(c, false);
    return error;
}

int ws_end_message(ws_conn *c)
{
    int error = 0;

    if (!is_author(c))
        return WS_ERR_INVALID;
    if (c->w.piece_deflate)
        error = add_compressed(c, NULL, 0, WS__LAST);
    if (error == 0)
        error = send_buffer(c, true);
    if (error != 0 && c->w.piece_deflate)
        ws__deflate_reset(c->w.piece_deflate);
    ws__compressor_put(c, c->w.piece_deflate);
    c->w.piece_deflate = NULL;
    ws__buf_release(&c->w.piece, buffers());
    atomic_store(&c->w.author, NULL);
    ws_mutex_unlock(&c->w.message);
    return error;
}
