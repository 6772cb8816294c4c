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

/* cpu.max holds "max PERIOD" or "QUOTA PERIOD", in microseconds. */
static int64_t quota_of(const char *folder)
{
    long long quota, period;
    int64_t cores = 0;

    FILE *f = ws__cgroup_open(folder, "cpu.max");
    if (!f)
        return 0;
    if (fscanf(f, "%lld %lld", &quota, &period) == 2 && quota > 0 && period > 0)
        cores = (quota + period - 1) / period;
    fclose(f);
    return cores;
}

int ws__cores_quota(const char *groups, const char *root)
{
    int64_t least = ws__cgroup_least(groups, root, quota_of);

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
