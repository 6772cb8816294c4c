/* SPDX-License-Identifier: MIT */

#ifndef WS_FIBER_STOPWATCH_H
#define WS_FIBER_STOPWATCH_H

#include <stdint.h>

/* The clock of ws_now, in microseconds.  Alone in its file, so that a test can
 * put its own in its place. */
int64_t ws__now_us(void);

#endif
