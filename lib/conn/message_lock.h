/* SPDX-License-Identifier: MIT */

#ifndef WS_CONN_MESSAGE_LOCK_H
#define WS_CONN_MESSAGE_LOCK_H

#include "conn/extras.h"

/*
 * Who writes a message of several frames: conn/turn, with what ends it.  The
 * author of a message in pieces holds the lock from ws_next_writer to
 * ws_end_message; nobody else holds it while it waits for its own user.
 *
 * It is taken before the outbox's, never with that held.
 */

/* Returns 0, WS_ERR_TIMEOUT, what ws__write_check does, -ENOMEM, or WS_ERR_BUSY
 * for the author of a message in pieces. */
int ws__message_lock(ws_conn *c, int64_t deadline);
void ws__message_unlock(ws_conn *c);

/* Is a message in pieces under way?  And is it the caller's? */
static inline bool ws__message_has_author(const ws_conn *c)
{
    const struct ws__extras *x = ws__extras(c);

    return atomic_load(&x->author) != NULL;
}
bool ws__message_is_mine(const ws_conn *c);

/* For the one who closes, if it is the author: others, who wait for the end of
 * its message, wait no more. */
void ws__message_abandon(ws_conn *c);

#endif
