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

static void link_in(struct ws__wheel *w, struct ws__timer *t, unsigned level,
                    unsigned slot)
{
    unsigned i = level * WS__WHEEL_SLOTS + slot;

    t->slot = i & UINT16_MAX;
    t->prev = NULL;
    t->next = w->slots[i];
    if (t->next)
        t->next->prev = t;
    w->slots[i] = t;
    w->used[level] |= UINT64_C(1) << slot;
}

void ws__wheel_remove(struct ws__wheel *w, struct ws__timer *t)
{
    unsigned i = t->slot;

    if (t->at == 0)
        return;
    t->at = 0;
    if (t->next)
        t->next->prev = t->prev;
    if (t->prev)
        t->prev->next = t->next;
    else
        w->slots[i] = t->next;
    if (!w->slots[i])
        w->used[i / WS__WHEEL_SLOTS] &= ~(UINT64_C(1) << (i & MASK));
}

/* A deadline beyond the wheel's reach is placed at its end, and placed again from
 * there. */
void ws__wheel_place(struct ws__wheel *w, struct ws__timer *t)
{
    int64_t at = t->due > w->now ? t->due : w->now + 1;

    ws__wheel_remove(w, t);
    if (at - w->now >= REACH)
        at = w->now + REACH - 1;
    t->at = (uint64_t)at & AT_MAX;
    unsigned level = level_of(at - w->now);
    link_in(w, t, level, (unsigned)(at >> (BITS * level)) & MASK);
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

static void look_at(struct ws__wheel *w, struct ws__timer *t)
{
    ws__wheel_remove(w, t);
    if (t->due == 0)
        return;
    if (t->due > w->now) {
        ws__wheel_place(w, t);
        return;
    }
    t->due = 0;
    t->fire(t);
}

/* Ends, since a timer that is placed meanwhile never lands in this slot: it is due
 * later than now. */
static void empty_slot(struct ws__wheel *w, unsigned level)
{
    unsigned slot = (unsigned)(w->now >> (BITS * level)) & MASK;
    struct ws__timer **first = &w->slots[level * WS__WHEEL_SLOTS + slot];

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
