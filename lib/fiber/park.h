/* SPDX-License-Identifier: MIT */

#ifndef WS_FIBER_PARK_H
#define WS_FIBER_PARK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fiber/parker.h"

struct ws__watch;

/*
 * THE parking point: whatever waits in this library, waits here.
 */

/* Wait for the token, or until the deadline (0: never).  Returns 0, or
 * WS_ERR_TIMEOUT. */
int ws__park(int64_t deadline);

/*
 * Wait for the token, for poll(2) events of a descriptor, or the deadline;
 * alone says that no token can come, which is cheaper.  watch, which may be
 * NULL, is the descriptor's.  Returns the events (> 0), 0 for the token,
 * WS_ERR_TIMEOUT, or a negated errno.  What a watch reports may be out of date.
 */
int ws__park_fd(int fd, struct ws__watch *watch, int events, int64_t deadline,
                bool alone);

/* From any thread.  The parker must not end meanwhile: see fiber/lot. */
void ws__unpark(struct ws__parker *p);

#endif
