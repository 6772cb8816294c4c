/* SPDX-License-Identifier: MIT */

#ifndef WS_FIBER_CALLEE_H
#define WS_FIBER_CALLEE_H

/* Who is called in a worker's loop, where nothing may wait: with the events of a
 * descriptor (fiber/watch), or without any, for its time has come
 * (fiber/wheel). */
struct ws__callee {
    void (*call)(struct ws__callee *c, int events);
};

#endif
