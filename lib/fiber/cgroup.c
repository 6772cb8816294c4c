/* SPDX-License-Identifier: MIT */

#include "fiber/cgroup.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH = 512 };

static bool has_controller(const char *list, const char *controller)
{
    size_t n = strlen(controller);

    for (;;) {
        size_t len = strcspn(list, ",");

        if (len == n && memcmp(list, controller, n) == 0)
            return true;
        if (list[len] == '\0')
            return false;
        list += len + 1;
    }
}

/* The path of "ID:CONTROLLERS:PATH" if that is the controller's ("": of version
 * 2); otherwise NULL. */
static char *path_in(char *line, const char *controller)
{
    char *list = strchr(line, ':');
    char *path = list ? strchr(list + 1, ':') : NULL;

    if (!path || path[1] != '/')
        return NULL;
    *path++ = '\0';
    path[strcspn(path, "\n")] = '\0';
    return has_controller(list + 1, controller) ? path : NULL;
}

/* The group's path in the controller's hierarchy; "/" is the root.  A line that
 * is too long is taken as far as it goes. */
static bool find_group(const char *groups, const char *controller,
                       char group[static PATH])
{
    FILE *f = fopen(groups, "re");
    char line[PATH], *path = NULL;
    bool begins = true;

    if (!f)
        return false;
    while (!path && fgets(line, sizeof(line), f)) {
        bool ends = strchr(line, '\n') != NULL;

        if (begins)
            path = path_in(line, controller);
        begins = ends;
    }
    (void)fclose(f);
    if (path)
        memmove(group, path, strlen(path) + 1);
    return path;
}

/* The least of the group's and of those above it, whose names it loses one by
 * one. */
static int64_t least_above(char group[static PATH], const char *root,
                           const char *controller,
                           int64_t (*limit)(const char *folder))
{
    char folder[4 * PATH], *end;
    int64_t least = 0;

    do {
        snprintf(folder, sizeof(folder), "%s/%s%s", root, controller, group);
        int64_t n = limit(folder);

        if (n > 0 && (least == 0 || n < least))
            least = n;
        end = strrchr(group, '/');
        if (end)
            *end = '\0';
    } while (end);
    return least;
}

int64_t ws__cgroup_least(const struct ws__cgroup_limit *limit,
                         const char *groups, const char *root)
{
    char group[PATH];
    int64_t v2 = 0, v1 = 0;

    if (find_group(groups, "", group))
        v2 = least_above(group, root, "", limit->in_v2);
    if (find_group(groups, limit->controller, group))
        v1 = least_above(group, root, limit->controller, limit->in_v1);
    return v2 > 0 && (v1 <= 0 || v2 < v1) ? v2 : v1;
}

int ws__cgroup_numbers(const char *folder, const char *name,
                       int64_t numbers[static 2])
{
    char path[8 * PATH], line[64] = "";
    int n = 0;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *f = fopen(path, "re");
    if (!f)
        return 0;
    char *at = fgets(line, sizeof(line), f);
    (void)fclose(f);
    for (char *end; at && n < 2; at = end) {
        long long number = strtoll(at, &end, 10);

        if (end == at)
            break;
        numbers[n++] = number;
    }
    return n;
}

int64_t ws__cgroup_number(const char *folder, const char *name)
{
    int64_t numbers[2];

    return ws__cgroup_numbers(folder, name, numbers) > 0 ? numbers[0] : 0;
}
