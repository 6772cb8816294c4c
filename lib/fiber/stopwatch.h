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

/* So many microseconds in ticks.  The first call takes a while. */
uint64_t ws__ticks_of_us(unsigned us);

#endif
