/* SPDX-License-Identifier: MIT */

/*
 * A slot of level 0 is a millisecond, one of the next level 64 of the level
 * below.  When time comes to a slot of a higher level, what lies there is put
 * further down.
 */

#include "fiber/wheel.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    BITS = 6,
    MASK = WS__WHEEL_SLOTS - 1,
};

#define REACH (INT64_C(1) << (BITS * WS__WHEEL_LEVELS))
#define AT_MAX ((UINT64_C(1) << 48) - 1) /* thousands of years */

void ws__wheel_init(struct ws__wheel *w, int64_t now)
{
    *w = (struct ws__wheel){ .now = now };
}

static unsigned level_of(int64_t distance)
{
    unsigned level = 0;

    while (distance >= WS__WHEEL_SLOTS) {
        distance >>= BITS;
        level++;
    }
    return level;
}

static void link_in(struct ws__wheel *w, struct ws__alarm *a, unsigned level,
                    unsigned slot)
{
    unsigned i = level * WS__WHEEL_SLOTS + slot;

    a->slot = i & UINT16_MAX;
    a->prev = NULL;
    a->next = w->slots[i];
    if (a->next)
        a->next->prev = a;
    w->slots[i] = a;
    w->used[level] |= UINT64_C(1) << slot;
}

void ws__wheel_remove(struct ws__wheel *w, struct ws__alarm *a)
{
    unsigned i = a->slot;

    if (a->at == 0)
        return;
    a->at = 0;
    if (a->next)
        a->next->prev = a->prev;
    if (a->prev)
        a->prev->next = a->next;
    else
        w->slots[i] = a->next;
    if (!w->slots[i])
        w->used[i / WS__WHEEL_SLOTS] &= ~(UINT64_C(1) << (i & MASK));
}

/* What is beyond the wheel's reach is placed at its end. */
void ws__wheel_place(struct ws__wheel *w, struct ws__alarm *a, int64_t at)
{
    at = at > w->now ? at : w->now + 1;
    ws__wheel_remove(w, a);
    if (at - w->now >= REACH)
        at = w->now + REACH - 1;
    a->at = (uint64_t)at & AT_MAX;
    unsigned level = level_of(at - w->now);
    link_in(w, a, level, (unsigned)(at >> (BITS * level)) & MASK);
}

/* When time comes to the next used slot of a level; 0: never.  The current slot
 * is empty, or a whole turn away. */
static int64_t next_of(const struct ws__wheel *w, unsigned level)
{
    int64_t here = w->now >> (BITS * level);
    unsigned first = ((unsigned)here + 1) & MASK;
    uint64_t used = w->used[level];

    if (used == 0)
        return 0;
    if (first > 0)
        used = used >> first | used << (WS__WHEEL_SLOTS - first);
    return (here + 1 + __builtin_ctzll(used)) << (BITS * level);
}

int64_t ws__wheel_next(const struct ws__wheel *w)
{
    int64_t next = 0;

    for (unsigned level = 0; level < WS__WHEEL_LEVELS; level++) {
        int64_t at = next_of(w, level);
        if (at != 0 && (next == 0 || at < next))
            next = at;
    }
    return next;
}

/* One of a higher level is not due yet: its slot only begins. */
static void look_at(struct ws__wheel *w, struct ws__alarm *a)
{
    int64_t at = (int64_t)a->at;

    ws__wheel_remove(w, a);
    if (at > w->now)
        ws__wheel_place(w, a, at);
    else
        a->callee.call(&a->callee, 0);
}

/* Ends, since what is placed meanwhile never lands in this slot: it is due later
 * than now. */
static void empty_slot(struct ws__wheel *w, unsigned level)
{
    unsigned slot = (unsigned)(w->now >> (BITS * level)) & MASK;
    struct ws__alarm **first = &w->slots[level * WS__WHEEL_SLOTS + slot];

    while (*first)
        look_at(w, *first);
}

static bool level_begins(int64_t now, unsigned level)
{
    return (now & ((INT64_C(1) << (BITS * level)) - 1)) == 0;
}

void ws__wheel_advance(struct ws__wheel *w, int64_t now)
{
    int64_t next;

    while ((next = ws__wheel_next(w)) != 0 && next <= now) {
        w->now = next;
        for (unsigned level = WS__WHEEL_LEVELS; level-- > 0;)
            if (level_begins(next, level))
                empty_slot(w, level);
    }
    if (w->now < now)
        w->now = now;
}

/* ---- Timers ------------------------------------------------------------- */

static void timer_called(struct ws__callee *c, int events)
{
    struct ws__timer *t =
        (struct ws__timer *)((char *)c -
                             offsetof(struct ws__timer, alarm.callee));

    (void)events;
    if (t->due == 0)
        return;
    if (t->due > t->wheel->now) {
        ws__timer_place(t->wheel, t);
        return;
    }
    t->due = 0;
    t->fire(t);
}

void ws__timer_place(struct ws__wheel *w, struct ws__timer *t)
{
    t->wheel = w;
    t->alarm.callee.call = timer_called;
    ws__wheel_place(w, &t->alarm, t->due);
}
