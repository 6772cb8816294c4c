/* SPDX-License-Identifier: MIT */

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

/* What clang says by __has_feature, gcc says by a macro. */
#ifndef __has_feature
#define __has_feature(x) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

static void *standard(void *ptr, size_t size, void *arg)
{
    (void)arg;
    if (size > 0)
        return realloc(ptr, size);
    free(ptr);
    return NULL;
}

static ws_alloc_fn function = standard;
static void *argument;

void ws_set_allocator(ws_alloc_fn fn, void *arg)
{
    function = fn ? fn : standard;
    argument = arg;
}

bool ws__alloc_is_malloc(void)
{
    return function == standard;
}

void ws_free(void *ptr)
{
    if (ptr)
        function(ptr, 0, argument);
}

/* Size 0 would free. */
void *ws__realloc(void *ptr, size_t size)
{
    return function(ptr, size > 0 ? size : 1, argument);
}

void *ws__alloc(size_t size)
{
    return ws__realloc(NULL, size);
}

void *ws__zalloc(size_t size)
{
    void *p = ws__alloc(size);

    if (p)
        memset(p, 0, size);
    return p;
}

char *ws__strdup(const char *s)
{
    size_t n = strlen(s) + 1;
    char *copy = ws__alloc(n);

    if (copy)
        memcpy(copy, s, n);
    return copy;
}

void ws__poison(const void *p, size_t n)
{
    ASAN_POISON_MEMORY_REGION(p, n);
}

void ws__unpoison(const void *p, size_t n)
{
    ASAN_UNPOISON_MEMORY_REGION(p, n);
}
