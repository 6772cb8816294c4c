/* SPDX-License-Identifier: MIT */

#ifndef WS_FIBER_TRIM_H
#define WS_FIBER_TRIM_H

#include "fiber/worker.h"

/*
 * What a fiber used of its stack while it ran is of no use while it waits: the
 * pages below those in use of whoever has been parked for a second or two are
 * given back to the system, a few fibers in each round of the loop.  So are those
 * of free stacks that nobody needs.
 */

/* If a fiber ran since the last sweep over all of them, have one begin in a
 * second; and one over the free stacks, if some are warm.  Once in each round of
 * the loop. */
void ws__trim_plan(struct ws__worker *w);

#endif
