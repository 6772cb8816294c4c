/* SPDX-License-Identifier: MIT */

#ifndef WS_FIBER_CONTEXT_H
#define WS_FIBER_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A stack and where it was left, as the sanitizers want to know of it.  A
 * zeroed one stands for the thread's own stack, which is left before it is
 * come back to.
 */
struct ws__context {
    void *left;
    const void *low; /* of the stack, for AddressSanitizer */
    size_t size;
    void *fake;   /* AddressSanitizer's stack of locals */
    void *thread; /* what ThreadSanitizer takes it for */
};

/* A context that, once switched to, calls entry(arg), which begins with
 * ws__context_entered and must not return. */
void ws__context_init(struct ws__context *c, void *low, size_t size,
                      void (*entry)(void *arg), void *arg);
void ws__context_fini(struct ws__context *c);

/* Leave from for to.  ends: from will not be come back to. */
void ws__context_switch(struct ws__context *from, struct ws__context *to,
                        bool ends);

/* The first words in a new context, which was entered from another one. */
void ws__context_entered(struct ws__context *c, struct ws__context *from);

/* Call fn(arg) on the stack of a context that was left, and come back.  fn must
 * not switch. */
void ws__context_call(const struct ws__context *on, void (*fn)(void *arg),
                      void *arg);

#endif
