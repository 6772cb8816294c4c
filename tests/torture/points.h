/* SPDX-License-Identifier: MIT */

#ifndef TESTS_TORTURE_POINTS_H
#define TESTS_TORTURE_POINTS_H

/* All the points of a scene at which something may fail, each in a process of its
 * own. */

#include "faults.h"
#include "scenes.h"

struct tally {
    long found; /* of those that are to be tried */
    long tried; /* the fault did happen */
    long well;  /* and nobody heard of it */
    long wrong; /* crashed, hung, leaked, or gave a wrong result */
    int slowest_ms;
    struct fault slowest;
};

/* In main, before anything else: once. */
void points_begin(void);

/* Try them all, or so many that are spread over them.  Memory has two passes: one
 * request fails; that one and all that follow. */
void points_try(const struct scene *s, long most, struct tally *t);

/* Try one of them, and say what came of it. */
bool points_try_one(const struct scene *s, const struct fault *f);

#endif
