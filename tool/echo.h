/* SPDX-License-Identifier: MIT */

#ifndef TOOL_ECHO_H
#define TOOL_ECHO_H

#include "settings.h"
#include "status.h"

/* ws echo ADDRESS. */
enum status echo_run(const struct settings *s);

#endif
