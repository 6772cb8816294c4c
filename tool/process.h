/* SPDX-License-Identifier: MIT */

#ifndef TOOL_PROCESS_H
#define TOOL_PROCESS_H

#include <stdint.h>

/* What a process has used: CPU in nanoseconds, memory (RSS) in bytes; -1 if there
 * is no such process. */
int64_t process_cpu_ns(int pid);
int64_t process_memory(int pid);

/* As many descriptors for this one as it may have, as ws_serve does. */
void process_raise_limit(void);

#endif
