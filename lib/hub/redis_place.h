/* SPDX-License-Identifier: MIT */

#ifndef WS_HUB_REDIS_PLACE_H
#define WS_HUB_REDIS_PLACE_H

#include <stdbool.h>

#include <silverback/hub.h>

#include "hub/lineage.h"

/*
 * Where a node is in a topic's log, and what it does next.  What comes by the
 * channel only says that there is more, and is taken if it is what comes next;
 * the log is what counts, and is looked at
 *   when the channel was subscribed, each time anew;
 *   when something came that does not come next: a gap, another epoch;
 *   when something came while it was looked at, which may not have seen it.
 * tests/long/hub.pml is a model of it.  No lock, no waiting: the caller's.
 */
struct ws__redis_place {
    ws_place at; /* of the last one delivered; epoch 0: not known yet */
    ws_place
        acked; /* the newest that this node's publishers were told, or 0; */
    ws_place another; /* one in another epoch, of which nobody knows yet which
                       * is the newer */
    bool on;          /* the channel is subscribed */
    bool due;         /* the log is to be looked at */
    bool looking;     /* and that is done */
    bool heard;       /* something came meanwhile */
    bool from_start;  /* nothing of it was missed so far: not known, but all of
                       * it is to be delivered */
};

/* What to do with what came by the channel. */
enum ws__redis_next {
    WS__REDIS_DELIVER, /* it is the next one */
    WS__REDIS_DROP,    /* it was had, or the log will tell */
    WS__REDIS_LOOK,    /* the log is to be looked at (due) */
};
enum ws__redis_next ws__redis_place_heard(struct ws__redis_place *p,
                                          const ws_place *place, bool whole);

/* The channel is subscribed, or was lost. */
void ws__redis_place_on(struct ws__redis_place *p);
void ws__redis_place_off(struct ws__redis_place *p);

/* Somebody wants it who knows nothing of it yet. */
void ws__redis_place_begin(struct ws__redis_place *p);

/* A publisher was told this place: it has to be there from now on. */
void ws__redis_place_acked(struct ws__redis_place *p, const ws_place *place);

/* What this node has seen, at most three places: what a look tells the log.
 * Returns how many. */
enum { WS__REDIS_SEEN = 3 };
int ws__redis_place_seen(const struct ws__redis_place *p,
                         ws_place seen[static WS__REDIS_SEEN]);

/* It is looked at now; and it was: to be called with the places that it was told
 * of.  first: the first offset that is kept, 0: none is. */
void ws__redis_place_look(struct ws__redis_place *p);
enum ws__redis_looked {
    WS__REDIS_SYNCED, /* it was not known: it stands where the log ends */
    WS__REDIS_MORE, /* what is behind `at` can be delivered, if there is any */
    WS__REDIS_LOST, /* something was lost; goes on from the end of the log */
};
enum ws__redis_looked ws__redis_place_looked(struct ws__redis_place *p,
                                             const struct ws__lineage *l,
                                             uint64_t first);

/* The same for acked alone: meanwhile somebody has begun to want it, who is still
 * to be told where it stands. */
void ws__redis_place_proved(struct ws__redis_place *p,
                            const struct ws__lineage *l);

/* All that a look has brought was delivered, or it has failed (false): due, if
 * there is more. */
void ws__redis_place_done(struct ws__redis_place *p, bool all);

#endif
