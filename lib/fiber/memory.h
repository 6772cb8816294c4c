/* SPDX-License-Identifier: MIT */

#ifndef WS_FIBER_MEMORY_H
#define WS_FIBER_MEMORY_H

#include <stdint.h>

/* How many bytes of memory this process may have: the machine's, or the limit of
 * its control group, if that is less. */
int64_t ws__memory(void);

/* For tests.  The limit alone, 0 if there is none, with the process's list of
 * groups and the folder where they are mounted. */
int64_t ws__memory_limit(const char *groups, const char *root);

#endif
