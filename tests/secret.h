/* SPDX-License-Identifier: MIT */

#ifndef TESTS_SECRET_H
#define TESTS_SECRET_H

/* An allocator that sees whether a secret is in what is given back. */

#include <malloc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <silverback/base.h>

static const char *_Atomic secret; /* NULL: nothing is looked for */
static atomic_bool secret_left;    /* memory was given back with it */

static inline bool secret_is_in(const void *p, size_t n)
{
    const char *s = atomic_load(&secret);

    return s && p && memmem(p, n, s, strlen(s));
}

/* All is written to, so that all may be looked at; nothing grows in place, so that
 * what it lay in before is looked at, too. */
static inline void *secret_function(void *ptr, size_t size, void *arg)
{
    size_t before = malloc_usable_size(ptr);
    void *p = size > 0 ? calloc(1, size) : NULL;

    (void)arg;
    if (p && ptr)
        memcpy(p, ptr, before < size ? before : size);
    if (p || size == 0) {
        if (secret_is_in(ptr, before))
            atomic_store(&secret_left, true);
        free(ptr);
    }
    return p;
}

/* In main, before anything else. */
static inline void secret_install(void)
{
    ws_set_allocator(secret_function, NULL);
}

#endif
