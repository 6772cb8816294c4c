/* SPDX-License-Identifier: MIT */

#ifndef WS_HTTP_DENY_UNREAD_H
#define WS_HTTP_DENY_UNREAD_H

#include "http/host.h"
#include "http/limits.h"

/* Answer on an accepted socket, of which no request will be read: with 429 and
 * when to come again, or, without a reason, with 503.  By the server's error
 * function, if it has one, else with as little as can be.  Does not wait for the
 * peer.  The socket remains the caller's. */
void ws__deny_unread(struct ws__host *host, int fd, const char *remote,
                     const struct ws__limits_refusal *why);

#endif
