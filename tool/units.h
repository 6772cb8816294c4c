/* SPDX-License-Identifier: MIT */

#ifndef TOOL_UNITS_H
#define TOOL_UNITS_H

#include <stdbool.h>
#include <stdint.h>

/* What is written on a command line.  All return whether it could be read, and
 * was within what its unit allows. */
bool units_ms(const char *text, int *ms);           /* 5, 5s, 300ms, 2m, 1.5h */
bool units_bytes(const char *text, int64_t *bytes); /* 100, 64K, 16M, 1G */
bool units_count(const char *text, int64_t *count); /* 1 and more, 10k, 1M */

/* A close code that may be sent (RFC 6455, section 7.4).  Returns what follows,
 * or NULL if it is none. */
const char *units_close_code(const char *text, int *code);

/* Of "takeover" or "takeover,BITS". */
bool units_takeover(const char *text, int *bits);

#endif
