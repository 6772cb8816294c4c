/* SPDX-License-Identifier: MIT */

#include "memory.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "status.h"

static void *memory_had(void *p)
{
    if (!p) {
        fputs("out of memory\n", stderr);
        exit(STATUS_USAGE);
    }
    return p;
}

void *memory_resize(void *p, size_t size)
{
    return memory_had(realloc(p, size));
}

void *memory_zeroed(size_t size)
{
    return memory_had(calloc(1, size ? size : 1));
}

char *memory_copy(const char *text)
{
    return memory_had(strdup(text));
}

char *memory_printf(const char *fmt, ...)
{
    char *text;
    va_list ap;

    va_start(ap, fmt);
    int n = vasprintf(&text, fmt, ap);
    va_end(ap);
    return memory_had(n < 0 ? NULL : text);
}

FILE *memory_open(char **data, size_t *n)
{
    return memory_had(open_memstream(data, n));
}
