/* SPDX-License-Identifier: MIT */

#ifndef WS_CONN_READ_H
#define WS_CONN_READ_H

#include "conn/conn.h"

/* Is somebody inside of a read, whoever it is?  Or has another one read that is
 * still to send something, for which it needs the inbox?  From any thread. */
static inline bool ws__read_is_busy(const ws_conn *c)
{
    return atomic_load_explicit(&c->r.inside, memory_order_relaxed) ||
           (atomic_load_explicit(&c->r.promised, memory_order_relaxed) &&
            atomic_load_explicit(&c->reading_fiber, memory_order_relaxed) !=
                ws__parker_self());
}

/* Read the rest of a message, or a whole one, by the deadline, and drop it.
 * Returns what ws_read_message does. */
int ws__read_skip(ws_conn *c, int64_t deadline);

/* ws_read_message; if only what is there is to be read, it does not wait, and
 * returns WS__NOTHING when there is none. */
int ws__read_present(ws_conn *c, bool only, ws_message *m);

#endif
