/* SPDX-License-Identifier: MIT */

#ifndef TESTS_TEST_H
#define TESTS_TEST_H

/* What cmocka.h needs before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* A list of bytes, as pointer and size. */
#define BYTES(...)                                                             \
    (const uint8_t[]){ __VA_ARGS__ }, sizeof((uint8_t[]){ __VA_ARGS__ })

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

#endif
