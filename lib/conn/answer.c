/* SPDX-License-Identifier: MIT */

#include "conn/answer.h"

#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "conn/out.h"

/* With the lock held; NULL when there is no memory. */
static struct ws__answers *words(ws_conn *c)
{
    if (!c->w.answers)
        c->w.answers = ws__zalloc(sizeof(*c->w.answers));
    return c->w.answers;
}

/* It is had for moments, also by who has locks of others: nothing else is waited
 * for meanwhile. */
static void lock(ws_conn *c)
{
    if (ws__trylock(&c->w.answers_lock))
        return;
    struct ws__before *due = ws__before_park_put_off();
    ws__lock_until(&c->w.answers_lock, 0);
    ws__before_park_take_up(due);
}

static bool any(const ws_conn *c)
{
    const struct ws__answers *a = c->w.answers;

    return c->w.ping_due || c->w.close_due || (a && a->pong);
}

static void unlock(ws_conn *c)
{
    atomic_store(&c->w.answers_due, any(c));
    if (!any(c)) {
        ws_free(c->w.answers);
        c->w.answers = NULL;
    }
    ws__unlock(&c->w.answers_lock);
}

void ws__answers_put_ping(ws_conn *c)
{
    lock(c);
    c->w.ping_due = true;
    unlock(c);
}

/* Without memory for its payload a ping stays unanswered. */
void ws__answers_put_pong(ws_conn *c, const void *data, size_t len)
{
    lock(c);
    struct ws__answers *a = words(c);
    if (a) {
        a->pong = true;
        a->pong_len = (uint8_t)len;
        memcpy(a->pong_data, data, len);
    }
    unlock(c);
}

/* Without memory for the reason the code has to do. */
void ws__answers_put_close(ws_conn *c, int code, const char *reason)
{
    size_t n = reason ? strlen(reason) : 0;

    n = ws__utf8_cut(reason ? reason : "", n, WS__REASON_MAX);
    lock(c);
    struct ws__answers *a = n > 0 ? words(c) : c->w.answers;
    if (a) {
        memcpy(a->reason, n > 0 ? reason : "", n);
        a->reason[n] = '\0';
    }
    c->w.close_due = true;
    c->w.close_code = (uint16_t)code;
    unlock(c);
}

static void take_pong(struct ws__answers *a, uint8_t *data, size_t *len)
{
    a->pong = false;
    *len = a->pong_len;
    memcpy(data, a->pong_data, a->pong_len);
}

static void take_close(ws_conn *c, uint8_t *data, size_t *len)
{
    c->w.close_due = false;
    *len = ws__close_encode(data, c->w.close_code,
                            c->w.answers ? c->w.answers->reason : NULL);
}

/* Take one as a frame.  The close frame goes last: nothing may follow it. */
static bool take(ws_conn *c, uint8_t *opcode, uint8_t *data, size_t *len)
{
    *opcode = 0;
    *len = 0;
    lock(c);
    if (c->w.answers && c->w.answers->pong) {
        *opcode = WS_PONG;
        take_pong(c->w.answers, data, len);
    } else if (c->w.ping_due) {
        *opcode = WS_PING;
        c->w.ping_due = false;
    } else if (c->w.close_due) {
        *opcode = WS_CLOSE;
        take_close(c, data, len);
    }
    unlock(c);
    return *opcode != 0;
}

static void drop(ws_conn *c)
{
    lock(c);
    c->w.ping_due = c->w.close_due = false;
    if (c->w.answers)
        c->w.answers->pong = false;
    unlock(c);
}

static void append_due(ws_conn *c)
{
    uint8_t data[WS__CONTROL_MAX];
    uint8_t opcode;
    size_t len;

    while (!atomic_load(&c->w.close_sent) && take(c, &opcode, data, &len)) {
        struct ws__frame f = { .opcode = opcode, .fin = true, .len = len };

        if (ws__out_make_header(c, &f) != 0)
            return;
        ws__out_header(&c->w.out->buf, &f);
        ws__out_payload(&c->w.out->buf, &f, data);
        if (opcode == WS_CLOSE)
            atomic_store(&c->w.close_sent, true);
    }
}

/* Without memory for a buffer they are lost. */
void ws__answers_append(ws_conn *c)
{
    if (!atomic_load_explicit(&c->w.answers_due, memory_order_acquire))
        return;
    if (!atomic_load(&c->w.close_sent) && ws__out_have(c) == 0)
        append_due(c);
    else
        drop(c);
}
