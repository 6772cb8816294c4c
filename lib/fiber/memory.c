/* SPDX-License-Identifier: MIT */

#include "fiber/memory.h"

#include <unistd.h>

#include "fiber/cgroup.h"

/* "max", or bytes. */
static int64_t number_in(const char *folder, const char *name)
{
    long long n = 0;

    FILE *f = ws__cgroup_open(folder, name);
    if (!f)
        return 0;
    if (fscanf(f, "%lld", &n) != 1)
        n = 0;
    fclose(f);
    return n;
}

/* Over memory.high a group is slowed down, over memory.max it is killed. */
static int64_t limit_of(const char *folder)
{
    int64_t max = number_in(folder, "memory.max");
    int64_t high = number_in(folder, "memory.high");

    return high > 0 && (max <= 0 || high < max) ? high : max;
}

int64_t ws__memory_limit(const char *groups, const char *root)
{
    return ws__cgroup_least(groups, root, limit_of);
}

int64_t ws__memory(void)
{
    int64_t all = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
    int64_t limit = ws__memory_limit(WS__CGROUPS, WS__CGROUP_ROOT);

    return limit > 0 && (limit < all || all <= 0) ? limit : all;
}
