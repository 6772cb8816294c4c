/* SPDX-License-Identifier: MIT */

#include "peers.h"

#include <stdlib.h>

#include "memory.h"

void peers_add(struct peers *all, struct peer *p, ws_conn *c)
{
    ws_mutex_lock(&all->lock);
    *p = (struct peer){ .next = all->first, .conn = c, .number = ++all->last };
    all->first = p;
    ws_mutex_unlock(&all->lock);
    ws_event_set(&all->some);
}

void peers_remove(struct peers *all, struct peer *p)
{
    ws_mutex_lock(&all->lock);
    struct peer **at = &all->first;
    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    ws_mutex_unlock(&all->lock);
}

/* Held, so that nobody else has to wait while one is slow to take. */
static ws_conn **peers_hold(struct peers *all, int *n)
{
    ws_conn **conns = NULL;

    *n = 0;
    ws_mutex_lock(&all->lock);
    for (const struct peer *p = all->first; p; p = p->next) {
        conns = memory_resize(conns, (size_t)(*n + 1) * sizeof(*conns));
        conns[(*n)++] = ws_ref(p->conn);
    }
    ws_mutex_unlock(&all->lock);
    return conns;
}

int peers_send(struct peers *all, ws_type type, const void *data, size_t n)
{
    ws_prepared *message = ws_prepare(type, data, n);
    int held, sent = 0;
    ws_conn **conns = peers_hold(all, &held);

    for (int i = 0; i < held; i++) {
        sent += ws_write_prepared(conns[i], message) == 0;
        ws_unref(conns[i]);
    }
    free(conns);
    ws_prepared_free(message);
    return sent;
}

/* Who is slow to take does not keep the others from being told. */
static void peers_say(ws_conn *c, int code)
{
    const char payload[] = { (char)(code >> 8), (char)code };

    ws_write_control(c, WS_CLOSE, payload, sizeof(payload), ws_after(100));
}

void peers_close(struct peers *all, int code)
{
    int held;
    ws_conn **conns = peers_hold(all, &held);

    for (int i = 0; i < held; i++) {
        peers_say(conns[i], code);
        ws_unref(conns[i]);
    }
    free(conns);
}

void peers_cut(struct peers *all)
{
    int held;
    ws_conn **conns = peers_hold(all, &held);

    for (int i = 0; i < held; i++) {
        ws_shutdown(conns[i]);
        ws_unref(conns[i]);
    }
    free(conns);
}
