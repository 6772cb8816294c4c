/* SPDX-License-Identifier: MIT */

#include "fiber/parker.h"

#include <stddef.h>

_Thread_local struct ws__parker *ws__running;

void ws__before_park(struct ws__before *b)
{
    struct ws__parker *p = ws__parker_self();

    b->next = p->before;
    p->before = b;
}

void ws__before_park_forget(struct ws__before *b)
{
    struct ws__before **at = &ws__parker_self()->before;

    while (*at && *at != b)
        at = &(*at)->next;
    if (*at)
        *at = b->next;
}

void ws__before_park_run_all(void)
{
    ws__before_run_of(ws__parker_self());
}

struct ws__before *ws__before_park_put_off(void)
{
    struct ws__parker *p = ws__parker_self();
    struct ws__before *due = p->before, **at = &due;

    p->before = NULL;
    while (*at) {
        struct ws__before *b = *at, *next = b->next;

        if (b->attempt && b->attempt(b))
            *at = next;
        else
            at = &b->next;
    }
    return due;
}

void ws__before_park_take_up(struct ws__before *due)
{
    struct ws__parker *p = ws__parker_self();

    while (due) {
        struct ws__before *b = due;

        due = b->next;
        b->next = p->before;
        p->before = b;
    }
}
