/* SPDX-License-Identifier: MIT */

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

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

/* An allocator of the user's frees when the size is 0. */
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
