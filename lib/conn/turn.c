/* SPDX-License-Identifier: MIT */

#include "conn/turn.h"

#include <stddef.h>

#include "conn/end.h"
#include "conn/extras.h"
#include "fiber/lot.h"
#include "fiber/park.h"

static struct ws__lock *turn_of(ws_conn *c)
{
    return &ws__extras_own(c)->turn;
}

/* Queued under the address of end, so that who sets that finds all. */
static bool turn_is_taken(const void *key)
{
    const ws_conn *c =
        (const ws_conn *)((const char *)key - offsetof(ws_conn, end));

    return !ws__conn_ended(c) && ws__lock_is_contended(&ws__extras(c)->turn);
}

bool ws__turn_try(ws_conn *c)
{
    return ws__trylock(turn_of(c));
}

int ws__turn_take(ws_conn *c, int64_t deadline)
{
    struct ws__waiter w;
    int r = 0;

    if (ws__turn_try(c))
        return 0;
    while (!ws__lock_contend(turn_of(c))) {
        if (r == 0 && ws__conn_ended(c))
            r = ws__conn_end_code(c);
        if (r != 0)
            return r;
        if (ws__lot_enter(&w, &c->end, turn_is_taken)) {
            r = ws__park(deadline);
            ws__lot_leave(&w);
        }
    }
    return 0;
}

void ws__turn_give(ws_conn *c)
{
    if (ws__lock_let_go(turn_of(c)))
        ws__lot_wake(&c->end, NULL, false);
}
