/* SPDX-License-Identifier: MIT */

#ifndef WS_FIBER_LIMIT_H
#define WS_FIBER_LIMIT_H

#include <silverback/base.h>

/* The deadline of a limit that counts from now: never, if it is negative. */
static inline int64_t ws__limit_deadline(int ms)
{
    return ms < 0 ? 0 : ws_after(ms);
}

/* The first of two points in time, 0 being never. */
static inline int64_t ws__earlier(int64_t a, int64_t b)
{
    if (a == 0 || b == 0)
        return a + b;
    return a < b ? a : b;
}

#endif
