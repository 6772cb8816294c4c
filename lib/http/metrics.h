/* SPDX-License-Identifier: MIT */

#ifndef WS_HTTP_METRICS_H
#define WS_HTTP_METRICS_H

#include "conn/stats.h"

/* What a listener's group has counted, and has now; NULL: the process. */
void ws__metrics_take(const struct ws__stats_group *g,
                      uint64_t counts[static WS_COUNTERS]);

#endif
