/* SPDX-License-Identifier: MIT */

#ifndef WS_HUB_HISTORY_H
#define WS_HUB_HISTORY_H

#include "hub/publication.h"

/* How much is kept: of each topic. */
struct ws__history_limits {
    size_t count; /* 0: nothing */
    size_t bytes;
    int64_t ms;
};

/*
 * The newest publications of a topic, in the order of their offsets, which have no
 * gap between them: the last is the topic's last.  A pointer that is NULL is an
 * empty one.  Under the lock of the topic's shard.
 */
struct ws__history;

/* Room for one more.  Returns 0 or -ENOMEM. */
int ws__history_reserve(struct ws__history **h,
                        const struct ws__history_limits *l);

/* Hold p, for which there is room, and drop the oldest above the limits. */
void ws__history_add(struct ws__history *h, const struct ws__history_limits *l,
                     struct ws__publication *p);

/* Drop what is too old by now. */
void ws__history_expire(struct ws__history *h,
                        const struct ws__history_limits *l, int64_t now);

void ws__history_free(struct ws__history **h);

/* How many; and the one that has so many behind it. */
size_t ws__history_count(const struct ws__history *h);
struct ws__publication *ws__history_back(const struct ws__history *h,
                                         size_t behind);

#endif
