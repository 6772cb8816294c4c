/* SPDX-License-Identifier: MIT */

#ifndef BENCH_LOAD_MASKED_H
#define BENCH_LOAD_MASKED_H

/* Messages as a client has to send them (RFC 6455, 10.3): each masked with a
 * key that cannot be foreseen, in one pass into memory that all connections
 * share, from which it is sent.  What finds no room is kept with its
 * connection. */

#include "load_conn.h"

void masked_setup(const struct frames *f, const struct load_options *o);
void masked_teardown(void);

/* Queue that many messages, and send what can be sent now. */
void masked_queue(struct conn *c, size_t messages);
void masked_flush(struct conn *c);

#endif
