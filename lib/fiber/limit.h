/* SPDX-License-Identifier: MIT */

#ifndef WS_FIBER_LIMIT_H
#define WS_FIBER_LIMIT_H

#include <silverback/base.h>

/* The deadline of a limit that counts from now: never, if it is negative. */
static inline int64_t ws__limit_deadline(int ms)
{
    return ms < 0 ? 0 : ws_after(ms);
}

#endif
