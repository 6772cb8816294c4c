/* SPDX-License-Identifier: MIT */

#ifndef BENCH_LOAD_WIRE_H
#define BENCH_LOAD_WIRE_H

/* Bytes from and to one connection, by TCP or TLS.  Nothing here waits. */

#include <sys/types.h>

#include "load_conn.h"

/* What is returned instead of a count. */
enum { WIRE_GONE = 0, WIRE_LATER = -1 };

void wire_setup(const struct load_options *o);
void wire_teardown(void);

void wire_connect(struct conn *c, int port);

/* After wire_connect(), once the descriptor can be written: whether TLS is
 * ready, too. */
bool wire_connected(struct conn *c);
bool wire_secured(struct conn *c);

/* Closes by a reset: no port is left in TIME_WAIT, there are not so many. */
void wire_drop(struct conn *c);

ssize_t wire_get(struct conn *c, void *p, size_t n);
ssize_t wire_put(struct conn *c, const void *p, size_t n);

/* wire_get() of bytes that nobody looks at, which are not even copied.  Not
 * with TLS. */
ssize_t wire_skip(struct conn *c, size_t n);

#endif
