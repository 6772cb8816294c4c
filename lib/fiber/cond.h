/* SPDX-License-Identifier: MIT */

#ifndef WS_FIBER_COND_H
#define WS_FIBER_COND_H

#include <pthread.h>
#include <stdint.h>

/* Condition variables whose deadlines are points on the clock of ws_now, which
 * nobody sets; those of PTHREAD_COND_INITIALIZER know only the wall clock. */
void ws__cond_init(pthread_cond_t *c);

/* Wait, with the lock held, until the deadline (0: never).  Returns 0 or
 * WS_ERR_TIMEOUT; waking for no reason is allowed. */
int ws__cond_wait(pthread_cond_t *c, pthread_mutex_t *lock, int64_t deadline);

#endif
