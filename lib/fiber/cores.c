/* SPDX-License-Identifier: MIT */

#include "fiber/cores.h"

#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { PATH = 512 };

static int processors(void)
{
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof(set), &set) != 0)
        return 1;
    return CPU_COUNT(&set);
}

/* cpu.max holds "max PERIOD" or "QUOTA PERIOD", in microseconds. */
static int quota_of(const char *root, const char *group)
{
    char path[2 * PATH];
    long long quota, period;
    int cores = 0;

    if (snprintf(path, sizeof(path), "%s%s/cpu.max", root, group) >=
        (int)sizeof(path))
        return 0;
    FILE *f = fopen(path, "re");
    if (!f)
        return 0;
    if (fscanf(f, "%lld %lld", &quota, &period) == 2 && quota > 0 && period > 0)
        cores = (int)((quota + period - 1) / period);
    fclose(f);
    return cores;
}

/* The group's path, in the hierarchy of version 2; "" is the root. */
static bool find_group(const char *groups, char group[static PATH])
{
    FILE *f = fopen(groups, "re");
    bool found = false;

    if (!f)
        return false;
    while (!found && fgets(group, PATH, f))
        found = strncmp(group, "0::/", 4) == 0;
    fclose(f);
    if (found) {
        memmove(group, group + 3, strlen(group + 3) + 1);
        group[strcspn(group, "\n")] = '\0';
    }
    return found;
}

/* Each group above may allow less. */
int ws__cores_quota(const char *groups, const char *root)
{
    char group[PATH], *end;
    int least = 0;

    if (!find_group(groups, group))
        return 0;
    do {
        int cores = quota_of(root, strcmp(group, "/") == 0 ? "" : group);
        if (cores > 0 && (least == 0 || cores < least))
            least = cores;
        end = strrchr(group, '/');
        if (end)
            *end = '\0';
    } while (end);
    return least;
}

int ws__cores(void)
{
    int cores = processors();
    int limit = ws__cores_quota("/proc/self/cgroup", "/sys/fs/cgroup");

    if (limit > 0 && limit < cores)
        cores = limit;
    return cores > 0 ? cores : 1;
}
