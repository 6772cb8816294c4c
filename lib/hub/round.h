/* SPDX-License-Identifier: MIT */

#ifndef WS_HUB_ROUND_H
#define WS_HUB_ROUND_H

#include "hub/desk.h"

/* What was taken out of a desk's inbox, to be delivered. */
struct ws__round {
    struct ws__desk *desk;
    struct ws__delivery *deliveries;
    uint32_t n;
    uint32_t room;
    uint64_t first_number;
    struct ws__desk_job *jobs;
    struct ws__group *lost;
    struct ws__group *groups; /* that have deliveries, the first one first */
    struct ws__group *last_group;
    struct ws__outqueue_counts counts;
};

/* With the desk's lock held. */
void ws__round_take(struct ws__round *r, struct ws__desk *d);

/* Deliver it, and do the jobs that came with it.  At the desk, with no lock
 * held. */
void ws__round_do(struct ws__round *r);

/* At the desk: free the groups that no delivery is for any more. */
void ws__round_free_buried(struct ws__desk *d);

#endif
