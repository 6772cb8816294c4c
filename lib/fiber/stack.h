/* SPDX-License-Identifier: MIT */

#ifndef WS_FIBER_STACK_H
#define WS_FIBER_STACK_H

#include <stdbool.h>
#include <stddef.h>

/* What is below a stack. */
enum ws__guard {
    WS__GUARD_INSTALL,  /* pages that fault, without a mapping of their own */
    WS__GUARD_MPROTECT, /* the same by mprotect(2): a mapping for each */
    WS__GUARD_CANARY,   /* words that are looked at when the fiber waits */
};

/* A stack: size bytes from low on.  The memory is made as it is touched. */
struct ws__stack {
    char *low;
    struct ws__stack *next; /* among the free ones */
    struct ws__stacks *of;
    enum ws__guard guard;
    bool guarded; /* it was handed out before */
    bool trimmed; /* in a cache: its pages went */
};

/*
 * All stacks of one size, for all threads; never given back to the system, but
 * for their pages.
 */
struct ws__stacks;

/* The free stacks that one thread keeps, the last used first. */
struct ws__stack_cache {
    struct ws__stacks *of;
    struct ws__stack *first;
    size_t count;
    size_t unused; /* of these, the last ones: since they were last looked at */
    bool warm;     /* there may be pages in them that nobody needs */
};

/* size 0: 256 KiB; at least 16 KiB.  Returns 0 or -ENOMEM. */
int ws__stack_cache_init(struct ws__stack_cache *c, size_t size);
void ws__stack_cache_fini(struct ws__stack_cache *c);

/* NULL when there is no memory. */
struct ws__stack *ws__stack_get(struct ws__stack_cache *c);

/* Give back the pages of those that nobody has needed since the last call, but
 * for a few: after a burst the rest of them would lie there for good. */
void ws__stack_cache_trim(struct ws__stack_cache *c);

/* c may be NULL: from a thread that keeps none. */
void ws__stack_put(struct ws__stack_cache *c, struct ws__stack *s);

size_t ws__stack_size(const struct ws__stack *s);

/* Give back the pages below sp: nothing there is needed any more.  With
 * AddressSanitizer and ucontext sp may lie elsewhere: then all is kept. */
void ws__stack_trim(struct ws__stack *s, const void *sp);

/* False if a canary was overwritten; those with other guards are intact. */
bool ws__stack_intact(const struct ws__stack *s);

/* Is address within the guard of s? */
bool ws__stack_is_guard(const struct ws__stack *s, const void *address);

/* For tests.  What new stacks get, if it can be had; otherwise the best of them
 * is tried first. */
void ws__stack_prefer(enum ws__guard guard);

#endif
