/* SPDX-License-Identifier: MIT */

#ifndef WS_CONN_FILL_H
#define WS_CONN_FILL_H

#include "conn/conn.h"

/* Bytes in: waiting for them, and receiving.  For the reading fiber. */

enum { WS__NOTHING = 1 };

/* What a reading call asks for that is not as usual. */
struct ws__read_call {
    bool has_deadline; /* of its own, instead of the connection's */
    int64_t deadline;
    ws_event *event;   /* ends it when it has to wait; NULL: none */
    bool only_present; /* it does not wait */
};

/* Get some bytes more into the inbox, for call; NULL: an ordinary one.  Returns 0,
 * WS_ERR_TIMEOUT, the error that ends reading, WS_ERR_INTERRUPTED by the call's
 * event, or WS__NOTHING for a call that does not wait. */
int ws__fill(ws_conn *c, const struct ws__read_call *call);

/* When to read again though nothing comes: for a deadline, for a ping, or to make
 * do with less memory.  0: never. */
int64_t ws__fill_due(const ws_conn *c, const struct ws__read_call *call);

#endif
