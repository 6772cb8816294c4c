/* SPDX-License-Identifier: MIT */

#ifndef WS_HTTP_ACCESS_H
#define WS_HTTP_ACCESS_H

#include "http/request.h"

/* What the server's access function is told, and what is counted of answers. */

/* The head of an answer goes out.  A 101 is told of at once. */
void ws__access_answer(struct ws__request *r, int status);
void ws__access_upgrade(struct ws__request *r, ws_conn *c);

/* Its address has too much already. */
void ws__access_turned_away(struct ws__session *s);

/* There was no TLS handshake. */
void ws__access_tls_failed(struct ws__session *s);

/* Upgrading was refused; r->error says why. */
void ws__access_refusal(const struct ws__request *r, int status);

/* The handler is done with a request that was answered. */
void ws__access_request(const struct ws__request *r);

/* An upgraded connection of the registry has ended. */
void ws__access_end(const struct ws__registry *g, ws_conn *c);

#endif
