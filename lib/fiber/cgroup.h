/* SPDX-License-Identifier: MIT */

#ifndef WS_FIBER_CGROUP_H
#define WS_FIBER_CGROUP_H

#include <stdint.h>
#include <stdio.h>

/* A process's list of its control groups, and the folder where they are
 * mounted. */
#define WS__CGROUPS "/proc/self/cgroup"
#define WS__CGROUP_ROOT "/sys/fs/cgroup"

/* The least of what limit says of the folders of the process's control group
 * (version 2) and of each one above it, where it says more than 0.  0: there is
 * no limit. */
int64_t ws__cgroup_least(const char *groups, const char *root,
                         int64_t (*limit)(const char *folder));

/* Open a file of a group, to read; NULL if there is none. */
FILE *ws__cgroup_open(const char *folder, const char *name);

#endif
