/* SPDX-License-Identifier: MIT */

#ifndef WS_IO_RANDOM_H
#define WS_IO_RANDOM_H

#include <stddef.h>

/* Fill p with n (at most 256) unpredictable bytes, from a pool of the thread's
 * that a fork wipes.  No byte is given twice.  Returns 0 or a negated errno. */
int ws__random(void *p, size_t n);

#endif
