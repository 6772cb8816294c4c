/* SPDX-License-Identifier: MIT */

#ifndef TOOL_LISTEN_H
#define TOOL_LISTEN_H

#include "settings.h"
#include "status.h"

/* ws listen ADDRESS. */
enum status listen_run(const struct settings *s);

#endif
