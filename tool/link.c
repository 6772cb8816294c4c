/* SPDX-License-Identifier: MIT */

#include "link.h"

#include <stdlib.h>

#include "memory.h"

void link_open(struct link *l, ws_conn *c)
{
    ws_mutex_lock(&l->lock);
    l->conn = c;
    l->opened_at = ws_now();
    ws_mutex_unlock(&l->lock);
    ws_event_set(&l->open);
}

void link_lost(struct link *l)
{
    ws_mutex_lock(&l->lock);
    l->conn = NULL;
    ws_event_clear(&l->open);
    ws_mutex_unlock(&l->lock);
}

static ws_conn *link_try(struct link *l)
{
    ws_mutex_lock(&l->lock);
    ws_conn *c = l->conn && ws_event_is_set(&l->open) ? ws_ref(l->conn) : NULL;
    ws_mutex_unlock(&l->lock);
    return c;
}

ws_conn *link_get(struct link *l)
{
    ws_conn *c = NULL;

    while (!c && !ws_event_is_set(&l->over)) {
        ws_wait_any(-1, 0, 0, &l->open, &l->over);
        c = link_try(l);
    }
    return c;
}

/* Nobody writes to it any more; the thread that reads finds out why. */
static void link_failed(struct link *l, const ws_conn *c)
{
    ws_mutex_lock(&l->lock);
    if (l->conn == c)
        ws_event_clear(&l->open);
    ws_mutex_unlock(&l->lock);
}

static void link_count(struct link *l, size_t n)
{
    ws_mutex_lock(&l->lock);
    l->sent++;
    l->sent_bytes += (int64_t)n;
    ws_mutex_unlock(&l->lock);
}

int link_send(struct link *l, ws_type type, const void *data, size_t n)
{
    for (;;) {
        ws_conn *c = link_get(l);
        if (!c)
            return WS_ERR_CANCELED;
        int r = ws_write_message(c, type, data, n);
        if (r == 0)
            link_count(l, n);
        else
            link_failed(l, c);
        ws_unref(c);
        if (r == 0 || !l->settings->reconnect || ws_event_is_set(&l->ending))
            return r;
    }
}

void link_finish(struct link *l, int code, const char *reason)
{
    ws_mutex_lock(&l->lock);
    if (l->said == 0) {
        l->said = code;
        l->reason = reason ? memory_copy(reason) : NULL;
    }
    ws_mutex_unlock(&l->lock);
    ws_event_set(&l->ending);
}

void link_unsent(struct link *l)
{
    ws_mutex_lock(&l->lock);
    l->unsent = true;
    ws_mutex_unlock(&l->lock);
}

void link_finish_usual(struct link *l)
{
    const struct settings *s = l->settings;

    link_finish(l, s->close_code ? s->close_code : WS_CLOSE_NORMAL,
                s->close_reason);
}
