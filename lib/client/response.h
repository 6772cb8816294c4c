/* SPDX-License-Identifier: MIT */

#ifndef WS_CLIENT_RESPONSE_H
#define WS_CLIENT_RESPONSE_H

#include <silverback/dial.h>

#include "client/exchange.h"

/*
 * Read the answer to what was sent: its head and, unless it is a 101, the
 * beginning of its body.  Other 1xx are passed over.  What follows it stays in
 * x->in.
 *
 * Returns 0, and *resp, with its HTTP/1.minor, is for ws_response_free; a code
 * of ws__exchange_fill; WS_ERR_EOF when the stream ended before the head did; or
 * WS_ERR_HTTP, and *err says what is wrong with it and how it begins.
 */
int ws__response_read(struct ws__exchange *x, ws_response **resp, int *minor,
                      ws_error *err);

#endif
