/* SPDX-License-Identifier: MIT */

/* For processors without a switch of their own: a hundred times dearer, since
 * each change asks the kernel for the signal mask. */

#include "fiber/switch.h"

#include <stdint.h>
#include <ucontext.h>

struct start {
    ucontext_t context;
    void (*entry)(void *arg);
    void *arg;
};

void ws__switch(void **from, void *to)
{
    ucontext_t here;

    *from = &here;
    swapcontext(&here, to);
}

/* makecontext hands on ints only. */
static void switch_begin(unsigned high, unsigned low)
{
    uintptr_t address = ((uintptr_t)high << 16 << 16) | low;
    const struct start *s = (const struct start *)address;

    s->entry(s->arg);
}

void *ws__switch_make(void *low, size_t size, void (*entry)(void *arg),
                      void *arg)
{
    uintptr_t top =
        ((uintptr_t)low + size - sizeof(struct start)) & ~(uintptr_t)63;
    struct start *s = (struct start *)top;

    getcontext(&s->context);
    s->context.uc_stack.ss_sp = low;
    s->context.uc_stack.ss_size = (size_t)(top - (uintptr_t)low);
    s->context.uc_link = NULL;
    s->entry = entry;
    s->arg = arg;
    makecontext(&s->context, (void (*)(void))switch_begin, 2,
                (unsigned)(top >> 16 >> 16), (unsigned)top);
    return &s->context;
}

/* Saves nothing: fn runs where the caller is. */
void ws__switch_call(void *left, void (*fn)(void *arg), void *arg)
{
    (void)left;
    fn(arg);
}
