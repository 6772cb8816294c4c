/* SPDX-License-Identifier: MIT */

#ifndef WS_FIBER_FIBER_PARK_H
#define WS_FIBER_FIBER_PARK_H

#include <stdbool.h>
#include <stdint.h>

#include "fiber/park.h"

/* ws__park, ws__park_fd and ws__unpark of fibers. */
int ws__fiber_park(int64_t deadline);
int ws__fiber_park_fd(int fd, struct ws__watch *watch, int events,
                      int64_t deadline, bool alone);
void ws__fiber_unpark(struct ws__parker *p);

#endif
