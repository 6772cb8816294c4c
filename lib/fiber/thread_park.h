/* SPDX-License-Identifier: MIT */

#ifndef WS_FIBER_THREAD_PARK_H
#define WS_FIBER_THREAD_PARK_H

#include <stdbool.h>
#include <stdint.h>

struct ws__parker;

/* The calling thread's own. */
struct ws__parker *ws__parker_of_thread(void);

/* ws__park, ws__park_fd and ws__unpark of threads. */
int ws__thread_park(int64_t deadline);

/* also (-1: none) is another descriptor, for reading, that ends the wait, with 0;
 * and fd may be -1 then. */
int ws__thread_park_fd(int fd, int events, int also, int64_t deadline,
                       bool alone);
void ws__thread_unpark(struct ws__parker *p);

#endif
