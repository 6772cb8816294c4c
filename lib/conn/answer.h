/* SPDX-License-Identifier: MIT */

#ifndef WS_CONN_ANSWER_H
#define WS_CONN_ANSWER_H

#include "conn/conn.h"

/*
 * Answers of the reading side: it must never wait to give them, or two ends
 * that both write would wait for each other for ever.  So each has a slot, of
 * which there is one for a pong: only the newest counts (RFC 6455, section
 * 5.5.3).  Who sends them is said in conn/outbox.
 */

/* From any thread.  Without memory for its payload a ping stays unanswered, and
 * a close frame goes without its reason, which may be NULL. */
void ws__answers_put_ping(ws_conn *c);
void ws__answers_put_pong(ws_conn *c, const void *data, size_t len);
void ws__answers_put_close(ws_conn *c, int code, const char *reason);

/* Move what there is into the buffer, which has room for it; once a close frame
 * was sent, or without memory, drop it.  With the outbox's lock held. */
void ws__answers_append(ws_conn *c);

#endif
