/* SPDX-License-Identifier: MIT */

#ifndef WS_CONN_COMPRESSOR_H
#define WS_CONN_COMPRESSOR_H

#include "conn/conn.h"
#include "proto/deflate.h"

/* What a connection compresses its messages with: borrowed for each, or kept if
 * its window lives on.  Get, put and what is between with the message lock held,
 * if one is kept. */

/* Is the next message to be compressed?  With a window of how many bits, that
 * lives on? */
bool ws__compressor_wanted(const ws_conn *c);
int ws__compressor_bits(const ws_conn *c);
bool ws__compressor_keeps(const ws_conn *c);

/* NULL is no memory. */
struct ws__deflate *ws__compressor_get(ws_conn *c);
void ws__compressor_put(ws_conn *c, struct ws__deflate *d);

/* ws__deflate_run, or ws__deflate_alone for a message that stands alone, into a
 * buffer of the worker's; on the worker's stack, since it is deep.  Others have
 * their turns meanwhile.  Returns 0 or a negated errno. */
struct ws__compression {
    struct ws__deflate *d;
    const void *data;
    size_t len;
    enum ws__flush flush;
    bool alone;
    bool at_once; /* others have no turns */
    struct ws__buf *out;
    int error; /* of one part */
};
int ws__compressor_run(struct ws__compression k);

#endif
