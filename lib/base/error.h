/* SPDX-License-Identifier: MIT */

#ifndef WS_BASE_ERROR_H
#define WS_BASE_ERROR_H

#include <silverback/base.h>

/*
 * Record what went wrong in *err, which may be NULL: the code, and one line of
 * text, in which whatever is no text is escaped (base/line.h).  The first error
 * wins: an *err that holds a code already is left alone.  Returns code.
 */
int ws__fail(ws_error *err, int code, const char *fmt, ...) WS_PRINTF(3, 4);

/* What is returned, to an analyser that looks into one file at a time. */
#ifdef __clang_analyzer__
#define ws__fail(err, code, ...) (ws__fail(err, code, __VA_ARGS__), (code))
#endif

#endif
