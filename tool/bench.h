/* SPDX-License-Identifier: MIT */

#ifndef TOOL_BENCH_H
#define TOOL_BENCH_H

#include "settings.h"
#include "status.h"

/* ws bench URL. */
enum status bench_run(const struct settings *s);

#endif
