/* SPDX-License-Identifier: MIT */

#ifndef WS_HTTP_LIMITS_H
#define WS_HTTP_LIMITS_H

#include <stdint.h>

#include <silverback/http.h>

#include "conn/share.h"
#include "proto/ip.h"

/*
 * What one address may have of a listener: see ws_server's limits for each
 * address.  Of IPv6 the first 64 bits are an address here, since one client has
 * all that begins with them; loopback has no limits.
 *
 * An address is known as long as it has connections, and afterwards until it has
 * its whole burst again: of these at most WS__LIMITS_IDLE, the latest ones.  So
 * whoever comes from ever new addresses has us remember no more than that, some
 * 8 MB; the address that is forgotten for it may have its burst once more.
 *
 * Concurrency: any fiber, any thread.  One lock, for a connection's beginning
 * and its end.
 */
struct ws__limits;

enum { WS__LIMITS_IDLE = 64 * 1024 };

/* *l is NULL if nothing is limited, or has to be given back by unref.  Returns 0
 * or a negated errno. */
int ws__limits_new(struct ws__limits **l, const ws_server *s);

/* The listener needs them no more; connections still may.  NULL is allowed. */
void ws__limits_unref(struct ws__limits *l);

/* Why there is no room for one connection more. */
struct ws__limits_refusal {
    const char *why; /* NULL: there is */
    int retry_after_s;
};

/* One connection more at that time (ws_now).  Returns the share that it is in,
 * for ws__share_leave at its end; NULL: it is in none, for want of limits, or
 * because it is refused: then *r says why, and the log at most every ten
 * seconds.  l may be NULL. */
struct ws__share *ws__limits_enter(struct ws__limits *l,
                                   const struct ws__ip *ip, int64_t now,
                                   struct ws__limits_refusal *r);

#endif
