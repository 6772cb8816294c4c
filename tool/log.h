/* SPDX-License-Identifier: MIT */

#ifndef TOOL_LOG_H
#define TOOL_LOG_H

#include <stdbool.h>

#include "settings.h"

/* Take what the library has to say from now on: with -vv each frame, too, and of
 * which connection it is if there may be several. */
void log_begin(const struct settings *s, bool several);

#endif
