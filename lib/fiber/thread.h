/* SPDX-License-Identifier: MIT */

#ifndef WS_FIBER_THREAD_H
#define WS_FIBER_THREAD_H

#include <pthread.h>

/* Start a joinable thread with the caller's signal mask, which what a handler
 * executes inherits in its turn; or one that only waits and wakes, and takes no
 * signal.  Returns 0 or -ENOMEM. */
int ws__thread_start(pthread_t *t, void *(*fn)(void *arg), void *arg);
int ws__thread_start_deaf(pthread_t *t, void *(*fn)(void *arg), void *arg);

/* The calling thread was started to run what users wrote: SIGPIPE, unless the
 * program has decided about it, does not end the process from there. */
void ws__thread_runs_handlers(void);

#endif
