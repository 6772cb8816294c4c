/* SPDX-License-Identifier: MIT */

#ifndef TOOL_CONNECT_H
#define TOOL_CONNECT_H

#include "settings.h"
#include "status.h"

/* ws [connect] URL. */
enum status connect_run(const struct settings *s);

#endif
