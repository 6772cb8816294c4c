/* SPDX-License-Identifier: MIT */

#ifndef TESTS_TEST_H
#define TESTS_TEST_H

/* What cmocka.h needs before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#ifdef WS__HAVE_VALGRIND
#include <valgrind/valgrind.h>
#else
#define RUNNING_ON_VALGRIND 0
#endif

/* A list of bytes, as pointer and size. */
#define BYTES(...)                                                             \
    (const uint8_t[]){ __VA_ARGS__ }, sizeof((uint8_t[]){ __VA_ARGS__ })

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* How often to try what races: valgrind has one thread run at a time, and each
 * try takes as long as its turn. */
static inline int rounds(int n)
{
    return RUNNING_ON_VALGRIND ? (n + 19) / 20 : n;
}

/* A line of the log that any test may see where the machine is slow. */
static inline bool is_of_a_busy_machine(const char *line)
{
    return strstr(line, "held up its worker") != NULL;
}

#endif
