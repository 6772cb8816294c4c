/* SPDX-License-Identifier: MIT */

#ifndef TOOL_PROXY_H
#define TOOL_PROXY_H

#include "settings.h"
#include "status.h"

/* ws proxy LISTEN TARGET. */
enum status proxy_run(const struct settings *s);

#endif
