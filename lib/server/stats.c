/* SPDX-License-Identifier: MIT */

#include <silverback/stats.h>

#include <errno.h>

#include "http/metrics.h"
#include "server/listener.h"

int ws_stats(const ws_listener *l, uint64_t counts[], size_t n)
{
    uint64_t all[WS_COUNTERS];

    if (!counts)
        return WS_ERR_INVALID;
    ws__metrics_take(l ? ws__registry_stats(l->host.registry) : NULL, all);
    for (size_t i = 0; i < n; i++)
        counts[i] = i < WS_COUNTERS ? all[i] : 0;
    return 0;
}
