/* SPDX-License-Identifier: MIT */

#ifndef WS_HUB_REPLAY_H
#define WS_HUB_REPLAY_H

#include "hub/topic.h"

/* What is to be sent of a topic's history to one who joins it. */
struct ws__replay {
    ws_place since; /* what it has, so far */
    bool asked;     /* it wants to have the rest; false: nothing */
    bool whole;     /* nothing is missing behind what it had */
    size_t sent;    /* publications that are something to send */
};

/* With the lock of the topic's shard held: does the history reach back to what it
 * has?  If not, it goes on with the oldest there is if it said epoch 0, or not at
 * all. */
void ws__replay_look(struct ws__replay *r, const struct ws__topic *t);

/* The same: how many publications it lacks, and their bytes. */
size_t ws__replay_missing(const struct ws__replay *r, const struct ws__topic *t,
                          size_t *bytes);

/* The same: hold the next ones, at most max, in their order, and have it that
 * they are sent.  Returns how many. */
size_t ws__replay_next(struct ws__replay *r, const struct ws__topic *t,
                       struct ws__publication **next, size_t max);

/* The same: does it lack some that the history here has no more?  Then the offset
 * up to which these are; else 0.  Of an epoch before the present one all are
 * such: whether that is one of this log, the backplane knows. */
uint64_t ws__replay_lacks(const struct ws__replay *r,
                          const struct ws__topic *t);

#endif
