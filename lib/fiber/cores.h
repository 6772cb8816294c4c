/* SPDX-License-Identifier: MIT */

#ifndef WS_FIBER_CORES_H
#define WS_FIBER_CORES_H

/* How many threads this process can run at once: its processors, or the quota
 * of its control group, rounded up, if that is less.  At least 1. */
int ws__cores(void);

/* For tests.  The quota alone, 0 if there is none, with the process's list of
 * groups and the folder where they are mounted. */
int ws__cores_quota(const char *groups, const char *root);

#endif
