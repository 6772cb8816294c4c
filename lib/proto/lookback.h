/* SPDX-License-Identifier: MIT */

#ifndef WS_PROTO_LOOKBACK_H
#define WS_PROTO_LOOKBACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/inflate.h"

/*
 * Some clients go on with their window though the server has answered
 * client_no_context_takeover, which they had not offered (RFC 7692, section
 * 7.1.1.2, has them obey).  So what such a client may look back at is kept, the
 * end of what it has sent compressed: as much as has come, at most 32 KiB, and
 * not as an inflater's.  It is dropped for good as soon as a message shows that
 * the client keeps no window.
 */
struct ws__lookback {
    bool on;
    uint8_t *p;    /* on the heap */
    uint32_t len;  /* of it */
    uint32_t last; /* of which the last message is so many */
};

/* A message has come that could be inflated on its own, n bytes at p.  Returns 0
 * or -ENOMEM. */
int ws__lookback_alone(struct ws__lookback *l, const uint8_t *p, size_t n);

/* A message of n bytes has come, which f has inflated and still has in its
 * window.  Returns 0 or -ENOMEM. */
int ws__lookback_inflated(struct ws__lookback *l, struct ws__inflate *f,
                          uint64_t n);

void ws__lookback_fini(struct ws__lookback *l);

#endif
