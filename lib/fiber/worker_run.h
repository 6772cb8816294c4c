/* SPDX-License-Identifier: MIT */

#ifndef WS_FIBER_WORKER_RUN_H
#define WS_FIBER_WORKER_RUN_H

#include "fiber/worker.h"

/* The loop of a worker, in the calling thread: until all its fibers, and the
 * threads that were started in its name, have ended, and nobody holds it. */
void ws__worker_run(struct ws__worker *w);

#endif
