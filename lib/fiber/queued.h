/* SPDX-License-Identifier: MIT */

#ifndef WS_FIBER_QUEUED_H
#define WS_FIBER_QUEUED_H

#include <stdint.h>

/* Alone in its file, so that a test can put its own in its place. */

/* For how long a thread of this process has been able to run, and waited for a
 * processor, in microseconds; 0 where the system does not say, and -1 while there
 * is no descriptor to ask with. */
int64_t ws__queued_us(int tid);

#endif
