/* SPDX-License-Identifier: MIT */

#ifndef BENCH_LOAD_CAST_H
#define BENCH_LOAD_CAST_H

/* Publications: each comes to all connections, once and in its order.  As many
 * as depth are under way, which have not come to all of them. */

#include "load.h"

void cast_setup(const struct load_options *o);
void cast_teardown(void);

/* n more are sent now. */
void cast_sent(size_t n);

/* The next one came on a connection that has had so many before.  Returns when
 * it was sent, if it was the last one to have it; 0 if others wait for it. */
uint64_t cast_heard(uint64_t before);

#endif
