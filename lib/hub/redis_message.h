/* SPDX-License-Identifier: MIT */

#ifndef WS_HUB_REDIS_MESSAGE_H
#define WS_HUB_REDIS_MESSAGE_H

#include <stdbool.h>

#include <silverback/hub.h>

#include "base/str.h"

/*
 * A publication in Redis.  Its payload is "t" for text or "b" for binary, the
 * length of the key in decimal, a space, the key, and the data.  What comes by
 * the channel has the epoch and the offset before that, each with a space behind
 * it; with no payload it says that the log is to be looked at.
 */

/* The payload of p, in one block for ws_free.  p NULL: no memory. */
struct ws__str ws__redis_payload(const ws_publication *p);

/* What was borrowed for reading: the key needs an end of its own. */
struct ws__redis_key {
    char text[256];
};

/* Set type, key, data and len of p, which borrow the payload's bytes and key's.
 * Returns false for what is none. */
bool ws__redis_payload_read(ws_publication *p, struct ws__str payload,
                            struct ws__redis_key *key);

/* Its place, and the payload behind.  Returns false for what is none. */
bool ws__redis_message_read(ws_place *place, struct ws__str *payload,
                            struct ws__str message);

#endif
