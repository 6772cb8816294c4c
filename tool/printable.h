/* SPDX-License-Identifier: MIT */

#ifndef TOOL_PRINTABLE_H
#define TOOL_PRINTABLE_H

#include <stddef.h>
#include <stdio.h>

/*
 * Write text of anybody's for a terminal: what it would obey, and what would
 * change the order of what is read, comes out as \x1b or \u202e, and a byte that
 * is no UTF-8 as \xff.  A newline becomes what newline says, NULL: "\n" as two
 * characters.
 */
void printable_write(FILE *f, const char *text, size_t n, const char *newline);

#endif
