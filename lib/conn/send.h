/* SPDX-License-Identifier: MIT */

#ifndef WS_CONN_SEND_H
#define WS_CONN_SEND_H

#include <sys/uio.h>

#include "conn/conn.h"

/* Sending the buffer (conn/sendbuf): for the holder of the outbox's lock. */

/* Send what can be sent without waiting.  Returns 0, -EAGAIN or the sticky
 * error. */
int ws__send_try(ws_conn *c);

/* Send it all, by the deadline.  Bytes of whole messages that were not sent stay
 * there.  Returns 0, WS_ERR_TIMEOUT or what ws__write_settle takes. */
int ws__send_pending(ws_conn *c, int64_t deadline);

/*
 * Send it, and the tail.  The message begins mark bytes before the buffer's end
 * (0: it has begun already): while none of it is sent, a deadline takes it back
 * and leaves the connection as it was.  Returns as ws__send_pending does,
 * WS_ERR_DEAD when it passed too late for that.
 */
int ws__send_with(ws_conn *c, int64_t deadline, size_t mark,
                  struct iovec *tail);

/* Send it without waiting.  The message is as above, and taken back likewise:
 * then WS_ERR_TIMEOUT.  Else what is left of it waits there. */
int ws__send_or_leave(ws_conn *c, size_t mark);

/* Let others run, if it is their turn, with the lock held. */
void ws__send_take_turns(void);

#endif
