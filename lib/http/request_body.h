/* SPDX-License-Identifier: MIT */

#ifndef WS_HTTP_REQUEST_BODY_H
#define WS_HTTP_REQUEST_BODY_H

#include "http/request.h"

/* Receive the body of a request whose head is here, if it has one; a client that
 * waits to be asked for it is asked.  Returns 0, or a negative code: see *f. */
int ws__request_body(struct ws__request *r, int64_t deadline,
                     struct ws__fault *f);

#endif
