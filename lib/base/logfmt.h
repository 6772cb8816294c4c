/* SPDX-License-Identifier: MIT */

#ifndef WS_BASE_LOGFMT_H
#define WS_BASE_LOGFMT_H

#include <stddef.h>

/* Append " key=value", without the space at the beginning, to the string in out,
 * which has room for cap bytes; what there is no room for is left out as a
 * whole. */
void ws__logfmt(char *out, size_t cap, const char *key, const char *value);

#endif
