/* SPDX-License-Identifier: MIT */

#ifndef WS_FIBER_THREAD_H
#define WS_FIBER_THREAD_H

#include <pthread.h>

/* Start a joinable thread that leaves signals to the program's own threads.
 * Returns 0 or -ENOMEM. */
int ws__thread_start(pthread_t *t, void *(*fn)(void *arg), void *arg);

#endif
