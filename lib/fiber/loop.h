/* SPDX-License-Identifier: MIT */

#ifndef WS_FIBER_LOOP_H
#define WS_FIBER_LOOP_H

#include <silverback/loop.h>

struct ws__worker;

/* The worker behind a loop, in which ws_go starts what the caller starts; NULL in
 * another thread, or another worker. */
struct ws__worker *ws__loop_worker(const ws_loop *l);

#endif
