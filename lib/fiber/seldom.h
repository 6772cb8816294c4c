/* SPDX-License-Identifier: MIT */

#ifndef WS_FIBER_SELDOM_H
#define WS_FIBER_SELDOM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <silverback/base.h>

enum { WS__SELDOM_MS = 10 * 1000 };

/* Is it time to say it (again)?  Who wants to fill the log by what it does gets
 * a line every ten seconds.  *said is when that was; 0: never. */
static inline bool ws__seldom(_Atomic int64_t *said)
{
    int64_t last = atomic_load(said), now = ws_now();

    return (last == 0 || now - last >= WS__SELDOM_MS) &&
           atomic_compare_exchange_strong(said, &last, now);
}

#endif
