/* SPDX-License-Identifier: MIT */

/*
 * Answers of the reading side: it must never wait to give them, or two ends
 * that both write would wait for each other for ever.  An answer goes into its
 * slot, and whoever is writing sends it next.
 */

#include <string.h>

#include "ws/write.h"

void ws__answer_ping(ws_conn *c)
{
    struct ws__answers *a = &c->w.answers;

    ws_mutex_lock(&a->lock);
    a->ping = true;
    atomic_store(&a->any, true);
    ws_mutex_unlock(&a->lock);
    ws__write_pending(c);
}

void ws__answer_pong(ws_conn *c, const void *data, size_t len)
{
    struct ws__answers *a = &c->w.answers;

    ws_mutex_lock(&a->lock);
    a->pong = true;
    a->pong_len = (uint8_t)len;
    memcpy(a->pong_data, data, len);
    atomic_store(&a->any, true);
    ws_mutex_unlock(&a->lock);
    ws__write_pending(c);
}

void ws__answer_close(ws_conn *c, int code, const char *reason)
{
    struct ws__answers *a = &c->w.answers;

    ws_mutex_lock(&a->lock);
    a->close = true;
    a->close_len = (uint8_t)ws__close_encode(a->close_data, code, reason);
    atomic_store(&a->any, true);
    ws_mutex_unlock(&a->lock);
    ws__write_pending(c);
}

static void take(bool *there, const uint8_t *from, size_t n, uint8_t *data,
                 size_t *len)
{
    *there = false;
    *len = n;
    memcpy(data, from, n);
}

/* The close frame goes last: nothing may follow it. */
bool ws__answers_take(struct ws__answers *a, uint8_t *opcode,
                      uint8_t data[static WS__CONTROL_MAX], size_t *len)
{
    *opcode = 0;
    if (!atomic_load(&a->any))
        return false;
    ws_mutex_lock(&a->lock);
    if (a->pong) {
        *opcode = WS_PONG;
        take(&a->pong, a->pong_data, a->pong_len, data, len);
    } else if (a->ping) {
        *opcode = WS_PING;
        take(&a->ping, data, 0, data, len);
    } else if (a->close) {
        *opcode = WS_CLOSE;
        take(&a->close, a->close_data, a->close_len, data, len);
    }
    atomic_store(&a->any, a->pong || a->ping || a->close);
    ws_mutex_unlock(&a->lock);
    return *opcode != 0;
}

void ws__answers_drop(struct ws__answers *a)
{
    ws_mutex_lock(&a->lock);
    a->pong = a->ping = a->close = false;
    atomic_store(&a->any, false);
    ws_mutex_unlock(&a->lock);
}

void ws__conn_goodbye(ws_conn *c, int code)
{
    ws__answer_close(c, code, NULL);
}
