/* SPDX-License-Identifier: MIT */

#include "conn/batch.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/alloc.h"
#include "conn/compressor.h"
#include "conn/count.h"
#include "conn/enqueue.h"
#include "conn/message_lock.h"
#include "conn/outbox.h"
#include "conn/pools.h"
#include "conn/sendbuf.h"
#include "conn/trace.h"
#include "conn/write_error.h"

enum {
    ITEMS_MIN = 16,
    PLAIN = INT_MIN, /* a level that there is none of */
};

/* ---- Making ------------------------------------------------------------- */

int ws__batch_add(struct ws__batch *b, ws_prepared *p, const char *key)
{
    if (b->n == b->size) {
        size_t size = b->size == 0 ? ITEMS_MIN : 2 * b->size;
        struct ws__batch_item *items =
            ws__realloc(b->items, size * sizeof(*items));
        if (!items)
            return -ENOMEM;
        b->items = items;
        b->size = size;
    }
    ws__prepared_ref(p);
    b->items[b->n++] = (struct ws__batch_item){ p, key };
    return 0;
}

void ws__batch_clear(struct ws__batch *b)
{
    for (struct ws__batch_run *r = b->runs, *next; r; r = next) {
        next = r->next;
        ws_free(r);
    }
    for (size_t i = 0; i < b->n; i++)
        ws_prepared_free(b->items[i].message);
    ws_free(b->items);
    *b = (struct ws__batch){ 0 };
}

/* ---- Putting together --------------------------------------------------- */

static const struct ws__form *form_for(ws_prepared *p, ws_conn *c, int level)
{
    return level == PLAIN ? p->plain : ws__prepared_compressed(p, c, level);
}

/* Returns the bytes of all, or 0 without memory for one. */
static size_t batch_length(const struct ws__batch *b, ws_conn *c, int level)
{
    size_t sum = 0;

    for (size_t i = 0; i < b->n; i++) {
        const struct ws__form *f = form_for(b->items[i].message, c, level);
        if (!f)
            return 0;
        sum += ws__form_size(f);
    }
    return sum;
}

static void batch_put_together(struct ws__batch_run *r,
                               const struct ws__batch *b, ws_conn *c)
{
    size_t at = 0, payload = 0, plain = 0;

    r->bytes = (uint8_t *)&r->marks[b->n + 1];
    for (size_t i = 0; i < b->n; i++) {
        ws_prepared *p = b->items[i].message;
        const struct ws__form *f = form_for(p, c, r->level);

        r->marks[i] = (struct ws__batch_mark){ at, payload, plain };
        memcpy(r->bytes + at, f->bytes, ws__form_size(f));
        at += ws__form_size(f);
        payload += f->len;
        plain += p->plain->len;
    }
    r->marks[b->n] = (struct ws__batch_mark){ at, payload, plain };
}

static struct ws__batch_run *batch_run_new(struct ws__batch *b, ws_conn *c,
                                           int level, int bits)
{
    size_t length = batch_length(b, c, level);
    struct ws__batch_run *r =
        length > 0
            ? ws__alloc(sizeof(*r) + (b->n + 1) * sizeof(*r->marks) + length)
            : NULL;

    if (!r)
        return NULL;
    r->level = level;
    r->bits = bits;
    batch_put_together(r, b, c);
    r->next = b->runs;
    return b->runs = r;
}

/* Nearly always the first. */
static const struct ws__batch_run *batch_run_for(struct ws__batch *b,
                                                 ws_conn *c)
{
    int level = PLAIN, bits = 0;
    struct ws__batch_run *r;

    if (ws__compressor_wanted(c)) {
        level = atomic_load(&c->w.level);
        bits = ws__compressor_bits(c);
    }
    for (r = b->runs; r; r = r->next)
        if (r->level == level && r->bits == bits)
            return r;
    return batch_run_new(b, c, level, bits);
}

/* ---- Sending ------------------------------------------------------------ */

/* Nothing is to go first, and nobody has to do anything with the bytes: with the
 * outbox's lock held. */
static bool is_clear(const ws_conn *c)
{
    return !c->w.sendbuf && atomic_load(&c->w.error) == 0 &&
           atomic_load(&c->w.closing) == WS__NOT_CLOSING &&
           atomic_load(&c->w.due) == 0 && !ws__conn_ended(c) &&
           !ws__is_traced(c) && !c->client &&
           !(c->deflates && ws__compressor_keeps(c)) &&
           !ws__message_has_author(c);
}

/* The rest of what has begun waits in the buffer. */
static int keep_rest(ws_conn *c, const uint8_t *p, size_t n)
{
    int error = n == 0 ? 0 : ws__sendbuf_borrow(c);

    if (error == 0 && n + WS__WRITE_RESERVE > WS__WRITE_BUFFER)
        error = ws__sendbuf_grow(c, n + WS__WRITE_RESERVE);
    if (error == 0 && n > 0)
        ws__buf_append(&c->w.sendbuf->buf, p, n);
    return error;
}

/* With the outbox's lock held.  Returns the first message of which nothing went,
 * or a code. */
static ptrdiff_t send_run(ws_conn *c, const struct ws__batch *b, size_t from,
                          const struct ws__batch_run *r)
{
    const uint8_t *begin = r->bytes + r->marks[from].at;
    const uint8_t *end = r->bytes + r->marks[b->n].at;
    struct iovec v = { .iov_base = (void *)begin,
                       .iov_len = (size_t)(end - begin) };
    ssize_t sent = ws__stream_writev(&c->stream, &v, 1);
    size_t next = b->n;

    if (sent < 0 && sent != -EAGAIN)
        return ws__write_settle_untold(c, (int)sent);
    if (sent < end - begin) {
        const uint8_t *begun = begin + (sent > 0 ? sent : 0);
        size_t at = (size_t)(begun + c->stream.taken - r->bytes);
        for (next = from; next < b->n && r->marks[next].at < at;)
            next++;
        int error =
            keep_rest(c, begun, r->marks[next].at - (size_t)(begun - r->bytes));
        if (error != 0)
            return ws__write_settle_untold(c, error);
    }
    const struct ws__batch_mark *m = &r->marks[from], *to = &r->marks[next];
    ws__count_sent(c, next - from, to->plain - m->plain,
                   r->level == PLAIN ? 0 : to->payload - m->payload);
    return (ptrdiff_t)next;
}

/* There is no memory for some: what came later would go behind a gap. */
static int lose(struct ws__batch *b, ws_conn *c)
{
    if (!ws__outqueue_own(c)) {
        ws__write_fail_untold(c, -ENOMEM);
        return -ENOMEM;
    }
    ws__enqueue_cut(c, "messages were lost", &b->counts);
    return WS_ERR_SLOW;
}

static int queue_from(struct ws__batch *b, size_t from, ws_conn *c)
{
    int error = ws__write_check(c);

    if (error != 0)
        return error;
    for (size_t i = from; error == 0 && i < b->n; i++)
        error = ws__outqueue_put(c, b->items[i].message, b->items[i].key,
                                 &b->counts);
    if (error != 0)
        return lose(b, c);
    b->counts.sent += b->n - from;
    return ws__enqueue_settle(c, true, &b->counts);
}

int ws__batch_send(struct ws__batch *b, size_t from, ws_conn *c)
{
    ptrdiff_t next = (ptrdiff_t)from;

    if (ws__trylock(&c->w.lock)) {
        const struct ws__batch_run *r =
            is_clear(c) ? batch_run_for(b, c) : NULL;
        if (r)
            next = send_run(c, b, from, r);
        ws__outbox_unlock(c);
    }
    if (next < 0)
        return (int)next;
    b->counts.sent += (size_t)next - from;
    if ((size_t)next == b->n && !ws__outbox_has_unsent(c))
        return 0;
    return queue_from(b, (size_t)next, c);
}
