/* SPDX-License-Identifier: MIT */

#ifndef WS_CONN_SHARE_H
#define WS_CONN_SHARE_H

#include <stdatomic.h>
#include <stddef.h>

/* What all connections from one address have together, where that is limited.
 * Each of them is in it from its beginning until its last reference goes. */
struct ws__share {
    atomic_size_t unfinished; /* bytes, as conn/unfinished counts them */
    size_t unfinished_max;    /* 0: no limit */
    void (*leave)(struct ws__share *s);
};

/* A connection ends.  NULL: it was in none. */
static inline void ws__share_leave(struct ws__share *s)
{
    if (s)
        s->leave(s);
}

#endif
