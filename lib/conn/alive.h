/* SPDX-License-Identifier: MIT */

#ifndef WS_CONN_ALIVE_H
#define WS_CONN_ALIVE_H

#include "conn/conn.h"

/*
 * Whether a peer that is waited for counts as alive: something comes from it, or
 * it takes what is sent; and what it has begun to say comes to an end.  For the
 * reading fiber.
 */

/* Bytes came before this wait: the count begins anew.  Returns ws_now(). */
int64_t ws__alive_begin(ws_conn *c);

/* A wait begins, or ends, which may be for the rest of a message. */
void ws__alive_wait(ws_conn *c);
void ws__alive_go_on(ws_conn *c);

/* When to look; 0: never. */
int64_t ws__alive_at(const ws_conn *c);

/* Look, and send a ping if it is time.  Returns 0, or what ends reading: then
 * the peer was told, as far as that needed no waiting. */
int ws__alive_check(ws_conn *c, int64_t now);

#endif
