/* SPDX-License-Identifier: MIT */

#ifndef WS_CONN_HELD_H
#define WS_CONN_HELD_H

#include "conn/conn.h"

/* What unfinished messages hold, of all connections of the process. */
struct ws__held {
    size_t bytes;
    size_t connections;
    uint64_t refused; /* connections, since the process began: at the limit, */
    uint64_t slow;    /* and for want of progress */
};

struct ws__held ws__held_now(void);

/* The limit: what ws_set_unfinished_limit has said, or the default. */
int64_t ws__held_limit(void);

/* Count what g holds.  Returns false if that is too much: g's connection is to
 * end. */
bool ws__held_count(struct ws__reading *g);

/* It holds nothing any more. */
void ws__held_drop(struct ws__reading *g);

/* A connection ends; slow: for want of progress. */
void ws__held_refused(bool slow);

#endif
