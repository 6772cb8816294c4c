/* SPDX-License-Identifier: MIT */

#ifndef WS_HUB_LINEAGE_H
#define WS_HUB_LINEAGE_H

#include <stdbool.h>

#include <silverback/hub.h>

#include "base/str.h"

/*
 * The epochs of one log.  Offsets go on from one to the next; an epoch begins
 * behind the offset `start`, and ends with the start of the next one, or with the
 * log.  A place was lost if the log does not hold it.
 */
enum { WS__LINEAGE_MAX = 8 };

struct ws__lineage {
    int n;
    ws_place start[WS__LINEAGE_MAX]; /* offset: what it begins behind */
    uint64_t last;                   /* offset of the log */
};

/* Read "EPOCH:START EPOCH:START ...", oldest first.  Returns false for anything
 * else. */
bool ws__lineage_parse(struct ws__lineage *l, struct ws__str text,
                       uint64_t last);

/* Did the log stand there once, and does it have all that is behind?  It keeps
 * entries from the offset first on; 0: none. */
bool ws__lineage_reaches(const struct ws__lineage *l, const ws_place *p,
                         uint64_t first);

/* The place of what has this offset. */
ws_place ws__lineage_place(const struct ws__lineage *l, uint64_t offset);

/* Where the log stands. */
ws_place ws__lineage_end(const struct ws__lineage *l);

#endif
