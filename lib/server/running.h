/* SPDX-License-Identifier: MIT */

#ifndef WS_SERVER_RUNNING_H
#define WS_SERVER_RUNNING_H

#include <stdatomic.h>

#include "server/listener.h"

/*
 * What l->running counts: the seats, each with all the fibers of its worker, and
 * what is handed to one from elsewhere.  In a loop of the program's, whose worker
 * does not end, the listener's sessions count there as well, each from before it
 * starts until the last that it does with the listener.
 */
static inline void ws__running_begins(ws_listener *l)
{
    atomic_fetch_add(&l->running, 1);
}

static inline void ws__running_ends(ws_listener *l)
{
    if (atomic_fetch_sub(&l->running, 1) == 1)
        ws_event_set(&l->ended);
}

/* A session begins, and has ended: nothing but in a loop. */
static inline void ws__running_hold(ws_listener *l)
{
    if (l->host.server.loop)
        ws__running_begins(l);
}

static inline void ws__running_release(ws_listener *l)
{
    if (l->host.server.loop)
        ws__running_ends(l);
}

#endif
