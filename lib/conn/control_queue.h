/* SPDX-License-Identifier: MIT */

#ifndef WS_CONN_CONTROL_QUEUE_H
#define WS_CONN_CONTROL_QUEUE_H

#include "conn/conn.h"

/*
 * Control frames that wait to be sent.  Who has one to send may not be able to
 * wait: the reading side must not, or two ends that both write would wait for
 * each other for ever.  So each has a slot, and there is one for a pong: only the
 * newest counts (RFC 6455, section 5.5.3).  Who sends them is said in
 * conn/outbox.
 */

/* From any thread.  Without memory for its payload a ping stays unanswered, and
 * a close frame goes without its reason, which may be NULL. */
void ws__control_queue_ping(ws_conn *c);
void ws__control_queue_pong(ws_conn *c, const void *data, size_t len);
void ws__control_queue_close(ws_conn *c, int code, const char *reason);

/* Is there something?  From any thread. */
static inline bool ws__control_queue_is_due(const ws_conn *c)
{
    return atomic_load_explicit(&c->w.due, memory_order_acquire) &
           WS__DUE_CONTROL;
}

/* Move what there is into the send buffer, which has room for it; once a close
 * frame was sent, drop it.  Without memory it is lost, and with a close frame all
 * that would follow.  With the outbox's lock held. */
void ws__control_queue_append(ws_conn *c);

/* For the last reference. */
void ws__control_queue_free(ws_conn *c);

#endif
