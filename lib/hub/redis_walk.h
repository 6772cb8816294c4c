/* SPDX-License-Identifier: MIT */

#ifndef WS_HUB_REDIS_WALK_H
#define WS_HUB_REDIS_WALK_H

#include "hub/node.h"

/* A walk through a log, from behind `at` (epoch 0: through all that is kept) and
 * before the offset `before`. */
struct ws__redis_walk {
    const char *topic;
    ws_place at; /* moves */
    uint64_t before;
    ws__publication_fn fn;
    void *arg;
    bool lacks; /* of all that there was, some is not kept */
};

/* As range of hub/backplane says. */
int ws__redis_walk(struct ws__node *n, struct ws__redis_walk *g,
                   int64_t deadline, bool *whole);

#endif
