/* SPDX-License-Identifier: MIT */

#ifndef WS_HUB_ROUND_H
#define WS_HUB_ROUND_H

#include "hub/group.h"

struct ws__desk;

/* Of one publication, to one group. */
struct ws__delivery {
    struct ws__publication *publication;
    struct ws__group *group;
    uint32_t next; /* of a round: of the same group */
};

/* What was taken out of a desk's inbox, to be delivered. */
struct ws__round {
    bool under_way;
    struct ws__delivery *deliveries;
    uint32_t n;
    uint32_t room;
    uint64_t first_number;
    struct ws__desk_job *jobs;
    struct ws__group *lost;
    struct ws__group *groups; /* that have something to go, in their order */
    struct ws__group *last_group;
    struct ws__run run; /* on its way to the first one */
    struct ws__outqueue_counts counts;
};

/* With the desk's lock held, and no round under way: this one is from now on. */
void ws__round_take(struct ws__desk *d);

/* What follows: at the desk, with no lock held. */

/* Before all else: sort what was taken. */
void ws__round_begin(struct ws__desk *d);

/* Deliver it, and then do the jobs that came with it, until all is spent
 * (fiber/budget), but one step at least.  Once all is done, it is over. */
void ws__round_go_on(struct ws__desk *d);

/* Free the groups that no delivery is for any more. */
void ws__round_free_buried(struct ws__desk *d);

#endif
