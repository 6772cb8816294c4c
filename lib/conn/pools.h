/* SPDX-License-Identifier: MIT */

#ifndef WS_CONN_POOLS_H
#define WS_CONN_POOLS_H

#include "base/pool.h"
#include "conn/stats.h"
#include "fiber/sched.h"

#define WS__READ_BUFFER (128 * 1024)
#define WS__WRITE_BUFFER (16 * 1024)

/* Room in a write buffer for what goes ahead of a message: a header, and the
 * control frames that wait. */
#define WS__WRITE_RESERVE 1024

#define WS__WINDOW_BITS_MIN 9
#define WS__WINDOW_BITS_MAX 15
#define WS__WINDOWS (WS__WINDOW_BITS_MAX - WS__WINDOW_BITS_MIN + 1)

/* What connections borrow while bytes are on their way. */
struct ws__pools {
    struct ws__pool inbox;   /* struct ws__inbox */
    struct ws__pool sendbuf; /* struct ws__sendbuf */
    struct ws__pool large;   /* WS__READ_BUFFER bytes */
    struct ws__pool small;   /* WS__WRITE_BUFFER + WS__WRITE_RESERVE bytes */
    struct ws__pool inflate;
    struct ws__pool deflate[WS__WINDOWS];
    struct ws__stats stats; /* of a worker */
};

/* What ws__pools_here returns when it is not at hand. */
struct ws__pools *ws__pools_find(void);

/* The pools of the caller: its worker's own, or those that all threads share.
 * Ask each time: a connection may be used by others. */
static inline struct ws__pools *ws__pools_here(void)
{
    struct ws__pools *p = ws__worker_local();

    return p ? p : ws__pools_find();
}

/* How many read and write buffers connections have borrowed, of all pools. */
size_t ws__pools_lent(void);

/* Empty those that all threads share. */
void ws__pools_cleanup(void);

struct ws__pool *ws__deflate_pool(struct ws__pools *p, int bits);

#endif
