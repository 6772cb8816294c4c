/* SPDX-License-Identifier: MIT */

#ifndef WS_CLIENT_TUNNEL_H
#define WS_CLIENT_TUNNEL_H

#include "client/dialing.h"

/* Have d->proxy, which is at the other end of s, connect to the server, by
 * CONNECT (RFC 9110, section 9.3.6) or SOCKS5 (RFC 1928).  Returns 0, or a
 * negative code and *d->err says why; *resp is then the proxy's answer, if it
 * has refused in HTTP. */
int ws__tunnel(const struct ws__dialing *d, struct ws__stream *s,
               ws_response **resp);

#endif
