/* SPDX-License-Identifier: MIT */

#ifndef TOOL_LOG_H
#define TOOL_LOG_H

#include "settings.h"

/* Take what the library has to say from now on: with -vv each frame, too. */
void log_begin(const struct settings *s);

#endif
