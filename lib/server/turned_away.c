/* SPDX-License-Identifier: MIT */

#include "server/turned_away.h"

#include <sys/socket.h>
#include <unistd.h>

enum { HELD_MS = 2000 };

static void close_oldest(struct ws__turned_away *t)
{
    close(t->held[t->oldest].fd);
    t->oldest = (t->oldest + 1) % WS__TURNED_AWAY;
    t->n--;
}

void ws__turn_away(struct ws__turned_away *t, int fd)
{
    shutdown(fd, SHUT_WR);
    ws_mutex_lock(&t->lock);
    if (t->n == WS__TURNED_AWAY)
        close_oldest(t);
    size_t at = (t->oldest + t->n++) % WS__TURNED_AWAY;
    t->held[at].fd = fd;
    t->held[at].until = ws_after(HELD_MS);
    ws_mutex_unlock(&t->lock);
}

void ws__turned_away_close(struct ws__turned_away *t, int64_t now)
{
    ws_mutex_lock(&t->lock);
    while (t->n > 0 && t->held[t->oldest].until <= now)
        close_oldest(t);
    ws_mutex_unlock(&t->lock);
}

int64_t ws__turned_away_due(struct ws__turned_away *t)
{
    ws_mutex_lock(&t->lock);
    int64_t due = t->n > 0 ? t->held[t->oldest].until : 0;
    ws_mutex_unlock(&t->lock);
    return due;
}
