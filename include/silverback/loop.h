/* SPDX-License-Identifier: MIT */

#ifndef SILVERBACK_LOOP_H
#define SILVERBACK_LOOP_H

#include "base.h"

WS_BEGIN_DECLS

/*
 * Our fibers in somebody else's loop: a program that waits by GLib, libuv, Qt or
 * its own epoll has fibers run on its own thread, between all else that it does
 * there, so that they and its other code share its data without a lock.
 *
 * The thread that makes a loop drives it: it has ws_loop_fd watched for reading
 * (level-triggered, as poll(2) does), and calls ws_loop_step when that is
 * readable, and when the last step said to come again.  A thread has one loop at
 * most; several threads may have one each.
 *
 * On that thread everything works as in a worker (fiber.h).  Fibers run within
 * ws_loop_step; what waits there parks.  Outside of a step, in the program's own
 * code,
 *
 *   ws_go       starts a fiber in the loop, and not a thread;
 *   what waits  (ws_join, ws_event_wait, ws_listener_shutdown, ws_dial, ...)
 *               runs the loop meanwhile, and nothing else of the program: other
 *               fibers go on before it returns.  Start a fiber instead, where
 *               the program must not stand still.
 *
 * ws_server.loop has a listener serve by the loop alone.
 *
 * What does not wait by this library holds up the fibers and the program, as it
 * does without them: a step takes as long as what is ready, which has turns of a
 * tenth of a millisecond each, takes.
 *
 * Concurrency: only the thread that made it, and there not within a fiber;
 * anything else is WS_ERR_INVALID.
 */
typedef struct ws_loop ws_loop;

/* A loop for the calling thread, whose fibers have stacks of so many bytes, for
 * what they call of the program and its libraries; 0: as in ws_server.  NULL when
 * there is no memory or no descriptor left, inside of a fiber, and when the
 * thread has a loop already. */
WS_API WS_CHECKED ws_loop *ws_loop_new(size_t stack_size);

/* Readable when there is something to do.  To be waited for, and nothing else;
 * the same for as long as the loop lives.  NULL: WS_ERR_INVALID. */
WS_API int ws_loop_fd(const ws_loop *l);

/*
 * Run what is ready, without waiting for more.
 *
 * Returns when to come again though ws_loop_fd is not readable by then: a point
 * on ws_now's clock, which has passed when there is more to do already, so that
 * what else the program has to do has its turn first; 0 for never.  Or
 * WS_ERR_INVALID.
 */
WS_API int64_t ws_loop_step(ws_loop *l);

/* The milliseconds until that point, for poll(2) and its like: 0 if it has passed,
 * -1 if there is none. */
WS_API int ws_loop_timeout(int64_t again);

/* Free a loop that has nothing left to do.  Returns 0; or -EBUSY, and nothing is
 * freed, when a fiber has not ended, a connection with ws_on_message is open, or
 * a thread that was started there runs: end them, and go on with the steps.
 * WS_ERR_INVALID as above.  NULL is fine. */
WS_API int ws_loop_free(ws_loop *l);

WS_END_DECLS

#endif
