/* SPDX-License-Identifier: MIT */

#include "conn/control_queue.h"

#include <string.h>

#include "base/alloc.h"
#include "conn/close_answer.h"
#include "conn/count.h"
#include "conn/extras.h"
#include "conn/sendbuf.h"
#include "conn/write_error.h"

/* Slots that need memory. */
struct ws__control_queue {
    bool pong;
    uint8_t pong_len;
    char pong_data[WS__CONTROL_MAX];
    char reason[WS__REASON_MAX + 1]; /* of the close frame */
};

/* With the lock held; NULL when there is no memory. */
static struct ws__control_queue *queue_have(ws_conn *c)
{
    if (!c->w.control_queue)
        c->w.control_queue = ws__zalloc(sizeof(*c->w.control_queue));
    return c->w.control_queue;
}

static bool queue_has_any(const ws_conn *c)
{
    const struct ws__control_queue *a = c->w.control_queue;

    return c->w.ping_due || c->w.close_due || (a && a->pong);
}

static void queue_unlock(ws_conn *c)
{
    bool any = queue_has_any(c);

    if (any)
        atomic_fetch_or(&c->w.due, WS__DUE_CONTROL);
    else
        atomic_fetch_and(&c->w.due, (unsigned char)~WS__DUE_CONTROL);
    if (!any) {
        ws_free(c->w.control_queue);
        c->w.control_queue = NULL;
    }
    ws__unlock(&c->w.control_lock);
}

void ws__control_queue_ping(ws_conn *c)
{
    ws__lock_briefly(&c->w.control_lock);
    c->w.ping_due = true;
    queue_unlock(c);
}

/* Without memory for its payload a ping stays unanswered. */
void ws__control_queue_pong(ws_conn *c, const void *data, size_t len)
{
    ws__lock_briefly(&c->w.control_lock);
    struct ws__control_queue *a = queue_have(c);
    if (a) {
        a->pong = true;
        a->pong_len = (uint8_t)len;
        memcpy(a->pong_data, data, len);
    }
    queue_unlock(c);
}

/* Without memory for the reason the code has to do. */
void ws__control_queue_close(ws_conn *c, int code, const char *reason)
{
    struct ws__str fits = ws__close_reason(reason);

    ws__lock_briefly(&c->w.control_lock);
    struct ws__control_queue *a =
        fits.n > 0 ? queue_have(c) : c->w.control_queue;
    if (a) {
        memcpy(a->reason, fits.p, fits.n);
        a->reason[fits.n] = '\0';
    }
    c->w.close_due = true;
    c->w.due_close_code = (uint16_t)code;
    queue_unlock(c);
}

static void take_pong(struct ws__control_queue *a, uint8_t *data, size_t *len)
{
    a->pong = false;
    *len = a->pong_len;
    memcpy(data, a->pong_data, a->pong_len);
}

static void take_close(ws_conn *c, uint8_t *data, size_t *len)
{
    c->w.close_due = false;
    *len = ws__close_encode(data, c->w.due_close_code,
                            c->w.control_queue ? c->w.control_queue->reason
                                               : NULL);
}

/* Take one as a frame.  The close frame goes last: nothing may follow it. */
static bool take_frame(ws_conn *c, uint8_t *opcode, uint8_t *data, size_t *len)
{
    *opcode = 0;
    *len = 0;
    ws__lock_briefly(&c->w.control_lock);
    if (c->w.control_queue && c->w.control_queue->pong) {
        *opcode = WS_PONG;
        take_pong(c->w.control_queue, data, len);
    } else if (c->w.ping_due) {
        *opcode = WS_PING;
        c->w.ping_due = false;
    } else if (c->w.close_due) {
        *opcode = WS_CLOSE;
        take_close(c, data, len);
    }
    queue_unlock(c);
    return *opcode != 0;
}

/* Returns whether there was a close frame among them. */
static bool drop_all(ws_conn *c)
{
    ws__lock_briefly(&c->w.control_lock);
    bool close = c->w.close_due;
    c->w.ping_due = c->w.close_due = false;
    if (c->w.control_queue)
        c->w.control_queue->pong = false;
    queue_unlock(c);
    return close;
}

/* One could not be made.  Pings and pongs may be missed; what was to end by a
 * close frame would go on. */
static void control_lost(ws_conn *c, bool close, int error)
{
    if (close)
        ws__write_settle_untold(c, error);
}

static void append_due(ws_conn *c)
{
    uint8_t data[WS__CONTROL_MAX];
    uint8_t opcode;
    size_t len;

    while (!ws__close_was_sent(c) && take_frame(c, &opcode, data, &len)) {
        struct ws__frame f = { .opcode = opcode, .fin = true, .len = len };

        int error = ws__sendbuf_make_header(c, &f);
        if (error != 0) {
            control_lost(c, opcode == WS_CLOSE, error);
            return;
        }
        ws__sendbuf_frame(&c->w.sendbuf->buf, &f, data);
        if (opcode == WS_CLOSE)
            ws__close_is_sent(c);
        else
            ws__count(
                c, opcode == WS_PING ? WS_COUNT_PINGS_OUT : WS_COUNT_PONGS_OUT,
                1);
    }
}

void ws__control_queue_append(ws_conn *c)
{
    if (!ws__control_queue_is_due(c))
        return;
    if (ws__close_was_sent(c)) {
        drop_all(c);
        return;
    }
    int error = ws__sendbuf_borrow(c);
    if (error == 0)
        append_due(c);
    else
        control_lost(c, drop_all(c), error);
}

void ws__control_queue_free(ws_conn *c)
{
    ws_free(c->w.control_queue);
}
