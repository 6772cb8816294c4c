/* SPDX-License-Identifier: MIT */

#ifndef WS_CLIENT_DIAL_STREAM_H
#define WS_CLIENT_DIAL_STREAM_H

#include "client/dialing.h"

/* Connect, through the proxy if there is one.  Returns 0, or a negative code
 * and *d->err says why; *resp is then the proxy's answer, if it has refused in
 * HTTP. */
int ws__dial_stream(const struct ws__dialing *d, struct ws__stream *s,
                    ws_response **resp);

#endif
