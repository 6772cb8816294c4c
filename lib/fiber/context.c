/* SPDX-License-Identifier: MIT */

#include "fiber/context.h"

#include "fiber/sanitizers.h"
#include "fiber/switch.h"

void ws__context_init(struct ws__context *c, void *low, size_t size,
                      void (*entry)(void *arg), void *arg)
{
    c->left = ws__switch_make(low, size, entry, arg);
    c->low = low;
    c->size = size;
    c->fake = NULL;
    c->thread = ws__tsan_create();
}

void ws__context_fini(struct ws__context *c)
{
    ws__tsan_destroy(c->thread);
}

void ws__context_switch(struct ws__context *from, struct ws__context *to,
                        bool ends)
{
    from->thread = ws__tsan_current(from->thread);
    ws__asan_leave(ends ? NULL : &from->fake, to->low, to->size);
    ws__tsan_switch(to->thread);
    ws__switch(&from->left, to->left);
    ws__asan_enter(from->fake, NULL, NULL);
}

void ws__context_entered(struct ws__context *c, struct ws__context *from)
{
    ws__asan_enter(c->fake, &from->low, &from->size);
}

/* The sanitizers know a stack by its bounds, so with them fn stays on the
 * caller's. */
void ws__context_call(const struct ws__context *on, void (*fn)(void *arg),
                      void *arg)
{
    if (WS__SANITIZED)
        fn(arg);
    else
        ws__switch_call(on->left, fn, arg);
}
