/* SPDX-License-Identifier: MIT */

#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#include <stdio.h>
#include <stdlib.h>

/* Holds in every build, with or without cmocka, and ends the process where it does
 * not. */
#define CHECK(what) ((what) ? (void)0 : check_failed(__FILE__, __LINE__, #what))

_Noreturn static inline void check_failed(const char *file, int line,
                                          const char *what)
{
    fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
    abort();
}

#endif
