/* SPDX-License-Identifier: MIT */

#include "conn/drain.h"

#include <errno.h>

#include "conn/close_answer.h"
#include "conn/compressor.h"
#include "conn/count.h"
#include "conn/extras.h"
#include "conn/message_lock.h"
#include "conn/outqueue.h"
#include "conn/pools.h"
#include "conn/send.h"
#include "conn/sendbuf.h"
#include "conn/turn.h"
#include "conn/write_error.h"

/* ---- Into the buffer ---------------------------------------------------- */

/* Half of the reserve is left for control frames to come. */
static bool entry_fits(const ws_conn *c, size_t len)
{
    return len + WS__FRAME_HEADER_MAX + WS__WRITE_RESERVE / 2 <=
           ws__buf_room(&c->w.sendbuf->buf);
}

static void drain_begin_anew(struct ws__buf *out)
{
    if (ws__buf_used(out) == 0)
        out->pos = out->last = out->begin;
}

/* Returns 0, or -ENOSPC when it has to wait for what is in the buffer. */
static int drain_make_room(ws_conn *c, size_t len)
{
    int error = ws__sendbuf_borrow(c);

    if (error != 0)
        return error;
    drain_begin_anew(&c->w.sendbuf->buf);
    if (entry_fits(c, len))
        return 0;
    if (ws__sendbuf_pending(c) > 0)
        return -ENOSPC;
    return ws__sendbuf_grow(c, len + WS__FRAME_HEADER_MAX + WS__WRITE_RESERVE);
}

static int append_frame(ws_conn *c, struct ws__frame *f, const void *payload)
{
    int error = ws__sendbuf_make_header(c, f);

    if (error != 0)
        return error;
    ws__sendbuf_frame(&c->w.sendbuf->buf, f, payload);
    return 0;
}

static int append_form(ws_conn *c, ws_type type, const struct ws__form *form)
{
    struct ws__frame f = { .opcode = (uint8_t)type,
                           .fin = true,
                           .rsv1 = form->rsv1,
                           .len = form->len };
    int error = drain_make_room(c, form->len);

    return error == 0 ? append_frame(c, &f, ws__form_payload(form)) : error;
}

/* Compressed with what went before: that cannot be taken back.  It grows by little
 * at most. */
static int append_made(ws_conn *c, const ws_prepared *p)
{
    struct ws__pool *pool = &ws__pools_here()->large;
    struct ws__frame f = { .opcode = (uint8_t)p->type,
                           .fin = true,
                           .rsv1 = true };
    struct ws__buf out = { 0 };
    int error = drain_make_room(c, p->plain->len);
    struct ws__deflate *d = error == 0 ? ws__compressor_get(c) : NULL;

    if (error == 0)
        error = d ? ws__buf_lend(&out, pool) : -ENOMEM;
    if (error == 0)
        error = ws__compressor_run(
            (struct ws__compression){ .d = d,
                                      .data = ws__form_payload(p->plain),
                                      .len = p->plain->len,
                                      .flush = WS__LAST,
                                      .at_once = true,
                                      .out = &out });
    ws__compressor_put(c, d);
    f.len = ws__buf_used(&out);
    if (error == 0)
        error = drain_make_room(c, ws__buf_used(&out));
    if (error == 0)
        error = append_frame(c, &f, out.pos);
    ws__buf_release(&out, pool);
    return error;
}

/* It is on its way. */
static void drain_pop(ws_conn *c, struct ws__outqueue *q)
{
    const struct ws__outqueue_entry *e = ws__outqueue_at(q, 0);

    ws__count_sent(c, 1, e->message->plain->len,
                   e->form && e->form->rsv1 ? e->form->len : 0);
    ws__outqueue_remove(c, 0);
}

/* Move what there is room for into the buffer.  Returns 0 or what ends sending. */
static int append_some(ws_conn *c, struct ws__outqueue *q)
{
    int error = 0;

    ws__outqueue_lock(q);
    q->sending = 0;
    while (error == 0 && q->sending < q->count) {
        const struct ws__outqueue_entry *e = ws__outqueue_at(q, q->sending);
        error = e->form ? append_form(c, e->message->type, e->form)
                        : append_made(c, e->message);
        if (error == 0)
            q->sending++;
    }
    ws__outqueue_unlock(q);
    return error == -ENOSPC ? 0 : error;
}

static size_t drain_frame_size(const ws_conn *c, const struct ws__form *f)
{
    return ws__form_size(f) +
           (c->client ? sizeof(((struct ws__frame *)0)->key) : 0);
}

/* Of those in the buffer the last ones of which nothing was sent, nor is held by
 * TLS, are as if they had never been there. */
static size_t drain_take_back(ws_conn *c, const struct ws__outqueue *q)
{
    size_t n = q->sending;

    while (n > 0 && c->w.sendbuf) {
        const struct ws__form *f = ws__outqueue_at(q, n - 1)->form;
        struct ws__buf *out = &c->w.sendbuf->buf;
        if (!f || ws__buf_used(out) < drain_frame_size(c, f) + c->stream.taken)
            break;
        out->last -= drain_frame_size(c, f);
        n--;
    }
    return n;
}

/* Returns whether there are more. */
static bool settle_sent(ws_conn *c, struct ws__outqueue *q, bool all)
{
    ws__outqueue_lock(q);
    size_t n = all ? q->sending : drain_take_back(c, q);
    q->sending = 0;
    while (n-- > 0)
        drain_pop(c, q);
    bool more = q->count > 0;
    ws__outqueue_unlock(q);
    return more;
}

/* ---- Whose turn it is --------------------------------------------------- */

/* Somebody else has to let go first, and looks at held after that. */
static bool must_hold(ws_conn *c, bool own)
{
    return ws__message_has_author(c) || (own && !ws__turn_try(c));
}

static bool drain_hold(ws_conn *c, struct ws__outqueue *q, bool own)
{
    ws__outqueue_lock(q);
    atomic_fetch_and(&c->w.due, (unsigned char)~WS__DUE_MESSAGES);
    ws__outqueue_unlock(q);
    atomic_store(&ws__extras_own(c)->queue_held, true);
    if (must_hold(c, own))
        return true;
    ws__outqueue_resume(c);
    return false;
}

/* Begin to send.  Returns false if nothing can be: *own says whether the turn was
 * taken. */
static bool drain_begin(ws_conn *c, struct ws__outqueue *q, bool *own)
{
    *own = c->deflates && ws__compressor_keeps(c);
    if (!(atomic_load(&c->w.due) & WS__DUE_MESSAGES))
        return false;
    if (atomic_load(&c->w.error) != 0 || ws__close_was_sent(c)) {
        ws__outqueue_forget(c);
        return false;
    }
    return !must_hold(c, *own) || !drain_hold(c, q, *own);
}

static void drain_end(ws_conn *c, bool own)
{
    if (own)
        ws__turn_give(c);
}

static int send_round(ws_conn *c, struct ws__outqueue *q, bool *more)
{
    int error = append_some(c, q);

    if (error == 0)
        error = ws__send_try(c);
    else
        ws__write_settle_untold(c, error);
    if (error == 0 || error == -EAGAIN)
        *more = settle_sent(c, q, error == 0);
    else
        ws__outqueue_forget(c);
    return error;
}

bool ws__drain_send(ws_conn *c)
{
    struct ws__outqueue *q = atomic_load(&c->w.outqueue);
    bool own, more = true;
    int error = 0;

    if (!drain_begin(c, q, &own))
        return false;
    while (error == 0 && more && !(atomic_load(&c->w.due) & WS__DUE_CONTROL))
        error = send_round(c, q, &more);
    drain_end(c, own);
    return error == -EAGAIN && more;
}

int ws__drain_move(ws_conn *c)
{
    struct ws__outqueue *q = atomic_load(&c->w.outqueue);
    bool own;

    if (!drain_begin(c, q, &own))
        return 0;
    int error = append_some(c, q);
    settle_sent(c, q, true);
    drain_end(c, own);
    return error;
}
