/* SPDX-License-Identifier: MIT */

#ifndef WS_FIBER_OVERFLOW_H
#define WS_FIBER_OVERFLOW_H

#include "fiber/worker.h"

/* Have a fault in a fiber's guard reported, with the fiber's name, before what
 * the program does about faults: that it ends, if it has no handler.  For the
 * thread that begins to run w, and when it ends. */
void ws__overflow_watch(struct ws__worker *w);
void ws__overflow_unwatch(struct ws__worker *w);

/* f has overwritten its canary. */
void ws__overflow_abort(const struct ws__coroutine *f);

#endif
