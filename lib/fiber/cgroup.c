/* SPDX-License-Identifier: MIT */

#include "fiber/cgroup.h"

#include <stdbool.h>
#include <string.h>

enum { PATH = 512 };

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

static bool join(char out[static 2 * PATH], const char *a, const char *b)
{
    return snprintf(out, 2 * PATH, "%s%s", a, b) < 2 * PATH;
}

int64_t ws__cgroup_least(const char *groups, const char *root,
                         int64_t (*limit)(const char *folder))
{
    char group[PATH], folder[2 * PATH], *end;
    int64_t least = 0;

    if (!find_group(groups, group))
        return 0;
    do {
        int64_t n = 0;

        if (join(folder, root, strcmp(group, "/") == 0 ? "" : group))
            n = limit(folder);
        if (n > 0 && (least == 0 || n < least))
            least = n;
        end = strrchr(group, '/');
        if (end)
            *end = '\0';
    } while (end);
    return least;
}

FILE *ws__cgroup_open(const char *folder, const char *name)
{
    char path[4 * PATH];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return fopen(path, "re");
}
