/* SPDX-License-Identifier: MIT */

#ifndef WS_CONN_READ_H
#define WS_CONN_READ_H

#include "conn/conn.h"

/* Is one that reads inside of a read, whoever it is?  From any thread. */
static inline bool ws__read_is_busy(const ws_conn *c)
{
    return atomic_load_explicit(&c->r.waiting, memory_order_relaxed) ||
           atomic_load_explicit(&c->r.in_handler, memory_order_relaxed);
}

/* Read the rest of a message, or a whole one, by the deadline, and drop it.
 * Returns what ws_read_message does. */
int ws__read_skip(ws_conn *c, int64_t deadline);

/* ws_read_message; if only what is there is to be read, it does not wait, and
 * returns WS__NOTHING when there is none. */
int ws__read_present(ws_conn *c, bool only, ws_message *m);

#endif
