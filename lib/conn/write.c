/* SPDX-License-Identifier: MIT */

/* Frames out, one after the other. */

#include "conn/write.h"

#include <string.h>

#include "base/alloc.h"
#include "conn/answer.h"
#include "conn/out.h"
#include "fiber/budget.h"
#include "fiber/sched.h"
#include "proto/mask.h"

/* ---- Frames ------------------------------------------------------------- */

/* The header that data already has is a server's: a client's has a key. */
static void append_header_of(ws_conn *c, const struct ws__sending *s,
                             const struct ws__frame *f)
{
    if (s->framed > 0 && !c->client)
        ws__buf_append(&c->w.out->buf, (const uint8_t *)s->data - s->framed,
                       s->framed);
    else
        ws__out_header(&c->w.out->buf, f);
}

/* A server's payload is sent from where it is. */
static int send_large(ws_conn *c, const struct ws__sending *s, size_t mark)
{
    struct iovec tail = { .iov_base = (void *)s->data, .iov_len = s->len };

    return ws__out_send_with(c, s->deadline, mark, &tail);
}

/* A client's is masked in a copy, a piece at a time. */
static int send_large_masked(ws_conn *c, const struct ws__sending *s,
                             const struct ws__frame *f, size_t mark)
{
    struct ws__buf copy = { 0 };
    int error = ws__buf_lend(&copy, &ws__pools_here()->read);

    if (error != 0)
        c->w.out->buf.last -= mark;
    for (size_t at = 0, n; error == 0 && at < s->len; at += n) {
        size_t room = ws__buf_size(&copy), left = s->len - at;
        struct iovec tail = { .iov_base = copy.begin };

        n = tail.iov_len = left < room ? left : room;
        memcpy(copy.begin, (const uint8_t *)s->data + at, n);
        ws__mask(copy.begin, n, f->key, at);
        error = ws__out_send_with(c, s->deadline, at == 0 ? mark : 0, &tail);
        ws__out_take_turns();
    }
    ws__buf_release(&copy, &ws__pools_here()->read);
    return error;
}

int ws__write_check(ws_conn *c)
{
    int error = ws__out_error(c);

    if (error != 0)
        ws__out_tell(c);
    else if (atomic_load(&c->w.close_sent))
        error = WS_ERR_CLOSE_SENT;
    return error;
}

/* Half of the reserve is left for the answers to come. */
static bool fits(const struct ws__buf *out, size_t len)
{
    return len + WS__FRAME_HEADER_MAX + WS__WRITE_RESERVE / 2 <=
           ws__buf_room(out);
}

/* Room for the answers and a header, and for the message if it is small. */
static int clear_the_way(ws_conn *c, const struct ws__sending *s)
{
    int error = ws__out_have(c);

    if (error != 0)
        return error;
    struct ws__buf *out = &c->w.out->buf;
    bool small = s->len <= ws__extras(c)->write_buffer_size;
    if (ws__buf_used(out) > 0 && !fits(out, small ? s->len : 0))
        error = ws__out_send(c, s->deadline);
    if (ws__buf_used(out) == 0)
        out->pos = out->last = out->begin;
    return error;
}

static int send_frame(ws_conn *c, const struct ws__sending *s)
{
    struct ws__frame f = {
        .opcode = s->opcode, .fin = s->fin, .rsv1 = s->rsv1, .len = s->len
    };
    struct iovec none = { 0 };
    int error = clear_the_way(c, s);

    if (error != 0)
        return ws__out_settle(c, error);
    ws__answers_append(c);
    error = ws__write_check(c);
    if (error == 0)
        error = ws__out_make_header(c, &f);
    if (error != 0)
        return error;

    struct ws__buf *out = &c->w.out->buf;
    uint8_t *start = out->last;
    append_header_of(c, s, &f);
    if (!fits(out, s->len)) {
        size_t mark = (size_t)(out->last - start);
        return ws__out_settle(c, c->client ? send_large_masked(c, s, &f, mark)
                                           : send_large(c, s, mark));
    }
    ws__out_payload(out, &f, s->data);
    if (s->may_hold && ws__hold_wanted(c)) {
        ws__hold(c);
        return 0;
    }
    return ws__out_settle(
        c,
        ws__out_send_with(c, s->deadline, (size_t)(out->last - start), &none));
}

int ws__write_frame(ws_conn *c, const struct ws__sending *s)
{
    int error = ws__write_check(c);

    if (error == 0)
        error = ws__outbox_lock(c, s->deadline);
    if (error != 0)
        return error;
    error = s->whole && ws__has_author(c) ? WS_ERR_BUSY : ws__write_check(c);
    if (error == 0)
        error = send_frame(c, s);
    if (error == 0 && s->opcode == WS_CLOSE)
        atomic_store(&c->w.close_sent, true);
    bool held = c->w.out && c->w.out->held > 0;
    ws__outbox_unlock(c);
    if (error != 0)
        ws__out_tell(c);
    if (!held) /* the peer may always have room for more */
        ws__spend_message();
    return error;
}

void ws__write_fini(ws_conn *c)
{
    struct ws__extras *x = atomic_load(&c->extras);

    ws__out_give_back(c);
    ws_free(c->w.answers);
    if (!x)
        return;
    ws__buf_release(&x->piece, &ws__pools_here()->read);
    if (x->piece_deflate && x->piece_deflate != x->deflate_kept)
        ws__compressor_put(c, x->piece_deflate);
    ws__deflate_destroy(x->deflate_kept);
}
