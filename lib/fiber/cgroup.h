/* SPDX-License-Identifier: MIT */

#ifndef WS_FIBER_CGROUP_H
#define WS_FIBER_CGROUP_H

#include <stdint.h>

/* A process's list of its control groups, and the folder where they are
 * mounted: those of version 2 right there, or, of version 1, in a folder for
 * each controller. */
#define WS__CGROUPS "/proc/self/cgroup"
#define WS__CGROUP_ROOT "/sys/fs/cgroup"

/* A limit of control groups: what it is in the group whose folder is given, in
 * each version; 0 or less: there is none. */
struct ws__cgroup_limit {
    const char *controller;
    int64_t (*in_v2)(const char *folder);
    int64_t (*in_v1)(const char *folder);
};

/* The least that is set in the process's control group, and in each one above
 * it; 0: there is no limit. */
int64_t ws__cgroup_least(const struct ws__cgroup_limit *limit,
                         const char *groups, const char *root);

/* The numbers at the beginning of a file of a group, at most two; a larger one
 * than INT64_MAX is that.  Returns how many there are. */
int ws__cgroup_numbers(const char *folder, const char *name,
                       int64_t numbers[static 2]);

/* The first one; 0 if there is none. */
int64_t ws__cgroup_number(const char *folder, const char *name);

#endif
