/* SPDX-License-Identifier: MIT */

#ifndef BENCH_LOAD_FRAMES_H
#define BENCH_LOAD_FRAMES_H

/* The messages of a run: made, compressed and masked once, before it begins. */

#include "load.h"

enum { FRAMES_KEY = 4 }; /* bytes of a mask key */

struct frames {
    size_t size;    /* of each payload */
    size_t slots;   /* how many different messages there are */
    uint8_t *plain; /* slots payloads, one behind the other */
    /* The frames, and the first ones again: from each slot on, as many as may
     * be under way lie in one piece. */
    uint8_t *wire;
    size_t *begin; /* slots + depth + 1 offsets into wire */
    uint8_t first; /* first byte of an uncompressed answer in one frame */
};

void frames_init(struct frames *f, const struct load_options *o);
void frames_fini(struct frames *f);

static inline const uint8_t *frames_plain(const struct frames *f, size_t slot)
{
    return f->plain + slot * f->size;
}

/* The length of an uncompressed frame's head, without its mask key. */
static inline size_t frames_head(const struct frames *f, size_t slot)
{
    return f->begin[slot + 1] - f->begin[slot] - FRAMES_KEY - f->size;
}

/* The length of the ring: offsets are counted modulo it. */
static inline size_t frames_ring(const struct frames *f)
{
    return f->begin[f->slots];
}

#endif
