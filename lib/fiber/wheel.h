/* SPDX-License-Identifier: MIT */

#ifndef WS_FIBER_WHEEL_H
#define WS_FIBER_WHEEL_H

#include <stdint.h>

#include "fiber/callee.h"

enum {
    WS__WHEEL_LEVELS = 6, /* of 64 slots each: two years and more in ms */
    WS__WHEEL_SLOTS = 64,
};

/* A point in time: callee is called then, or before, if it is too far away. */
struct ws__alarm {
    struct ws__alarm *next;
    struct ws__alarm *prev;
    uint64_t at : 48;   /* where it lies; 0: nowhere */
    uint64_t slot : 16; /* the same as an index */
    struct ws__callee callee;
};

/*
 * A deadline.  Changing it is a store as long as it moves on, which is what
 * deadlines do: the slot that it lies in is looked at in time, and then it is
 * put further away.
 */
struct ws__timer {
    struct ws__alarm alarm;
    int64_t due; /* 0: not */
    void (*fire)(struct ws__timer *t);
    struct ws__wheel *wheel; /* where it was put */
};

/* Alarms by the time when they have to be looked at, in the milliseconds of
 * ws_now.  For one thread. */
struct ws__wheel {
    int64_t now;
    uint64_t used[WS__WHEEL_LEVELS]; /* a bit for each slot */
    struct ws__alarm *slots[WS__WHEEL_LEVELS * WS__WHEEL_SLOTS];
};

void ws__wheel_init(struct ws__wheel *w, int64_t now);

/* Call, once, whose time has come up to now. */
void ws__wheel_advance(struct ws__wheel *w, int64_t now);

/* When to look next; 0: there is nothing. */
int64_t ws__wheel_next(const struct ws__wheel *w);

void ws__wheel_place(struct ws__wheel *w, struct ws__alarm *a, int64_t at);

/* Before the memory of a goes. */
void ws__wheel_remove(struct ws__wheel *w, struct ws__alarm *a);

/* Call it by then, or before; at 0: whenever it is called anyway. */
static inline void ws__alarm_set(struct ws__wheel *w, struct ws__alarm *a,
                                 int64_t at)
{
    if (at != 0 && (a->at == 0 || at < (int64_t)a->at))
        ws__wheel_place(w, a, at);
}

void ws__timer_place(struct ws__wheel *w, struct ws__timer *t);

/* Fire it, once, not before due.  due 0: not at all. */
static inline void ws__timer_set(struct ws__wheel *w, struct ws__timer *t,
                                 int64_t due)
{
    t->due = due;
    if (due != 0 && (t->alarm.at == 0 || due < (int64_t)t->alarm.at))
        ws__timer_place(w, t);
}

#endif
