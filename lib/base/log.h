/* SPDX-License-Identifier: MIT */

#ifndef WS_BASE_LOG_H
#define WS_BASE_LOG_H

#include <silverback/base.h>

/* One line, escaped as base/line.h says, to the function that ws_set_log set, or
 * to stderr. */
void ws__log(const char *fmt, ...) WS_PRINTF(1, 2);

#endif
