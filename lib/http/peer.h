/* SPDX-License-Identifier: MIT */

#ifndef WS_HTTP_PEER_H
#define WS_HTTP_PEER_H

#include "http/fault.h"
#include "http/limits.h"
#include "http/request.h"
#include "http/session.h"

/*
 * Who a session's client is, when there may be proxies in between: a trusted
 * one's PROXY header says it of the session, its other headers of each request.
 * With a PROXY header, these are the client's own words, so they count only if
 * the client is a trusted proxy in its turn.
 */

/* The share of a connection from there (as ws__remote_name has it), if that is
 * the client and has limits: as ws__limits_enter. */
struct ws__share *ws__peer_admit(struct ws__host *host, const char *remote,
                                 struct ws__limits_refusal *r);

/* Look at the other end, and read its PROXY header if there has to be one, by
 * s->first_by: that sets s->remote, s->share, s->trusted and s->tls.  Returns
 * false if nothing is to be served, and *r says why if the client is to hear
 * it. */
bool ws__peer_meet(struct ws__session *s, struct ws__limits_refusal *r);

/* Set host, remote_addr and tls of a request to what a trusted proxy says.
 * Returns 0, or a negative code and *f. */
int ws__peer_client(struct ws__request *r, struct ws__fault *f);

/* The same as ws__peer_admit for a client that headers name, which becomes a
 * connection by this request. */
struct ws__share *ws__peer_admit_upgrade(struct ws__request *r,
                                         struct ws__limits_refusal *refusal);

/* remote_addr, if a proxy has said it; NULL: it is the socket's. */
const char *ws__peer_named(const struct ws__request *r);

#endif
