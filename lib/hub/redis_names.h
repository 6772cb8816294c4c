/* SPDX-License-Identifier: MIT */

#ifndef WS_HUB_REDIS_NAMES_H
#define WS_HUB_REDIS_NAMES_H

#include <stddef.h>

#include "base/str.h"

/*
 * How a topic is called in Redis: PREFIX{TOPIC} is its channel, and what its keys
 * begin with, so that a cluster has all of it in one slot.  A '}' or '%' of the
 * topic's is "%7D" or "%25", since what is hashed ends with the first '}'.
 */
struct ws__redis_names {
    struct ws__str channel;
    struct ws__str hash;   /* ":m" behind it */
    struct ws__str stream; /* ":s" */
};

/* Their bytes lie behind the struct, which is for ws_free.  NULL: no memory. */
struct ws__redis_names *ws__redis_names_new(struct ws__str prefix,
                                            struct ws__str topic);

/* ":p:NODE" behind it: who is present at a node.  For ws_free; NULL: no memory. */
char *ws__redis_presence_key(const struct ws__redis_names *n, const char *node);

/* The topic that has this channel, into to, which has room for as many bytes as
 * the channel has behind the prefix.  Returns its length; 0 if it is none of
 * ours. */
size_t ws__redis_topic_of(struct ws__str prefix, struct ws__str channel,
                          char *to);

#endif
