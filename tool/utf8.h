/* SPDX-License-Identifier: MIT */

#ifndef TOOL_UTF8_H
#define TOOL_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The character at the beginning of text, which holds at least one byte.  Returns
 * how many bytes it takes; 0 if what is there is no UTF-8 (RFC 3629). */
size_t utf8_next(const char *text, size_t n, uint32_t *character);

bool utf8_is_valid(const char *text, size_t n);

#endif
