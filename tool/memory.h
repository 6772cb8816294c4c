/* SPDX-License-Identifier: MIT */

#ifndef TOOL_MEMORY_H
#define TOOL_MEMORY_H

#include <stddef.h>
#include <stdio.h>

#include <silverback/base.h>

/* None of these returns NULL: without memory there is nothing that the tool
 * could do but end. */
void *memory_resize(void *p, size_t size);
void *memory_zeroed(size_t size);
char *memory_copy(const char *text);
char *memory_printf(const char *fmt, ...) WS_PRINTF(1, 2);

/* A stream into memory: what was written is *data, for free, once it is closed. */
FILE *memory_open(char **data, size_t *n);

#endif
