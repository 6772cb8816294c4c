/* SPDX-License-Identifier: MIT */

#ifndef WS_CONN_UNFINISHED_H
#define WS_CONN_UNFINISHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ws__inbox;

/* What unfinished messages hold, of all connections of the process. */
struct ws__unfinished {
    size_t bytes;
    size_t connections;
    uint64_t refused; /* connections, since the process began: at the limit, */
    uint64_t slow;    /* and for want of progress */
};

struct ws__unfinished ws__unfinished_now(void);

/* The limit: what ws_set_unfinished_limit has said, or the default. */
int64_t ws__unfinished_limit(void);

/* Count what g holds.  Returns false if that is too much: g's connection is to
 * end. */
bool ws__unfinished_count(struct ws__inbox *g);

/* Is it too much for its address, whatever others hold? */
bool ws__unfinished_by_address(const struct ws__inbox *g);

/* It holds nothing any more. */
void ws__unfinished_drop(struct ws__inbox *g);

/* A connection ends; slow: for want of progress. */
void ws__unfinished_refused(bool slow);

#endif
