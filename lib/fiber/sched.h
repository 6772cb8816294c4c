/* SPDX-License-Identifier: MIT */

#ifndef WS_FIBER_SCHED_H
#define WS_FIBER_SCHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <silverback/fiber.h>

#include "fiber/budget.h"
#include "fiber/limit.h"
#include "fiber/local.h"
#include "fiber/park.h"
#include "fiber/wheel.h"

struct ws__worker;

/* Call fn(arg), which must not wait, on the worker's stack: so that what is deep
 * in there takes no memory of the fiber.  A plain call in a thread. */
void ws__on_loop_stack(void (*fn)(void *arg), void *arg);

/* Run fn in a thread, and wait for its end.  What it starts by ws_go are threads
 * too, and the worker waits for them before it ends.  Returns 0 or -ENOMEM. */
int ws__in_thread(void (*fn)(void *arg), void *arg);

/* ws_go, but a thread. */
ws_fiber *ws__go_thread(void (*fn)(void *arg), void *arg);

/* ws_go for who is called in a worker's loop (fiber/callee), and joins nobody: it
 * runs as soon as that has returned, while the stack of the last one is still in
 * the cache.  Returns false without memory. */
bool ws__go_at_once(void (*fn)(void *arg), void *arg);

/* Start a fiber in w, from any thread; no_memory is called instead, in w's loop,
 * if there is no stack for it.  Returns 0, -ENOMEM, or WS_ERR_CANCELED when w
 * has ended. */
int ws__go_in(struct ws__worker *w, void (*fn)(void *arg),
              void (*no_memory)(void *arg), void *arg);

/* ws_run with a worker of the caller's making. */
int ws__run_worker(struct ws__worker *w, void (*fn)(void *arg), void *arg);

/* The name of the calling fiber in reports, and of those that it starts; it must
 * live as long as the worker.  A path, or WS__WORK (fiber/name) and what the
 * library does there.  NULL: none. */
void ws__fiber_label(const char *label);

/* An alarm of the calling thread's worker: as ws__alarm_set.  Stop it before its
 * memory goes. */
void ws__alarm_start(struct ws__alarm *a, int64_t at);
void ws__alarm_stop(struct ws__alarm *a);

/* The calling thread's worker, which does not end before ws__worker_let_go
 * (fiber/worker); NULL outside of one. */
struct ws__worker *ws__worker_held(void);

/* Does the caller run in a fiber? */
bool ws__in_fiber(void);

/* The time of ws_now when the worker last looked; exact in a thread. */
int64_t ws__now_about(void);

#endif
