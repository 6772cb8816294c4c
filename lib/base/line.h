/* SPDX-License-Identifier: MIT */

#ifndef WS_BASE_LINE_H
#define WS_BASE_LINE_H

#include <stdbool.h>
#include <stddef.h>

#include <silverback/base.h>

#include "base/str.h"

/* The longest line there is, with its NUL. */
#define WS__LINE_MAX 512

/* Room for a quotation. */
#define WS__QUOTED 64

/*
 * What vsnprintf makes of fmt, as it may stand in one line, whoever wrote parts
 * of it: "\r", "\n", "\t" and "\x1b" stand for control bytes, and the like for
 * bytes that are no UTF-8, for the controls U+0080 to U+009F, and for what ends
 * a line or turns its direction (U+2028 to U+202E, U+2066 to U+2069).  What is
 * escaped already stays as it is.  Characters and escapes that have no room in
 * cap bytes, at most WS__LINE_MAX, are left out as a whole.
 */
void ws__line_format(char *out, size_t cap, const char *fmt, va_list ap)
    WS_PRINTF(3, 0);

/* s, escaped in the same way, as far as there is room.  Returns true if that is
 * all of it. */
bool ws__line_escape(char *out, size_t cap, struct ws__str s);

/* The beginning of s, escaped in the same way, for a "%s" between quotation
 * marks; it ends in "..." where that is not all.  Returns out. */
const char *ws__quote(char out[static WS__QUOTED], struct ws__str s);

#endif
