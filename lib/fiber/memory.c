/* SPDX-License-Identifier: MIT */

#include "fiber/memory.h"

#include <unistd.h>

#include "fiber/cgroup.h"

/* Over memory.high a group is slowed down, over memory.max it is killed; either
 * may be "max". */
static int64_t memory_in_v2(const char *folder)
{
    int64_t max = ws__cgroup_number(folder, "memory.max");
    int64_t high = ws__cgroup_number(folder, "memory.high");

    return high > 0 && (max <= 0 || high < max) ? high : max;
}

/* As good as INT64_MAX says that there is none. */
static int64_t memory_in_v1(const char *folder)
{
    int64_t n = ws__cgroup_number(folder, "memory.limit_in_bytes");

    return n < INT64_MAX / 2 ? n : 0;
}

int64_t ws__memory_limit(const char *groups, const char *root)
{
    static const struct ws__cgroup_limit memory = { "memory", memory_in_v2,
                                                    memory_in_v1 };

    return ws__cgroup_least(&memory, groups, root);
}

int64_t ws__memory(void)
{
    int64_t all = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
    int64_t limit = ws__memory_limit(WS__CGROUPS, WS__CGROUP_ROOT);

    return limit > 0 && (limit < all || all <= 0) ? limit : all;
}
