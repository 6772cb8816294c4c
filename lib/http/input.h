/* SPDX-License-Identifier: MIT */

#ifndef WS_HTTP_INPUT_H
#define WS_HTTP_INPUT_H

#include "http/fault.h"
#include "http/session.h"

/*
 * Bytes into a session's `in`.  Errors are those of the stream, WS_ERR_EOF at
 * its end, or -ENOMEM.
 */

/* Wait for a request to begin, holding nothing meanwhile; *deadline: when it has
 * to be here whole.  WS_ERR_CANCELED: a shutdown has begun. */
int ws__input_await(struct ws__session *s, int64_t *deadline);

/* Receive some bytes, or none.  first: those that have waited for us count even
 * beyond the deadline. */
int ws__input_some(struct ws__session *s, int64_t deadline, bool first);

/* Some more of a request that has begun: how the peer is answered when that
 * fails is in *f. */
int ws__input_more(struct ws__session *s, int64_t deadline,
                   struct ws__fault *f);

#endif
