/* SPDX-License-Identifier: MIT */

#ifndef TOOL_BINARY_H
#define TOOL_BINARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Bytes as text, and text as bytes. */
void binary_write_hex(FILE *f, const void *data, size_t n);
void binary_write_base64(FILE *f, const void *data, size_t n);

/* In place: what comes out is never longer.  Blanks are skipped.  Return whether
 * it was hexadecimal, or base64. */
bool binary_read_hex(char *text, size_t *n);
bool binary_read_base64(char *text, size_t *n);

#endif
