/* SPDX-License-Identifier: MIT */

#ifndef WS_FIBER_SWITCH_H
#define WS_FIBER_SWITCH_H

#include <stddef.h>

/*
 * One of switch_x86_64.S, switch_aarch64.S, switch_ucontext.c.
 *
 * Changing stacks.  What is saved lies on the stack that is left, and is known
 * by its address.  The floating point modes are not saved: they are the
 * thread's.
 */

/* Leave the caller's stack, noting it in *from, and go on where to was left. */
void ws__switch(void **from, void *to);

/* Make a stack of size bytes from low on that, once switched to, calls
 * entry(arg), which must not return.  Returns what to switch to. */
void *ws__switch_make(void *low, size_t size, void (*entry)(void *arg),
                      void *arg);

/* Call fn(arg) on a stack that was left, below what it holds, and come back.
 * fn must not switch. */
void ws__switch_call(void *left, void (*fn)(void *arg), void *arg);

#endif
