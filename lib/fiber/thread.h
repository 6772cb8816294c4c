/* SPDX-License-Identifier: MIT */

#ifndef WS_FIBER_THREAD_H
#define WS_FIBER_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "fiber/park.h"

/* Start a joinable thread that leaves signals to the program's own threads.
 * Returns 0 or -ENOMEM. */
int ws__thread_start(pthread_t *t, void *(*fn)(void *arg), void *arg);

/* ws__park, ws__park_fd and ws__unpark of threads. */
int ws__thread_park(int64_t deadline);
int ws__thread_park_fd(int fd, int events, int64_t deadline, bool alone);
void ws__thread_unpark(struct ws__parker *p);

#endif
