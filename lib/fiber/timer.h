/* SPDX-License-Identifier: MIT */

#ifndef WS_FIBER_TIMER_H
#define WS_FIBER_TIMER_H

#include <stdint.h>

/* The clock of ws_now, in microseconds. */
int64_t ws__now_us(void);

#endif
