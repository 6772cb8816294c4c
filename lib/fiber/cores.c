/* SPDX-License-Identifier: MIT */

#include "fiber/cores.h"

#include <limits.h>
#include <sched.h>

#include "fiber/cgroup.h"

static int processors(void)
{
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof(set), &set) != 0)
        return 1;
    return CPU_COUNT(&set);
}

static int64_t rounded_up(int64_t quota, int64_t period)
{
    return quota > 0 && period > 0 ? (quota - 1) / period + 1 : 0;
}

/* cpu.max holds "max PERIOD" or "QUOTA PERIOD", in microseconds. */
static int64_t cores_in_v2(const char *folder)
{
    int64_t n[2]; /* quota, period */

    return ws__cgroup_numbers(folder, "cpu.max", n) == 2
               ? rounded_up(n[0], n[1])
               : 0;
}

/* A quota of -1 is none. */
static int64_t cores_in_v1(const char *folder)
{
    return rounded_up(ws__cgroup_number(folder, "cpu.cfs_quota_us"),
                      ws__cgroup_number(folder, "cpu.cfs_period_us"));
}

int ws__cores_quota(const char *groups, const char *root)
{
    static const struct ws__cgroup_limit cpu = { "cpu", cores_in_v2,
                                                 cores_in_v1 };
    int64_t least = ws__cgroup_least(&cpu, groups, root);

    return least < INT_MAX ? (int)least : INT_MAX;
}

int ws__cores(void)
{
    int cores = processors();
    int limit = ws__cores_quota(WS__CGROUPS, WS__CGROUP_ROOT);

    if (limit > 0 && limit < cores)
        cores = limit;
    return cores > 0 ? cores : 1;
}
