/* SPDX-License-Identifier: MIT */

#include "load.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void load_fail(const char *format, ...)
{
    va_list args;

    fprintf(stderr, "%s: ", program_invocation_short_name);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(1);
}

void *load_alloc(size_t n)
{
    void *p = calloc(1, n > 0 ? n : 1);

    if (!p)
        load_fail("no memory for %zu bytes", n);
    return p;
}

double load_number(const char *s, double min, double max)
{
    char *end;
    double v = strtod(s, &end);

    if (end == s || *end != '\0' || !(v >= min && v <= max))
        load_fail("expected a number from %g to %g, got \"%s\"", min, max, s);
    return v;
}
