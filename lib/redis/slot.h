/* SPDX-License-Identifier: MIT */

#ifndef WS_REDIS_SLOT_H
#define WS_REDIS_SLOT_H

#include <stdbool.h>

#include "base/str.h"
#include "redis/reply.h"
#include "redis/url.h"

/* Of a cluster, whose masters share them. */
enum { WS__REDIS_SLOTS = 16384 };

/* The slot of a key, or of what stands between its first "{" and the next "}". */
int ws__redis_slot(struct ws__str key);

/* Where another node is to be asked: "MOVED slot host:port", "ASK ...".  from is
 * who says so, and meant when there is no host.  Returns false for what is none of
 * them. */
bool ws__redis_redirect(const struct ws__redis_reply *error, const char *word,
                        const struct ws__redis_host *from, int *slot,
                        struct ws__redis_host *to);

/* A range of slots and its master, in the answer to CLUSTER SLOTS. */
struct ws__redis_range {
    int first;
    int last;
    struct ws__redis_host master;
};

/* The i-th.  Returns false for what is none, or has no address (yet). */
bool ws__redis_range(const struct ws__redis_reply *slots, size_t i,
                     const struct ws__redis_host *from,
                     struct ws__redis_range *range);

#endif
