/* SPDX-License-Identifier: MIT */

#ifndef TOOL_BROADCAST_H
#define TOOL_BROADCAST_H

#include "settings.h"
#include "status.h"

/* ws broadcast ADDRESS. */
enum status broadcast_run(const struct settings *s);

#endif
