/* SPDX-License-Identifier: MIT */

#ifndef WS_FIBER_STOPWATCH_H
#define WS_FIBER_STOPWATCH_H

#include <stdint.h>

/* Alone in its file, so that a test can put its own in its place. */

/* The clock of ws_now, in microseconds. */
int64_t ws__now_us(void);

/* A clock for short times on one thread: a third of the price, and of a rate
 * that is known about. */
uint64_t ws__ticks(void);

/* Ticks in a microsecond, at least 1.  The first call takes a while. */
uint64_t ws__ticks_per_us(void);

#endif
