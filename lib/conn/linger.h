/* SPDX-License-Identifier: MIT */

#ifndef WS_CONN_LINGER_H
#define WS_CONN_LINGER_H

#include <stdatomic.h>

#include <silverback/conn.h>

#include "io/stream.h"

/* The end of a stream: the peer still gets what was written. */
struct ws__linger {
    struct ws__stream *stream;
    ws_conn *conn; /* that may have bytes left over; NULL: nothing has */
    int64_t until; /* at most; 0: no limit */
    bool idle; /* the peer asks for nothing: once it has all, that is the end */

    size_t rest; /* bytes of conn's, when they were last looked at */
    bool said;   /* all of it was written, and the end of the stream */
    bool ended;  /* the peer has ended its own, or is gone */
};

/* Do what needs no waiting.  Returns whether all is done. */
bool ws__linger_step(struct ws__linger *l);

/* Go on until that is so, or until the peer has acknowledged nothing more for 2
 * s. */
void ws__linger(struct ws__linger *l);

/* For tests.  Those 2 s, in ms. */
extern atomic_int ws__linger_quiet_ms __attribute__((visibility("hidden")));

#endif
