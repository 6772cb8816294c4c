/* SPDX-License-Identifier: MIT */

#ifndef TOOL_BENCH_REPORT_H
#define TOOL_BENCH_REPORT_H

#include <stdint.h>

#include "load.h"
#include "settings.h"

/* What has been measured beside what the load has counted itself. */
struct bench_result {
    struct load_counts counts;
    double connect_s; /* until all were connected */
    double seconds;   /* that count */
    int64_t cpu_ns;   /* of the server in these; -1: unknown */
    int64_t memory;   /* bytes that it has more with all connected; -1 */
};

/* Print it: as text, or with --json or --csv as such. */
void bench_report(const struct settings *s, const struct load *l,
                  const struct bench_result *r);

#endif
