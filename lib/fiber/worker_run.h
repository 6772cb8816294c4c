/* SPDX-License-Identifier: MIT */

#ifndef WS_FIBER_WORKER_RUN_H
#define WS_FIBER_WORKER_RUN_H

#include "fiber/worker.h"

/* The loop of a worker, in the calling thread: until all its fibers, and the
 * threads that were started in its name, have ended, and nobody holds it. */
void ws__worker_run(struct ws__worker *w);

/*
 * ws__worker_run in parts, for one thread.  A step runs what is ready, waits for
 * nothing, and returns when to come again though w->epoll is not readable: a
 * point that has passed (at once), or 0 (never).  end returns false, and has done
 * nothing, when w has something left to do.
 */
void ws__worker_begin(struct ws__worker *w);
int64_t ws__worker_step(struct ws__worker *w);
bool ws__worker_end(struct ws__worker *w);

#endif
