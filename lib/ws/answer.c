/* SPDX-License-Identifier: MIT */

/*
 * Answers of the reading side: it must never wait to give them, or two ends
 * that both write would wait for each other for ever.  An answer goes into its
 * slot, and whoever is writing sends it next.
 */

#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "ws/write.h"

/* With the lock held; NULL when there is no memory. */
static struct ws__answers *words(ws_conn *c)
{
    if (!c->w.answers)
        c->w.answers = ws__zalloc(sizeof(*c->w.answers));
    return c->w.answers;
}

static void lock(ws_conn *c)
{
    ws__lock_until(&c->w.answers_lock, 0);
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

void ws__answer_ping(ws_conn *c)
{
    lock(c);
    c->w.ping_due = true;
    unlock(c);
    ws__write_pending(c);
}

/* Without memory for its payload a ping stays unanswered. */
void ws__answer_pong(ws_conn *c, const void *data, size_t len)
{
    lock(c);
    struct ws__answers *a = words(c);
    if (a) {
        a->pong = true;
        a->pong_len = (uint8_t)len;
        memcpy(a->pong_data, data, len);
    }
    unlock(c);
    ws__write_pending(c);
}

/* Without memory for the reason the code has to do. */
void ws__answer_close(ws_conn *c, int code, const char *reason)
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
    ws__write_pending(c);
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

/* The close frame goes last: nothing may follow it. */
bool ws__answers_take(ws_conn *c, uint8_t *opcode,
                      uint8_t data[static WS__CONTROL_MAX], size_t *len)
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

void ws__answers_drop(ws_conn *c)
{
    lock(c);
    c->w.ping_due = c->w.close_due = false;
    if (c->w.answers)
        c->w.answers->pong = false;
    unlock(c);
}

void ws__conn_goodbye(ws_conn *c, int code)
{
    if (!ws__conn_ended(c))
        ws__answer_close(c, code, NULL);
}
